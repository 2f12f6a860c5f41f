package io.vecferry.cli;

import com.google.protobuf.InvalidProtocolBufferException;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.trace.v1.Span;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** Takes spans as a collector of OpenTelemetry does, by HTTP. */
final class Collector implements AutoCloseable {
  private final HttpServer server;
  private final List<ExportTraceServiceRequest> requests = new CopyOnWriteArrayList<>();
  private final Set<String> authorizations = ConcurrentHashMap.newKeySet();

  private Collector(HttpServer server) {
    this.server = server;
  }

  static Collector start() throws IOException {
    Collector collector =
        new Collector(HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0));
    collector.server.createContext("/v1/traces", collector::take);
    collector.server.start();
    return collector;
  }

  private void take(HttpExchange exchange) throws IOException {
    authorizations.add(String.valueOf(exchange.getRequestHeaders().getFirst("authorization")));
    byte[] body = exchange.getRequestBody().readAllBytes();
    try {
      requests.add(ExportTraceServiceRequest.parseFrom(body));
      exchange.sendResponseHeaders(200, -1);
    } catch (InvalidProtocolBufferException e) {
      exchange.sendResponseHeaders(400, -1);
    }
    exchange.close();
  }

  String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  /** What was sent. */
  List<ExportTraceServiceRequest> requests() {
    return requests;
  }

  Set<String> authorizations() {
    return authorizations;
  }

  /** Spans of a migration. */
  List<Span> spans(String migration) {
    return requests.stream()
        .flatMap(request -> request.getResourceSpansList().stream())
        .flatMap(resource -> resource.getScopeSpansList().stream())
        .flatMap(scope -> scope.getSpansList().stream())
        .filter(span -> attribute(span, "vecferry.migration").equals(migration))
        .toList();
  }

  /** An attribute as text; empty when there is none. */
  static String attribute(Span span, String name) {
    return text(span.getAttributesList(), name);
  }

  /** Names of the services that have sent something. */
  Set<String> services() {
    Set<String> services = ConcurrentHashMap.newKeySet();
    for (ExportTraceServiceRequest request : requests) {
      request
          .getResourceSpansList()
          .forEach(
              spans -> services.add(text(spans.getResource().getAttributesList(), "service.name")));
    }
    return services;
  }

  private static String text(List<KeyValue> attributes, String name) {
    return attributes.stream()
        .filter(attribute -> attribute.getKey().equals(name))
        .map(KeyValue::getValue)
        .map(
            value ->
                value.hasIntValue() ? Long.toString(value.getIntValue()) : value.getStringValue())
        .findFirst()
        .orElse("");
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
