package io.vecferry.store.elasticsearch;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** A server as its other users see it: JSON in, JSON out. */
record TestElasticsearch(String url, HttpClient http, String authorization) {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  /** A server that lets everybody in. */
  TestElasticsearch(String url) {
    this(url, HTTP, "");
  }

  /** What a server answered. */
  record Reply(int status, JsonNode body, String text) {}

  Reply call(String method, String path, String body) {
    try {
      HttpResponse<String> response =
          http.send(
              HttpRequest.newBuilder(URI.create(url + path))
                  .header("Authorization", authorization)
                  .header(
                      "Content-Type",
                      path.contains("_bulk") ? "application/x-ndjson" : "application/json")
                  .method(
                      method,
                      body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
                  .build(),
              BodyHandlers.ofString());
      return new Reply(response.statusCode(), JSON.readTree(response.body()), response.body());
    } catch (IOException e) {
      throw new IllegalStateException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Something that has to work. */
  JsonNode ask(String method, String path, String body) {
    Reply reply = call(method, path, body);
    assertThat(reply.status()).as("%s", reply).isLessThan(300);
    return reply.body();
  }

  ServerVersion version() {
    String text = ask("GET", "/_nodes/_local", null).findPath("version").asText();
    return ServerVersion.parse(text).orElseThrow();
  }

  /** Makes an index. */
  void create(String index, int shards, String more) {
    ask(
        "PUT",
        "/" + index,
        "{\"settings\":{\"number_of_shards\":"
            + shards
            + ",\"number_of_replicas\":0}"
            + (more.isEmpty() ? "" : "," + more)
            + "}");
  }

  /** Writes documents by id and makes them visible; all of them have to be taken. */
  void put(String index, Map<String, String> documents) {
    StringBuilder lines = new StringBuilder();
    documents.forEach(
        (id, document) ->
            lines
                .append("{\"index\":{\"_id\":\"")
                .append(id)
                .append("\"}}\n")
                .append(document)
                .append('\n'));
    JsonNode answer = ask("POST", "/" + index + "/_bulk?refresh=true", lines.toString());
    assertThat(answer.path("errors").asBoolean()).as("%s", answer).isFalse();
  }

  /** Removes all indices whose name starts so. */
  void dropAll(String prefix) {
    JsonNode all = call("GET", "/" + prefix + "*?expand_wildcards=all", null).body();
    all.fieldNames()
        .forEachRemaining(
            name -> call("DELETE", "/" + URLEncoder.encode(name, StandardCharsets.UTF_8), null));
  }
}
