package io.vecferry.store.elasticsearch;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vecferry.plan.NameSwitch;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/** A server as its other users see it: JSON in, JSON out. */
record TestElasticsearch(String url) {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  /** What a server answered. */
  record Reply(int status, JsonNode body, String text) {}

  Reply call(String method, String path, String body) {
    try {
      HttpResponse<String> response =
          HTTP.send(
              HttpRequest.newBuilder(URI.create(url + path))
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

  /** Makes an alias lead to this index and to no other. */
  void alias(String alias, String index) {
    ask(
        "POST",
        "/_aliases",
        """
        {"actions":[{"remove":{"index":"*","alias":"%s","must_exist":false}},
          {"add":{"index":"%s","alias":"%s"}}]}
        """
            .formatted(alias, index, alias));
  }

  /** Gives an index a setting and another alias, with a filter, that are not usual. */
  void decorate(String index) {
    ask("PUT", "/" + index + "/_settings", "{\"index.max_result_window\":12345}");
    ask(
        "POST",
        "/_aliases",
        """
        {"actions":[{"add":{"index":"%s","alias":"%s_other","search_routing":"7",
          "filter":{"term":{"_id":"row-7"}}}}]}
        """
            .formatted(index, index));
  }

  /** What a server says of an index by any of its names, without what is new in each index. */
  JsonNode lasting(String name) {
    ObjectNode said = ask("GET", "/" + name, null).deepCopy();
    for (JsonNode index : said) {
      ObjectNode settings = (ObjectNode) index.at("/settings/index");
      settings.remove(List.of("uuid", "creation_date", "provided_name", "version"));
      // In each clone, and what it is without being said.
      if (settings.path("routing_partition_size").asText().equals("1")) {
        settings.remove("routing_partition_size");
      }
    }
    return said;
  }

  /** What a worker may leave that is killed while it replaces an index. */
  Map<String, Runnable> interruptions(NameSwitch planned) {
    String name = planned.name();
    return planned.kept().equals(planned.before())
        ? Map.of()
        : Map.of("closed to writes", () -> ask("PUT", "/" + name + "/_block/write", null));
  }

  /** What a worker may leave that is killed while it takes that back. */
  Map<String, Runnable> interruptionsOfTheWayBack(NameSwitch planned) {
    if (planned.kept().equals(planned.before())) {
      return Map.of();
    }
    Runnable block = () -> ask("PUT", "/" + planned.kept() + "/_block/write", null);
    return Map.of(
        "closed to writes",
        block,
        "without the alias",
        () -> {
          block.run();
          ask("DELETE", "/" + planned.load() + "/_alias/" + planned.name(), null);
        });
  }

  /** Removes all indices whose name starts so. */
  void dropAll(String prefix) {
    JsonNode all = call("GET", "/" + prefix + "*?expand_wildcards=all", null).body();
    all.fieldNames()
        .forEachRemaining(
            name -> call("DELETE", "/" + URLEncoder.encode(name, StandardCharsets.UTF_8), null));
  }
}
