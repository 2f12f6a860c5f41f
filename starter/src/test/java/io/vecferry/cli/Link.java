package io.vecferry.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** A TCP proxy on the loopback interface that can be slow, hold back and reset. */
final class Link implements AutoCloseable {
  private static final int CHUNK = 4096;

  private final String host;
  private final int port;
  private final ServerSocket server;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final AtomicLong toServer = new AtomicLong();
  private final AtomicLong toClient = new AtomicLong();
  private volatile long delayMillis;
  private volatile long bytesPerSecond = Long.MAX_VALUE;
  private volatile boolean held;
  private volatile boolean refusing;

  /**
   * @param address host and port
   */
  Link(String address) {
    URI uri = URI.create(address.contains("://") ? address : "tcp://" + address);
    host = uri.getHost();
    port = uri.getPort();
    try {
      server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    start("link", this::accept);
  }

  /** Host and port of this end. */
  String address() {
    return "127.0.0.1:" + server.getLocalPort();
  }

  /** Each piece of data arrives so much later. */
  void delay(long millis) {
    delayMillis = millis;
  }

  /** No connection carries more, in each direction. */
  void limit(long bytesPerSecond) {
    this.bytesPerSecond = bytesPerSecond;
  }

  /** Connections stay open, new ones too, and nothing arrives any more. */
  void hold() {
    held = true;
  }

  /** What was held back arrives. */
  void release() {
    held = false;
  }

  /** Connections end with a reset, and new ones too. */
  void cut() {
    refusing = true;
    reset();
  }

  /** New connections work again. */
  void mend() {
    refusing = false;
  }

  /** All connections end with a reset. */
  void reset() {
    for (Socket socket : open) {
      close(socket);
    }
  }

  /** Bytes that have gone to the server. */
  long sent() {
    return toServer.get();
  }

  @Override
  public void close() {
    try {
      server.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    reset();
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Socket client = server.accept();
        open.add(client);
        if (refusing) {
          close(client);
          continue;
        }
        Socket target = new Socket(host, port);
        open.add(target);
        start("link-out", () -> pump(client, target, toServer));
        start("link-in", () -> pump(target, client, toClient));
      } catch (IOException e) {
        // The server is away or this end was closed: the client sees its connection end.
        reset();
      }
    }
  }

  private void pump(Socket from, Socket to, AtomicLong count) {
    byte[] chunk = new byte[CHUNK];
    try {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      for (int bytes = in.read(chunk); bytes >= 0; bytes = in.read(chunk)) {
        long limit = bytesPerSecond;
        long millis = limit == Long.MAX_VALUE ? 0 : bytes * 1000L / limit;
        TimeUnit.MILLISECONDS.sleep(delayMillis + millis);
        while (held) {
          TimeUnit.MILLISECONDS.sleep(10);
        }
        out.write(chunk, 0, bytes);
        out.flush();
        count.addAndGet(bytes);
      }
    } catch (IOException | InterruptedException e) {
      // Both ends are closed below.
    } finally {
      close(from);
      close(to);
    }
  }

  private void close(Socket socket) {
    open.remove(socket);
    try {
      // No lingering: the other side gets a reset and not an orderly end.
      socket.setSoLinger(true, 0);
      socket.close();
    } catch (IOException e) {
      // It is closed.
    }
  }

  private static void start(String name, Runnable task) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    thread.start();
  }
}
