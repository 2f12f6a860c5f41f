package io.vecferry.workflow;

/**
 * Something that a person did to a running migration.
 *
 * @param atMillis when, in milliseconds since 1970
 * @param verb what
 * @param who who said to be doing it
 * @param reason why
 * @param detail what exactly: the part, the mode, the new speed, or why it was refused; may be
 *     empty
 */
public record OperatorAction(long atMillis, String verb, String who, String reason, String detail) {

  @Override
  public String toString() {
    return verb
        + (detail == null || detail.isEmpty() ? "" : " (" + detail + ")")
        + " by "
        + who
        + ": "
        + reason;
  }
}
