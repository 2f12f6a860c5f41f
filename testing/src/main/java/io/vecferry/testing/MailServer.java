package io.vecferry.testing;

import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.net.ssl.SSLContext;
import org.subethamail.smtp.auth.EasyAuthenticationHandlerFactory;
import org.subethamail.smtp.auth.LoginFailedException;
import org.subethamail.smtp.server.SMTPServer;

/** A mail server that keeps what it is given. */
public final class MailServer implements AutoCloseable {
  private final List<Received> received = new CopyOnWriteArrayList<>();
  private SMTPServer server;

  /**
   * A mail.
   *
   * @param text head and body as they were sent
   */
  public record Received(String from, String text) {}

  private MailServer() {}

  /** Starts one on a free port of loopback that takes mail from everybody. */
  public static MailServer open() {
    MailServer mail = new MailServer();
    mail.start(mail.builder());
    return mail;
  }

  /** Starts one that insists on STARTTLS and a login. */
  public static MailServer guarded(SSLContext tls, String user, String password) {
    MailServer mail = new MailServer();
    mail.start(withLogin(mail.builder(), user, password).requireTLS().startTlsSocketFactory(tls));
    return mail;
  }

  /** Starts one that insists on a login. */
  public static MailServer withLogin(String user, String password) {
    MailServer mail = new MailServer();
    mail.start(withLogin(mail.builder(), user, password));
    return mail;
  }

  private static SMTPServer.Builder withLogin(
      SMTPServer.Builder builder, String user, String password) {
    return builder
        .requireAuth()
        .authenticationHandlerFactory(
            new EasyAuthenticationHandlerFactory(
                (name, word, context) -> {
                  if (!name.equals(user) || !word.equals(password)) {
                    throw new LoginFailedException();
                  }
                }));
  }

  private SMTPServer.Builder builder() {
    return SMTPServer.port(0)
        .bindAddress(InetAddress.getLoopbackAddress())
        .messageHandler(
            (context, from, to, data) ->
                received.add(new Received(from, new String(data, StandardCharsets.UTF_8))));
  }

  private void start(SMTPServer.Builder builder) {
    server = builder.build();
    server.start();
  }

  public int port() {
    return server.getPortAllocated();
  }

  public List<Received> received() {
    return List.copyOf(received);
  }

  @Override
  public void close() {
    server.stop();
  }
}
