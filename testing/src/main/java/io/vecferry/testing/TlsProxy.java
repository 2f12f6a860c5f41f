package io.vecferry.testing;

import io.vecferry.testing.TestAuthority.Identity;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.security.GeneralSecurityException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;

/** TLS in front of a server that has none, on a free port of loopback. */
public final class TlsProxy implements AutoCloseable {
  private static final int LINGER_MILLIS = 2000;

  private final ServerSocket listener;
  private final SSLContext context;
  private final boolean asksForCertificates;
  private final int port;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();

  private TlsProxy(ServerSocket listener, SSLContext context, boolean asks, int port) {
    this.listener = listener;
    this.context = context;
    this.asksForCertificates = asks;
    this.port = port;
  }

  /** Lets only those in whom an authority has signed; speaks what the client offers first. */
  public static TlsProxy mutual(String url, Identity identity, TestAuthority clients)
      throws IOException, GeneralSecurityException {
    return open(url, identity.context(clients), true);
  }

  /** Lets everybody in. */
  public static TlsProxy open(String url, Identity identity, TestAuthority authority)
      throws IOException, GeneralSecurityException {
    return open(url, identity.context(authority), false);
  }

  private static TlsProxy open(String url, SSLContext context, boolean asks) throws IOException {
    int port = URI.create(url.contains("://") ? url : "tcp://" + url).getPort();
    TlsProxy proxy =
        new TlsProxy(
            new ServerSocket(0, 50, InetAddress.getLoopbackAddress()), context, asks, port);
    inBackground(proxy::accept);
    return proxy;
  }

  public int port() {
    return listener.getLocalPort();
  }

  /** Its address with https. */
  public String url() {
    return "https://127.0.0.1:" + port();
  }

  private static void inBackground(Runnable task) {
    Thread thread = new Thread(task, "tls-proxy");
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        Socket client = listener.accept();
        open.add(client);
        inBackground(() -> serve(client));
      } catch (IOException e) {
        // It was closed.
        return;
      }
    }
  }

  private void serve(Socket client) {
    try (client;
        Socket server = new Socket(InetAddress.getLoopbackAddress(), port)) {
      open.add(server);
      SSLSocket secured =
          (SSLSocket)
              context.getSocketFactory().createSocket(client, null, client.getPort(), false);
      secured.setUseClientMode(false);
      secured.setNeedClientAuth(asksForCertificates);
      secured.setHandshakeApplicationProtocolSelector(
          (socket, offered) -> offered.isEmpty() ? "" : offered.get(0));
      try {
        secured.startHandshake();
      } catch (IOException e) {
        leave(client);
        return;
      }
      inBackground(() -> pump(server, secured, client));
      pump(secured, server, client);
    } catch (IOException e) {
      // One of the two has gone, and so goes the other.
    } finally {
      open.remove(client);
    }
  }

  /** What a client has sent and nobody has read would throw away what it was told last. */
  private static void leave(Socket client) throws IOException {
    client.setSoTimeout(LINGER_MILLIS);
    client.shutdownOutput();
    InputStream in = client.getInputStream();
    byte[] buffer = new byte[8192];
    int read = in.read(buffer);
    while (read >= 0) {
      read = in.read(buffer);
    }
  }

  private static void pump(Socket from, Socket to, Socket client) {
    try (from;
        to;
        client) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      byte[] buffer = new byte[1 << 16];
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        out.write(buffer, 0, read);
        out.flush();
      }
    } catch (IOException e) {
      // As above.
    }
  }

  @Override
  public void close() throws IOException {
    listener.close();
    for (Socket socket : open) {
      socket.close();
    }
  }
}
