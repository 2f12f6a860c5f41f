package io.vecferry.store;

import io.vecferry.plan.FailureClass;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.Date;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.X509ExtendedKeyManager;

/**
 * Why a connection by TLS does not come about. Clients of stores say it in many ways, and a server
 * that wants to have a client certificate often says it after the client has begun to speak: so one
 * connection is made that says nothing and listens.
 */
public final class TlsRefusal {
  private static final int CONNECT_MILLIS = 5000;

  /** A server that has something against a certificate says so at once. */
  private static final int LISTEN_MILLIS = 2000;

  private static final int MOST_AUTHORITIES = 5;
  private static final Pattern ALERT = Pattern.compile("^\\([a-z_]+\\) ");

  private final TlsSettings settings;
  private final String server;
  private final Listening listening;

  private TlsRefusal(TlsSettings settings, String server) {
    this.settings = settings;
    this.server = server;
    this.listening = new Listening(settings.keyManager());
  }

  /**
   * Looks for the reason after a connection has failed.
   *
   * @param server its address, for messages
   * @param host name that its certificate has to be for
   * @param protocol what is spoken, as {@code h2}; empty to leave that open
   * @return what to tell the user; empty when TLS is not the reason
   */
  public static Optional<StoreException> find(
      TlsSettings settings, String server, String host, int port, String protocol) {
    return find(settings, server, host, host, port, protocol);
  }

  /**
   * Does the same for a server whose certificate is for another name.
   *
   * @param name that its certificate has to be for
   */
  public static Optional<StoreException> find(
      TlsSettings settings, String server, String host, String name, int port, String protocol) {
    try {
      return new TlsRefusal(settings, server)
          .listen(unbracketed(host), unbracketed(name), port, protocol);
    } catch (StoreException e) {
      // A file is not, or no longer, what it was when the connection was begun.
      return Optional.of(e);
    }
  }

  /** What went wrong, as every JDK says it: newer ones put the name of the alert in front of it. */
  public static String said(SSLException failure) {
    String message = failure.getMessage();
    return message == null ? null : ALERT.matcher(message).replaceFirst("");
  }

  private static String unbracketed(String host) {
    return host.startsWith("[") && host.endsWith("]") ? host.substring(1, host.length() - 1) : host;
  }

  private Optional<StoreException> listen(String host, String name, int port, String protocol) {
    boolean accepted = false;
    try (Socket plain = new Socket()) {
      plain.connect(new InetSocketAddress(host, port), CONNECT_MILLIS);
      plain.setSoTimeout(CONNECT_MILLIS);
      try (SSLSocket socket =
          (SSLSocket)
              settings
                  .context(new KeyManager[] {listening})
                  .getSocketFactory()
                  .createSocket(plain, name, port, true)) {
        SSLParameters parameters = socket.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        if (!protocol.isEmpty()) {
          parameters.setApplicationProtocols(new String[] {protocol});
        }
        socket.setSSLParameters(parameters);
        socket.startHandshake();
        accepted = true;
        socket.setSoTimeout(LISTEN_MILLIS);
        // A refusal of the client's certificate is an alert. A proxy whose server is down just
        // closes.
        socket.getInputStream().read();
        return Optional.empty();
      }
    } catch (SocketTimeoutException e) {
      return Optional.empty();
    } catch (SSLException e) {
      return ofServer(e).or(() -> ofClientCertificate(said(e)));
    } catch (IOException e) {
      return accepted ? Optional.empty() : ofClientCertificate(e.getMessage());
    }
  }

  /** What this worker has against the server. */
  private Optional<StoreException> ofServer(SSLException failure) {
    String message = String.valueOf(said(failure));
    String text = message.toLowerCase(Locale.ROOT);
    if (text.contains("unrecognized ssl message") || text.contains("plaintext")) {
      return Optional.of(
          new StoreException(
              FailureClass.INCOMPATIBLE,
              server + " does not speak TLS. " + settings.plain(),
              failure));
    }
    String shows = server + " shows a certificate that ";
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof CertificateExpiredException) {
        return refused(
            shows + "has expired (" + cause.getMessage() + "). Renew it there.", failure);
      }
      if (cause instanceof CertificateNotYetValidException) {
        return refused(
            shows
                + "is not valid yet ("
                + cause.getMessage()
                + "). Look at the clocks of that server and of this worker.",
            failure);
      }
    }
    if (text.contains("no subject alternative") || text.contains("no name matching")) {
      return refused(
          shows
              + "is for another name: "
              + message
              + ". Write a name that it is for in "
              + settings.address()
              + ", or give the server one for this name.",
          failure);
    }
    if (text.contains("pkix")
        || text.contains("certification path")
        || text.contains("trust anchor")) {
      return refused(
          shows
              + "this worker does not trust: "
              + message
              + ". "
              + (settings.authority().isNamed()
                  ? "The authority that signed it is not in "
                      + settings.authority().path()
                      + " ("
                      + settings.authority().field()
                      + "): put its certificate there."
                  : "Name the file of the authority that signed it in "
                      + settings.authority().field()
                      + "."),
          failure);
    }
    return Optional.empty();
  }

  /** What the server has against this worker. */
  private Optional<StoreException> ofClientCertificate(String said) {
    if (!listening.asked) {
      return Optional.empty();
    }
    String authorities =
        listening.authorities.isEmpty()
            ? ""
            : " It takes those of " + String.join("; ", listening.authorities) + ".";
    if (!settings.certificate().isNamed()) {
      return refused(
          server
              + " asks for a client certificate, and there is none ("
              + said
              + ")."
              + authorities
              + " Name its file in "
              + settings.certificate().field()
              + " and that of its key in "
              + settings.key().field()
              + ".",
          null);
    }
    X509Certificate own = settings.ownCertificate();
    return refused(
        server
            + " does not accept the client certificate of "
            + own.getSubjectX500Principal().getName()
            + " in "
            + settings.certificate().path()
            + " ("
            + settings.certificate().field()
            + "): "
            + said
            + "."
            + (own.getNotAfter().before(new Date())
                ? " It has expired: " + own.getNotAfter().toInstant() + "."
                : "")
            + authorities
            + " Put one there that it accepts, with its key in "
            + settings.key().path()
            + ".",
        null);
  }

  private static Optional<StoreException> refused(String message, SSLException cause) {
    return Optional.of(new StoreException(FailureClass.PERMISSION, message, cause));
  }

  /** Shows what there is to show, and notices whether and whose is asked for. */
  private static final class Listening extends X509ExtendedKeyManager {
    private final X509ExtendedKeyManager keys;
    private final Set<String> authorities = new LinkedHashSet<>();
    private boolean asked;

    Listening(X509ExtendedKeyManager keys) {
      this.keys = keys;
    }

    private void note(Principal[] issuers) {
      asked = true;
      if (issuers != null) {
        Arrays.stream(issuers)
            .limit(MOST_AUTHORITIES)
            .map(Principal::getName)
            .forEach(authorities::add);
      }
    }

    @Override
    public String chooseClientAlias(String[] types, Principal[] issuers, Socket socket) {
      note(issuers);
      return keys == null ? null : keys.chooseClientAlias(types, issuers, socket);
    }

    @Override
    public String chooseEngineClientAlias(String[] types, Principal[] issuers, SSLEngine engine) {
      note(issuers);
      return keys == null ? null : keys.chooseEngineClientAlias(types, issuers, engine);
    }

    @Override
    public String[] getClientAliases(String type, Principal[] issuers) {
      return keys == null ? null : keys.getClientAliases(type, issuers);
    }

    @Override
    public X509Certificate[] getCertificateChain(String alias) {
      return keys == null ? null : keys.getCertificateChain(alias);
    }

    @Override
    public PrivateKey getPrivateKey(String alias) {
      return keys == null ? null : keys.getPrivateKey(alias);
    }

    @Override
    public String[] getServerAliases(String type, Principal[] issuers) {
      return null;
    }

    @Override
    public String chooseServerAlias(String type, Principal[] issuers, Socket socket) {
      return null;
    }
  }
}
