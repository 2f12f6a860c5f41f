package io.vecferry.store.elasticsearch;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.vecferry.plan.FailureClass;
import io.vecferry.store.Answer;
import io.vecferry.store.JsonBytes;
import io.vecferry.store.RestServer;
import io.vecferry.store.StoreException;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * Speaks plain JSON to one server, which servers of version 8 and of version 9 understand alike.
 * Knows secrets and failures, and nothing of records. Tries nothing again. Thread-safe.
 */
final class RestClient {
  static final JsonMapper JSON = JsonMapper.builder().build();

  private static final String JSON_TYPE = "application/json";
  private static final String LINES_TYPE = "application/x-ndjson";
  private static final int SHOWN = 400;

  private final Settings settings;
  private final RestServer server;
  private final HttpClient http;
  private final String base;

  RestClient(Settings settings) {
    this.settings = settings;
    this.server =
        new RestServer(settings.role(), settings.url(), settings.timeout(), settings.tls());
    this.http = server.client();
    this.base = settings.url().toString();
  }

  /** A request on its way. */
  final class Pending {
    private final CompletableFuture<HttpResponse<Answer>> response;
    private final String doing;
    private final FailureClass refused;

    private Pending(
        CompletableFuture<HttpResponse<Answer>> response, String doing, FailureClass refused) {
      this.response = response;
      this.doing = doing;
      this.refused = refused;
    }

    /**
     * Waits for the answer.
     *
     * @throws ServerFailure when the server says that it did not do what was asked
     */
    Answer await() {
      HttpResponse<Answer> answer = server.await(response, doing);
      if (answer.statusCode() >= 300) {
        throw failure(answer, doing, refused);
      }
      return answer.body();
    }

    JsonNode json() {
      return parse(await());
    }

    void cancel() {
      response.cancel(true);
    }
  }

  /**
   * Makes sure that an Elasticsearch server of a known kind is there and lets us in.
   *
   * @throws StoreException that says which of it is not so, and what to do
   */
  ServerVersion connect() {
    String doing = "asking for the version";
    HttpResponse<Answer> answer = server.await(transmit("GET", "/", null, JSON_TYPE), doing);
    int status = answer.statusCode();
    String version = "";
    if (status == 200) {
      JsonNode node = jsonOrMissing(answer.body());
      String distribution = node.at("/version/distribution").asText();
      if (distribution.equals("opensearch")) {
        throw incompatible(
            base
                + " is OpenSearch "
                + node.at("/version/number").asText()
                + ". It keeps vectors in fields of another type and is not supported.");
      }
      version = node.at("/version/number").asText();
    } else if (status == 401) {
      throw failure(answer, doing, FailureClass.INCOMPATIBLE);
    } else if (status >= 300 && status < 400) {
      throw failure(answer, doing, FailureClass.INCOMPATIBLE);
    }
    if (version.isEmpty()) {
      version = versionOfNodes(answer);
    }
    return ServerVersion.parse(version)
        .filter(parsed -> parsed.major() >= ServerVersion.OLDEST_MAJOR)
        .orElseThrow(
            () ->
                incompatible(
                    base
                        + " is Elasticsearch "
                        + shown(answer.body().text())
                        + ", and 8.0 is the oldest that is supported. Upgrade it."));
  }

  /** Some servers do not answer at their root, or not to everybody. */
  private String versionOfNodes(HttpResponse<Answer> root) {
    String doing = "asking for the versions of its nodes";
    HttpResponse<Answer> answer =
        server.await(
            transmit("GET", "/_nodes/_all/_none?filter_path=nodes.*.version", null, JSON_TYPE),
            doing);
    if (answer.statusCode() == 401 || answer.statusCode() == 403) {
      throw failure(answer, doing, FailureClass.INCOMPATIBLE);
    }
    ServerVersion oldest = null;
    if (answer.statusCode() == 200) {
      for (JsonNode node : jsonOrMissing(answer.body()).path("nodes")) {
        ServerVersion version = ServerVersion.parse(node.path("version").asText()).orElse(null);
        if (version != null && (oldest == null || version.compareTo(oldest) < 0)) {
          oldest = version;
        }
      }
    }
    if (oldest == null) {
      String types = String.join(" ", types(jsonOrMissing(root.body())));
      if (root.statusCode() >= 500 || refusesMediaType(root.statusCode(), types)) {
        throw failure(root, "asking for the version", FailureClass.INCOMPATIBLE);
      }
      throw incompatible(
          base + " does not answer like an Elasticsearch server. Check " + field("url") + ".");
    }
    return oldest.text();
  }

  /** Asks for something that has to be there. */
  JsonNode get(String path, String doing) {
    return start("GET", path, null, doing, FailureClass.INCOMPATIBLE).json();
  }

  /** Sends a JSON object. */
  JsonNode send(String method, String path, JsonNode body, String doing) {
    JsonBytes bytes = null;
    if (body != null) {
      bytes = new JsonBytes(1024);
      bytes.json(body.toString());
    }
    return start(method, path, bytes, doing, FailureClass.INCOMPATIBLE).json();
  }

  /**
   * Starts a request.
   *
   * @param body JSON, or null for none
   * @param refused what it means when the server says that the request is wrong
   */
  Pending start(String method, String path, JsonBytes body, String doing, FailureClass refused) {
    return new Pending(
        transmit(method, path, body == null ? null : body.publisher(), JSON_TYPE), doing, refused);
  }

  /** Sends lines of JSON and waits. */
  Answer lines(String path, JsonBytes body, String doing, FailureClass refused) {
    return new Pending(transmit("POST", path, body.publisher(), LINES_TYPE), doing, refused)
        .await();
  }

  private CompletableFuture<HttpResponse<Answer>> transmit(
      String method, String path, BodyPublisher body, String type) {
    HttpRequest.Builder builder =
        HttpRequest.newBuilder(URI.create(base + path))
            .method(method, body == null ? BodyPublishers.noBody() : body)
            .timeout(settings.timeout())
            .header("Accept", JSON_TYPE)
            .header("Content-Type", type);
    if (settings.authorization() != null) {
      builder.header("Authorization", settings.authorization());
    }
    return http.sendAsync(builder.build(), answer -> Answer.subscriber(answer.headers()));
  }

  /** What an answer with a bad status means. */
  private StoreException failure(HttpResponse<Answer> answer, String doing, FailureClass refused) {
    int status = answer.statusCode();
    if (status < 400) {
      return incompatible(
          base
              + " sends on to "
              + answer.headers().firstValue("location").orElse("another address")
              + ". Write the final address in "
              + field("url")
              + ".");
    }
    JsonNode error = jsonOrMissing(answer.body()).path("error");
    String reason =
        error.isMissingNode()
            ? answer.body().text().replaceAll("<[^>]*>", " ").replaceAll("\\s+", " ").strip()
            : reason(error);
    return failure(status, error, reason, doing, refused);
  }

  /**
   * What it means that the server reports an error.
   *
   * @param error the server's description of it, or a missing node
   */
  ServerFailure failure(int status, JsonNode error, String doing, FailureClass refused) {
    return failure(status, error, reason(error), doing, refused);
  }

  private ServerFailure failure(
      int status, JsonNode error, String reason, String doing, FailureClass refused) {
    String types = String.join(" ", types(error));
    String said =
        base
            + " answered "
            + status
            + " while "
            + doing
            + ": "
            + sentence(reason.isEmpty() ? "no reason given" : shown(reason));
    FailureClass failureClass = Failures.of(status, types, reason, refused);
    return new ServerFailure(
        failureClass, said + remedy(failureClass, status, types, reason), status, types);
  }

  private String remedy(FailureClass failureClass, int status, String types, String reason) {
    if (types.contains("index_closed_exception")) {
      return " Open the index (POST /INDEX/_open).";
    }
    if (refusesMediaType(status, types)) {
      return " vecferry sends and takes plain application/json, which every version of"
          + " Elasticsearch does; look at what stands between it and the server, and at "
          + field("url")
          + ".";
    }
    if (types.contains("cluster_block_exception")) {
      return failureClass == FailureClass.RESOURCE_EXHAUSTED
          ? " The disk of a node is nearly full. Make room; the server then allows writes again."
          : " Remove the block from the settings of the index (index.blocks), or ask whoever set"
              + " it.";
    }
    if (failureClass == FailureClass.PERMISSION) {
      return settings.authorization() == null
          ? " Give " + field("auth.apiKey") + ", or " + field("auth.username") + " and password."
          : status == 401
              ? " Check the secret that " + field("auth") + " refers to."
              : " The user needs "
                  + (settings.role().equals("source")
                      ? "the privileges read, view_index_metadata and monitor on the index, and monitor"
                          + " of the cluster."
                      : "the privileges manage, read and write on the indices of the migration.");
    }
    return "";
  }

  private static boolean refusesMediaType(int status, String types) {
    return status == 406 || status == 415 || types.contains("media_type_header_exception");
  }

  /** Names of an error and of all that it was caused by. */
  private static Set<String> types(JsonNode error) {
    Set<String> types = new LinkedHashSet<>();
    for (JsonNode value : error.findValues("type")) {
      if (value.isTextual()) {
        types.add(value.textValue());
      }
    }
    return types;
  }

  /** What the server says about an error, with the cause where it says more. */
  static String reason(JsonNode error) {
    if (error.isTextual()) {
      return error.textValue();
    }
    String reason = error.path("reason").asText("");
    JsonNode shard = error.at("/failed_shards/0/reason");
    if (shard.isObject()) {
      return reason + ": " + reason(shard);
    }
    String cause = error.at("/caused_by/reason").asText("");
    return cause.isEmpty() || reason.contains(cause)
        ? reason
        : reason.isEmpty() ? cause : reason + ": " + cause;
  }

  private static String shown(String text) {
    return text.length() > SHOWN ? text.substring(0, SHOWN) + "..." : text;
  }

  private static String sentence(String text) {
    return text.endsWith(".") ? text : text + ".";
  }

  JsonNode parse(Answer answer) {
    try {
      return JSON.readTree(answer.bytes(), 0, answer.length());
    } catch (IOException e) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE,
          base + " does not answer like an Elasticsearch server. Check " + field("url") + ".",
          e);
    }
  }

  private static JsonNode jsonOrMissing(Answer answer) {
    try {
      return JSON.readTree(answer.text());
    } catch (JsonProcessingException e) {
      // A gateway answers in its own words, often as a page.
      return JSON.missingNode();
    }
  }

  private String field(String key) {
    return settings.field(key);
  }

  private static StoreException incompatible(String message) {
    return new StoreException(FailureClass.INCOMPATIBLE, message);
  }

  /** A name as a segment of a path. */
  static String encode(String segment) {
    return URLEncoder.encode(segment, StandardCharsets.UTF_8).replace("+", "%20");
  }

  /** Names of indices, aliases and data streams, for messages. */
  List<String> names() {
    List<String> names = new ArrayList<>();
    JsonNode all = get("/_resolve/index/*", "listing the indices");
    for (String kind : List.of("indices", "aliases", "data_streams")) {
      all.path(kind).forEach(one -> names.add(one.path("name").asText()));
    }
    return names;
  }
}
