package io.vecferry.store.chroma;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;

/** A server as its other users see it: JSON in, JSON out. */
record TestChroma(String url) {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  static final String COLLECTIONS =
      "/api/v2/tenants/default_tenant/databases/default_database/collections";

  /** What a server answered. */
  record Reply(int status, JsonNode body) {}

  Reply call(String method, String path, String body) {
    try {
      HttpResponse<String> response =
          HTTP.send(
              HttpRequest.newBuilder(URI.create(url + path))
                  .header("Content-Type", "application/json")
                  .method(
                      method,
                      body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
                  .build(),
              BodyHandlers.ofString());
      return new Reply(response.statusCode(), JSON.readTree(response.body()));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Makes a collection and returns its id. */
  String create(String name, String more) {
    Reply reply = call("POST", COLLECTIONS, "{\"name\":\"" + name + "\"" + more + "}");
    assertThat(reply.status()).as("%s", reply).isEqualTo(200);
    return reply.body().path("id").asText();
  }

  JsonNode describe(String name) {
    return call("GET", COLLECTIONS + "/" + name, null).body();
  }

  /** Does something with the records of a collection. */
  JsonNode records(String id, String what, String body) {
    Reply reply = call("POST", COLLECTIONS + "/" + id + "/" + what, body);
    assertThat(reply.status()).as("%s", reply).isLessThan(300);
    return reply.body();
  }

  /** One record with all its columns. */
  JsonNode record(String collectionId, String id) {
    return records(
        collectionId,
        "get",
        "{\"ids\":[\""
            + id
            + "\"],\"include\":[\"embeddings\",\"documents\",\"metadatas\",\"uris\"]}");
  }

  /**
   * Removes all collections whose name starts so, and their records first: the server would give
   * arrays in their metadata to other records.
   */
  void dropAll(String prefix) {
    for (JsonNode collection : call("GET", COLLECTIONS, null).body()) {
      String name = collection.path("name").asText();
      if (name.startsWith(prefix)) {
        String id = collection.path("id").asText();
        JsonNode ids = records(id, "get", "{\"include\":[]}").path("ids");
        if (!ids.isEmpty()) {
          records(id, "delete", "{\"ids\":" + ids + "}");
        }
        drop(name);
      }
    }
  }

  /** Removes a collection as it is. */
  void drop(String name) {
    call("DELETE", COLLECTIONS + "/" + name, null);
  }
}
