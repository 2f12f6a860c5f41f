package io.vecferry.store;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import javax.net.ssl.SSLContext;

/** Web servers that answer as a test wants. Closing stops them all. */
public final class StubServers implements AutoCloseable {
  private final List<HttpServer> servers = new ArrayList<>();

  /** Starts one and returns its address. */
  public String start(HttpHandler handler) throws IOException {
    return "http://" + listen(HttpServer.create(anyPort(), 0), handler);
  }

  /** Starts one that speaks TLS. */
  public String startTls(SSLContext context, HttpHandler handler) throws IOException {
    HttpsServer server = HttpsServer.create(anyPort(), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(context));
    return "https://" + listen(server, handler);
  }

  private static InetSocketAddress anyPort() {
    return new InetSocketAddress("127.0.0.1", 0);
  }

  private String listen(HttpServer server, HttpHandler handler) {
    server.createContext("/", handler);
    server.start();
    servers.add(server);
    return "127.0.0.1:" + server.getAddress().getPort();
  }

  /** Starts one that passes everything on, except what a test wants answered in another way. */
  public String proxy(String url, HttpHandler instead, Predicate<HttpExchange> wanted)
      throws IOException {
    HttpClient client = HttpClient.newHttpClient();
    return start(
        exchange -> {
          if (wanted.test(exchange)) {
            instead.handle(exchange);
            return;
          }
          String type = exchange.getRequestHeaders().getFirst("Content-Type");
          HttpRequest.Builder request =
              HttpRequest.newBuilder(URI.create(url + exchange.getRequestURI()))
                  .header("Content-Type", type == null ? "application/json" : type)
                  .method(
                      exchange.getRequestMethod(),
                      HttpRequest.BodyPublishers.ofByteArray(
                          exchange.getRequestBody().readAllBytes()));
          try {
            HttpResponse<byte[]> response =
                client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
            send(exchange, response.statusCode(), response.body());
          } catch (InterruptedException e) {
            throw new IOException(e);
          }
        });
  }

  /** Answers a request after it was read to its end. */
  public static void answer(HttpExchange exchange, int status, String body) throws IOException {
    exchange.getRequestBody().readAllBytes();
    send(exchange, status, body.getBytes(StandardCharsets.UTF_8));
  }

  private static void send(HttpExchange exchange, int status, byte[] body) throws IOException {
    exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }

  @Override
  public void close() {
    servers.forEach(server -> server.stop(0));
  }
}
