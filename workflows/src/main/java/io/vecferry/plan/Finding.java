package io.vecferry.plan;

/**
 * Something that planning found out and a person should know before the migration starts.
 *
 * @param severity how serious it is
 * @param subject what it is about: a spec field, a file, a collection
 * @param message what was found, with the value and what is allowed
 * @param remedy what to do about it; empty when nothing has to be done
 */
public record Finding(Severity severity, String subject, String message, String remedy) {

  /** How serious a finding is. */
  public enum Severity {
    /** The migration does not start. */
    BLOCKING,
    /** The migration starts; the result differs from the source in a stated way. */
    WARNING,
    /** Good to know. */
    INFO
  }

  public static Finding blocking(String subject, String message, String remedy) {
    return new Finding(Severity.BLOCKING, subject, message, remedy);
  }

  public static Finding warning(String subject, String message, String remedy) {
    return new Finding(Severity.WARNING, subject, message, remedy);
  }

  public static Finding info(String subject, String message) {
    return new Finding(Severity.INFO, subject, message, "");
  }

  @Override
  public String toString() {
    return subject + ": " + message + (remedy.isEmpty() ? "" : " " + remedy);
  }
}
