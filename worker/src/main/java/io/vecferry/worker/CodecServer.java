package io.vecferry.worker;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.temporal.api.common.v1.Payload;
import io.temporal.api.common.v1.Payloads;
import io.temporal.payload.codec.PayloadCodec;
import io.temporal.payload.codec.PayloadCodecException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.UnaryOperator;

/**
 * Decrypts and encrypts payloads for the Temporal UI and its command line, over their protocol for
 * such servers: {@code POST /decode} and {@code /encode} with payloads in JSON. Whoever reaches it
 * can read what is encrypted; it asks nobody who they are. A page in a browser reaches it only from
 * the origins that it is told.
 */
public final class CodecServer implements AutoCloseable {
  private static final int LARGEST = 16 << 20;
  private static final int THREADS = 4;

  private final HttpServer server;
  private final PayloadCodec codec;
  private final Set<String> origins;
  private final ExecutorService threads = Executors.newFixedThreadPool(THREADS);

  private CodecServer(HttpServer server, PayloadCodec codec, Set<String> origins) {
    this.server = server;
    this.codec = codec;
    this.origins = origins;
  }

  /**
   * Starts it.
   *
   * @param origins scheme, host and port of the pages that may use it
   */
  public static CodecServer start(
      InetSocketAddress address, PayloadCodec codec, Set<String> origins) throws IOException {
    HttpServer http = HttpServer.create(address, 0);
    CodecServer server = new CodecServer(http, codec, origins);
    http.createContext("/", server::answer);
    http.setExecutor(server.threads);
    http.start();
    return server;
  }

  /** Where it listens. */
  public InetSocketAddress address() {
    return server.getAddress();
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      String origin = exchange.getRequestHeaders().getFirst("Origin");
      if (origin != null && !origins.contains(origin)) {
        respond(exchange, 403, "Pages of " + origin + " may not use this server. See --origin.");
        return;
      }
      if (origin != null) {
        allow(exchange.getResponseHeaders(), origin);
      }
      String path = exchange.getRequestURI().getPath();
      if (exchange.getRequestMethod().equals("OPTIONS")) {
        exchange.sendResponseHeaders(204, -1);
      } else if (!path.endsWith("/decode") && !path.endsWith("/encode")) {
        respond(exchange, 404, "There is only /decode and /encode.");
      } else if (!exchange.getRequestMethod().equals("POST")) {
        respond(exchange, 405, "Use POST.");
      } else {
        convert(exchange, path.endsWith("/decode") ? codec::decode : codec::encode);
      }
    }
  }

  private static void allow(Headers headers, String origin) {
    headers.set("Access-Control-Allow-Origin", origin);
    headers.set("Access-Control-Allow-Methods", "POST, OPTIONS");
    headers.set("Access-Control-Allow-Headers", "content-type, x-namespace, authorization");
    headers.set("Vary", "Origin");
  }

  private static void convert(HttpExchange exchange, UnaryOperator<List<Payload>> conversion)
      throws IOException {
    byte[] body = exchange.getRequestBody().readNBytes(LARGEST + 1);
    if (body.length > LARGEST) {
      respond(exchange, 413, "At most " + LARGEST + " bytes.");
      return;
    }
    try {
      Payloads.Builder request = Payloads.newBuilder();
      JsonFormat.parser()
          .ignoringUnknownFields()
          .merge(new String(body, StandardCharsets.UTF_8), request);
      String answer =
          JsonFormat.printer()
              .omittingInsignificantWhitespace()
              .print(
                  Payloads.newBuilder()
                      .addAllPayloads(conversion.apply(request.getPayloadsList())));
      exchange.getResponseHeaders().set("Content-Type", "application/json");
      respond(exchange, 200, answer);
    } catch (PayloadCodecException e) {
      respond(exchange, 400, e.getMessage());
    } catch (InvalidProtocolBufferException e) {
      respond(exchange, 400, "These are no payloads in JSON.");
    }
  }

  private static void respond(HttpExchange exchange, int status, String text) throws IOException {
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    if (exchange.getResponseHeaders().getFirst("Content-Type") == null) {
      exchange.getResponseHeaders().set("Content-Type", "text/plain; charset=utf-8");
    }
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
