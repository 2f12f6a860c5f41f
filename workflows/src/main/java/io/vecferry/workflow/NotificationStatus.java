package io.vecferry.workflow;

import java.util.List;

/**
 * How telling people goes.
 *
 * @param delivered notifications that have arrived, those to several targets counted for each
 * @param pending those that are on their way or tried again
 * @param undelivered those that were given up, with the reason; the first of them
 */
public record NotificationStatus(int delivered, int pending, List<String> undelivered) {
  static final NotificationStatus NONE = new NotificationStatus(0, 0, List.of());

  public NotificationStatus {
    undelivered = undelivered == null ? List.of() : List.copyOf(undelivered);
  }
}
