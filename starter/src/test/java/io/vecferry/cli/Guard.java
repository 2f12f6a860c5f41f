package io.vecferry.cli;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.grpc.HandlerRegistry;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerMethodDefinition;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Stands before a server and lets in who has a header that it knows. Like some gateways, it repeats
 * in its refusal what it was given.
 */
final class Guard implements AutoCloseable {
  private final Runnable stop;
  private final String url;
  private final Set<String> welcome = ConcurrentHashMap.newKeySet();
  private final Set<String> seen = ConcurrentHashMap.newKeySet();

  private Guard(HttpServer http, ExecutorService threads, String server) {
    HttpClient client = HttpClient.newHttpClient();
    http.createContext("/", exchange -> answer(exchange, client, server));
    http.setExecutor(threads);
    http.start();
    url = "http://127.0.0.1:" + http.getAddress().getPort();
    stop =
        () -> {
          http.stop(0);
          threads.shutdownNow();
        };
  }

  private Guard(NettyServerBuilder builder) throws IOException {
    Server grpc = builder.fallbackHandlerRegistry(refusing()).build().start();
    url = "http://127.0.0.1:" + grpc.getPort();
    stop = grpc::shutdownNow;
  }

  /** Before a server that speaks HTTP. */
  static Guard before(String server) throws IOException {
    return new Guard(
        HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0),
        Executors.newCachedThreadPool(),
        server);
  }

  /** Before a server that speaks gRPC; lets nobody in. */
  static Guard refusingGrpc() throws IOException {
    return new Guard(
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)));
  }

  String url() {
    return url;
  }

  /** Lets in who sends this value in a header. */
  Guard welcome(String header) {
    welcome.add(header);
    return this;
  }

  /** Lets in nobody any more. */
  void lockOut() {
    welcome.clear();
  }

  /** Values of headers that were sent. */
  Set<String> seen() {
    return Set.copyOf(seen);
  }

  private void answer(HttpExchange exchange, HttpClient client, String server) throws IOException {
    byte[] body = exchange.getRequestBody().readAllBytes();
    Headers headers = exchange.getRequestHeaders();
    headers.values().forEach(seen::addAll);
    if (headers.values().stream().flatMap(List::stream).noneMatch(welcome::contains)) {
      String said =
          "{\"error\":{\"type\":\"security_exception\",\"reason\":\"nobody is let in with %s\"},\"message\":\"nobody is let in with %s\"}"
              .formatted(headers.entrySet(), headers.entrySet());
      send(exchange, 401, said.getBytes(StandardCharsets.UTF_8));
      return;
    }
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(server + exchange.getRequestURI()))
            .method(exchange.getRequestMethod(), HttpRequest.BodyPublishers.ofByteArray(body));
    for (String name : new String[] {"Content-Type", "Accept"}) {
      if (headers.getFirst(name) != null) {
        request.header(name, headers.getFirst(name));
      }
    }
    try {
      HttpResponse<byte[]> response =
          client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
      response
          .headers()
          .firstValue("Content-Type")
          .ifPresent(type -> exchange.getResponseHeaders().set("Content-Type", type));
      send(exchange, response.statusCode(), response.body());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      exchange.close();
    }
  }

  private static void send(HttpExchange exchange, int status, byte[] body) throws IOException {
    boolean empty = body.length == 0 || exchange.getRequestMethod().equals("HEAD");
    exchange.sendResponseHeaders(status, empty ? -1 : body.length);
    if (!empty) {
      exchange.getResponseBody().write(body);
    }
    exchange.close();
  }

  private HandlerRegistry refusing() {
    return new HandlerRegistry() {
      @Override
      public ServerMethodDefinition<?, ?> lookupMethod(String method, String authority) {
        ServerCallHandler<byte[], byte[]> handler =
            (call, headers) -> {
              StringBuilder said = new StringBuilder("nobody is let in with");
              for (String name : headers.keys()) {
                if (!name.endsWith(Metadata.BINARY_HEADER_SUFFIX)) {
                  String value =
                      headers.get(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER));
                  seen.add(value);
                  said.append(' ').append(name).append('=').append(value);
                }
              }
              call.close(Status.UNAUTHENTICATED.withDescription(said.toString()), new Metadata());
              return new ServerCall.Listener<>() {};
            };
        return ServerMethodDefinition.create(
            MethodDescriptor.<byte[], byte[]>newBuilder(new Bytes(), new Bytes())
                .setFullMethodName(method)
                .setType(MethodDescriptor.MethodType.UNKNOWN)
                .build(),
            handler);
      }
    };
  }

  @Override
  public void close() {
    stop.run();
  }

  private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
    @Override
    public InputStream stream(byte[] value) {
      return new ByteArrayInputStream(value);
    }

    @Override
    public byte[] parse(InputStream stream) {
      try {
        return stream.readAllBytes();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
