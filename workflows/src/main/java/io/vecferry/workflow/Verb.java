package io.vecferry.workflow;

import java.util.Locale;

/** What a person can do to a running migration. Each is an Update of the same name. */
public enum Verb {
  PAUSE,
  RESUME,
  RETRY,
  REPAIR,
  SKIP,
  APPROVE,
  REJECT,
  ROLLBACK,
  TUNE;

  /** Its name as an Update and as a command. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
