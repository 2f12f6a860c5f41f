package io.vecferry.phase;

import io.vecferry.activity.NotificationActivities;
import io.vecferry.activity.NotificationTask;
import io.vecferry.notification.NotificationSender;

/** Tells people how a migration goes. */
public final class NotificationSteps implements NotificationActivities {
  @Override
  public void sendNotification(NotificationTask task) {
    Calls.run(
        () -> {
          NotificationSender.send(task);
          return null;
        });
  }
}
