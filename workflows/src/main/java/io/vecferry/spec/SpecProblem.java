package io.vecferry.spec;

/**
 * Something wrong in a spec.
 *
 * @param field where, as {@code import.batchSize}
 * @param message what stands there, what is allowed and what to do
 */
public record SpecProblem(String field, String message) {
  @Override
  public String toString() {
    return field + ": " + message;
  }
}
