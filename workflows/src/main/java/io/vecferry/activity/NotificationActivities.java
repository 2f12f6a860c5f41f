package io.vecferry.activity;

import io.temporal.activity.ActivityInterface;

/** Telling people how a migration goes, which never holds it up. */
@ActivityInterface
public interface NotificationActivities {

  /**
   * Tells one target of one thing. May tell it twice; both bear the same {@link Notification#id}.
   */
  void sendNotification(NotificationTask task);
}
