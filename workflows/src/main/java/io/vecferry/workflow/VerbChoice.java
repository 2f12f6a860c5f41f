package io.vecferry.workflow;

/**
 * A verb that is possible now.
 *
 * @param effect what it would do now, for a person
 */
public record VerbChoice(Verb verb, String effect) {

  @Override
  public String toString() {
    return verb.word() + ": " + effect;
  }
}
