package io.vecferry.phase;

import io.vecferry.activity.NotificationActivities;
import io.vecferry.activity.NotificationTask;
import io.vecferry.notification.NotificationSender;

/** Tells people how a migration goes. */
final class NotificationSteps implements NotificationActivities {
  private final Connections connections;

  NotificationSteps(Connections connections) {
    this.connections = connections;
  }

  @Override
  public void sendNotification(NotificationTask task) {
    Calls.run(
        () -> {
          connections.requireNotifications();
          NotificationSender.send(task);
          return null;
        });
  }
}
