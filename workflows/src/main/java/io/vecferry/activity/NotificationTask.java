package io.vecferry.activity;

import io.vecferry.spec.NotificationTarget;

/**
 * Something to be told to one target.
 *
 * @param number place of the target in the spec, from 0
 */
public record NotificationTask(int number, NotificationTarget target, Notification notification) {

  /** Where the target stands in the spec. */
  public String field() {
    return field(number);
  }

  /** Where a target stands in the spec. */
  public static String field(int number) {
    return "notify[" + number + "]";
  }
}
