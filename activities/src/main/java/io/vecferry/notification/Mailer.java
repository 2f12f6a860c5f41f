package io.vecferry.notification;

import io.vecferry.activity.Notification;
import io.vecferry.activity.NotificationTask;
import io.vecferry.plan.FailureClass;
import io.vecferry.spec.NotificationTarget.Mail;
import io.vecferry.store.Secrets;
import io.vecferry.store.StoreException;
import io.vecferry.store.TlsSettings;
import jakarta.mail.Address;
import jakarta.mail.AuthenticationFailedException;
import jakarta.mail.MessagingException;
import jakarta.mail.SendFailedException;
import jakarta.mail.Session;
import jakarta.mail.Transport;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeMessage;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.List;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sends notifications as e-mail. */
final class Mailer {
  private static final String USERNAME = "username";

  /** For connecting, and for each answer of the server. */
  private static final String LIMIT_MILLIS = "10000";

  /** How a server begins its answers. */
  private static final Pattern REPLY = Pattern.compile("\\b([245])\\d\\d[ -]");

  private Mailer() {}

  static void send(NotificationTask task) {
    Mail mail = task.target().mail();
    String user = secret(task, USERNAME, mail.username());
    String password = secret(task, "password", mail.password());
    Session session = Session.getInstance(properties(task));
    try (Transport transport = session.getTransport("smtp")) {
      MimeMessage message = message(session, task.notification(), mail);
      transport.connect(mail.host(), mail.port(), user, password);
      transport.sendMessage(message, message.getAllRecipients());
    } catch (AuthenticationFailedException e) {
      throw new StoreException(
          FailureClass.PERMISSION,
          task.field()
              + ": the mail server refused the login: "
              + NotificationSender.said(e)
              + ".");
    } catch (SendFailedException e) {
      throw notSent(task, e);
    } catch (MessagingException e) {
      throw new StoreException(
          isRefusal(e) ? FailureClass.INCOMPATIBLE : FailureClass.TRANSIENT,
          task.field() + ": the mail was not sent: " + said(e) + ".");
    }
  }

  static void check(NotificationTask task) {
    secret(task, USERNAME, task.target().mail().username());
    secret(task, "password", task.target().mail().password());
    properties(task);
  }

  private static String secret(NotificationTask task, String key, String reference) {
    if (reference == null) {
      return null;
    }
    String field = task.field() + ".auth." + key;
    return key.equals(USERNAME)
        ? Secrets.read(field, reference)
        : Secrets.resolve(field, reference);
  }

  private static Properties properties(NotificationTask task) {
    Mail mail = task.target().mail();
    Properties properties = new Properties();
    for (String limit : List.of("connectiontimeout", "timeout", "writetimeout")) {
      properties.put("mail.smtp." + limit, LIMIT_MILLIS);
    }
    properties.put("mail.smtp.auth", String.valueOf(mail.username() != null));
    // Who can be reached is, when others cannot.
    properties.put("mail.smtp.sendpartial", "true");
    properties.put("mail.smtp.ssl.checkserveridentity", "true");
    switch (mail.tls()) {
      case STARTTLS -> {
        properties.put("mail.smtp.starttls.enable", "true");
        properties.put("mail.smtp.starttls.required", "true");
      }
      case TLS -> properties.put("mail.smtp.ssl.enable", "true");
      case NONE -> properties.put("mail.smtp.starttls.enable", "false");
    }
    if (task.target().caFile() != null) {
      properties.put(
          "mail.smtp.ssl.socketFactory",
          TlsSettings.trusting(task.field() + ".caFile", task.target().caFile())
              .context()
              .getSocketFactory());
    }
    return properties;
  }

  private static MimeMessage message(Session session, Notification notification, Mail mail)
      throws MessagingException {
    MimeMessage message =
        new MimeMessage(session) {
          @Override
          protected void updateMessageID() throws MessagingException {
            setHeader("Message-ID", "<" + notification.id() + "@vecferry>");
          }
        };
    message.setFrom(new InternetAddress(mail.from(), true));
    for (String to : mail.to()) {
      message.addRecipient(MimeMessage.RecipientType.TO, new InternetAddress(to, true));
    }
    message.setSubject("[vecferry] " + notification.title(), StandardCharsets.UTF_8.name());
    message.setSentDate(new Date(notification.atMillis()));
    // Nobody's absence is to be answered to it.
    message.setHeader("Auto-Submitted", "auto-generated");
    message.setHeader("X-Vecferry-Event", notification.event().word());
    message.setText(HttpNotifier.text(notification) + "\n", StandardCharsets.UTF_8.name());
    return message;
  }

  /** Some or all recipients were refused. Those who have got it do not get it again. */
  private static StoreException notSent(NotificationTask task, SendFailedException failure) {
    List<Address> missed = new ArrayList<>();
    for (Address[] addresses :
        Arrays.asList(failure.getInvalidAddresses(), failure.getValidUnsentAddresses())) {
      if (addresses != null) {
        missed.addAll(Arrays.asList(addresses));
      }
    }
    boolean sentToSome =
        failure.getValidSentAddresses() != null && failure.getValidSentAddresses().length > 0;
    return new StoreException(
        sentToSome || isRefusal(failure) ? FailureClass.INCOMPATIBLE : FailureClass.TRANSIENT,
        task.field() + ": the mail server refused mail to " + missed + ": " + said(failure) + ".");
  }

  /** Whether a server has said, by a code that begins with 5, that another try is no use. */
  private static boolean isRefusal(MessagingException failure) {
    for (Exception link = failure;
        link instanceof MessagingException message;
        link = message.getNextException()) {
      Matcher reply = REPLY.matcher(String.valueOf(link.getMessage()));
      if (reply.find()) {
        return reply.group(1).equals("5");
      }
    }
    return false;
  }

  /** What is behind a failure says more than the failure. */
  private static String said(MessagingException failure) {
    Exception last = failure;
    while (last instanceof MessagingException message && message.getNextException() != null) {
      last = message.getNextException();
    }
    return NotificationSender.said(last);
  }
}
