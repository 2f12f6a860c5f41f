package io.vecferry.notification;

import io.vecferry.activity.NotificationTask;
import io.vecferry.plan.FailureClass;
import io.vecferry.spec.NotificationTarget;
import io.vecferry.store.Secrets;
import io.vecferry.store.StoreException;
import io.vecferry.store.TlsRefusal;
import javax.net.ssl.SSLException;

/**
 * Sends notifications. What it throws shows no secret: neither a message nor a cause of one that
 * knows the address, token or password.
 */
public final class NotificationSender {
  private static final int LONGEST = 300;

  private NotificationSender() {}

  /**
   * Sends one.
   *
   * @throws StoreException TRANSIENT when it is worth another try
   */
  public static void send(NotificationTask task) {
    withoutSecrets(
        task.field(),
        () -> {
          switch (task.target().type()) {
            case WEBHOOK, SLACK -> HttpNotifier.send(task);
            case EMAIL -> Mailer.send(task);
          }
        });
  }

  /**
   * Looks for what a target needs on this machine, and sends nothing.
   *
   * @param number place of the target in the spec, from 0
   * @throws StoreException when a secret or certificate is missing or cannot be used
   */
  public static void check(int number, NotificationTarget target) {
    NotificationTask nothing = new NotificationTask(number, target, null);
    withoutSecrets(
        nothing.field(),
        () -> {
          switch (target.type()) {
            case WEBHOOK, SLACK -> HttpNotifier.check(nothing);
            case EMAIL -> Mailer.check(nothing);
          }
        });
  }

  /** An exception in one line, without secrets: others repeat what they were sent. */
  static String said(Throwable failure) {
    String name = failure.getClass().getSimpleName();
    String message =
        failure instanceof SSLException tls ? TlsRefusal.said(tls) : failure.getMessage();
    if (message == null) {
      return name;
    }
    String line = Secrets.hidden(message).replaceAll("\\s*\\R\\s*", " ").strip();
    return name + ": " + (line.length() <= LONGEST ? line : line.substring(0, LONGEST) + " ...");
  }

  private static void withoutSecrets(String field, Runnable work) {
    try {
      work.run();
    } catch (StoreException e) {
      throw new StoreException(e.failureClass(), e.getMessage());
    } catch (RuntimeException e) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE,
          field + " cannot be used: " + e.getClass().getSimpleName() + ".");
    }
  }
}
