package io.vecferry.store.chroma;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.vecferry.plan.FailureClass;
import io.vecferry.spec.Suggestion;
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
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Speaks Chroma's REST interface, version 2, to one database of one server. Knows paths, secrets
 * and failures, and nothing of records. Tries nothing again. Thread-safe.
 */
final class ChromaClient {
  static final JsonMapper JSON = JsonMapper.builder().build();

  /** What a server takes in one request unless its configuration says otherwise, in bytes. */
  private static final long LARGEST_REQUEST = 40L << 20;

  private static final int SHOWN = 300;
  private static final int MOST_NAMES = 1000;

  private final ChromaSettings settings;
  private final RestServer server;
  private final HttpClient http;
  private final String base;
  private final String databasePath;
  private volatile Features features;

  /**
   * What the server is and takes.
   *
   * @param version what it says of itself; all servers since 1.0 say 1.0.0
   * @param mostRows records that it takes in one request
   * @param base64 whether it takes vectors in base 64
   */
  record Server(String version, int mostRows, boolean base64) {}

  /**
   * What the server's description of its own interface says; everything is false where it has none.
   *
   * @param arrays whether records may have arrays in their metadata
   * @param configuration whether a new collection may be given a configuration
   */
  record Features(boolean arrays, boolean configuration) {}

  /** A request on its way. */
  final class Pending {
    private final CompletableFuture<HttpResponse<Answer>> response;
    private final String doing;
    private final FailureClass refused;
    private final long bytes;

    private Pending(
        CompletableFuture<HttpResponse<Answer>> response,
        String doing,
        FailureClass refused,
        long bytes) {
      this.response = response;
      this.doing = doing;
      this.refused = refused;
      this.bytes = bytes;
    }

    /** Waits for the answer. */
    Answer await() {
      HttpResponse<Answer> answer;
      try {
        answer = waitFor(response, doing);
      } catch (StoreException e) {
        // A server that refuses a request before all of it has arrived may close the connection
        // before its answer is read.
        if (e.getCause() instanceof IOException && bytes > LARGEST_REQUEST) {
          throw new StoreException(
              FailureClass.TOO_LARGE,
              "a request of "
                  + bytes
                  + " bytes is too large: a server takes "
                  + LARGEST_REQUEST
                  + " unless it is told otherwise (413, Payload too large).",
              e);
        }
        throw e;
      }
      if (answer.statusCode() >= 300) {
        throw failure(answer, doing, refused);
      }
      return answer.body();
    }

    void cancel() {
      response.cancel(true);
    }
  }

  ChromaClient(ChromaSettings settings) {
    this.settings = settings;
    this.server =
        new RestServer(settings.role(), settings.url(), settings.timeout(), settings.tls());
    this.http = server.client();
    this.base = settings.url().toString();
    this.databasePath =
        "/api/v2/tenants/"
            + encode(settings.tenant())
            + "/databases/"
            + encode(settings.database());
  }

  /**
   * Makes sure that a Chroma server is there, lets us in and has the database.
   *
   * @throws StoreException that says which of it is not so, and what to do
   */
  Server connect() {
    HttpResponse<Answer> heartbeat = first("/api/v2/heartbeat");
    int status = heartbeat.statusCode();
    if (status == 404 || status == 405 || status == 410) {
      HttpResponse<Answer> old = first("/api/v1/heartbeat");
      throw incompatible(
          old.statusCode() == 200 && isHeartbeat(old.body())
              ? base
                  + " is a Chroma server that speaks only version 1 of the REST interface, which"
                  + " ended with Chroma 0.5. Upgrade it to 1.0 or later, or open its data folder"
                  + " with such a server."
              : base + " does not answer like a Chroma server. " + check("url"));
    }
    if (status >= 300) {
      throw failure(heartbeat, "asking for a sign of life", FailureClass.INCOMPATIBLE);
    }
    if (!isHeartbeat(heartbeat.body())) {
      throw incompatible(base + " does not answer like a Chroma server. " + check("url"));
    }
    JsonNode limits = json(get("/api/v2/pre-flight-checks", "asking for limits"));
    String version = json(get("/api/v2/version", "asking for the version")).asText();
    requireDatabase();
    return new Server(
        version,
        limits.path("max_batch_size").asInt(1000),
        limits.path("supports_base64_encoding").asBoolean(false));
  }

  private void requireDatabase() {
    String doing = "looking for database '" + settings.database() + "'";
    HttpResponse<Answer> answer =
        waitFor(start(request("GET", databasePath, BodyPublishers.noBody())), doing);
    if (answer.statusCode() != 404) {
      if (answer.statusCode() >= 300) {
        throw failure(answer, doing, FailureClass.INCOMPATIBLE);
      }
      return;
    }
    String tenantPath = "/api/v2/tenants/" + encode(settings.tenant());
    HttpResponse<Answer> tenant =
        waitFor(start(request("GET", tenantPath, BodyPublishers.noBody())), doing);
    if (tenant.statusCode() == 404) {
      throw new StoreException(
          FailureClass.MISSING,
          base + " has no tenant '" + settings.tenant() + "'. " + check("tenant"));
    }
    List<String> names = new ArrayList<>();
    for (JsonNode database : json(get(tenantPath + "/databases", doing))) {
      names.add(database.path("name").asText());
    }
    throw new StoreException(
        FailureClass.MISSING,
        base
            + " has no database '"
            + settings.database()
            + "' of tenant '"
            + settings.tenant()
            + "'."
            + Suggestion.didYouMean(settings.database(), names)
            + " "
            + check("database"));
  }

  private static boolean isHeartbeat(Answer answer) {
    return answer.length() < 1000 && answer.text().contains("nanosecond heartbeat");
  }

  /** The first word with a server, where things go wrong that are told apart here. */
  private HttpResponse<Answer> first(String path) {
    String doing = "asking for a sign of life";
    HttpResponse<Answer> answer =
        waitFor(start(request("GET", path, BodyPublishers.noBody())), doing);
    String text = answer.statusCode() == 400 ? answer.body().text().toLowerCase(Locale.ROOT) : "";
    if (text.contains("https") || text.contains("tls")) {
      throw incompatible(base + " speaks TLS. Write https:// in " + field("url") + ".");
    }
    return answer;
  }

  /** What the server's description of its interface says. */
  Features features() {
    Features known = features;
    if (known == null) {
      String doing = "asking for its interface";
      HttpResponse<Answer> answer =
          waitFor(start(request("GET", "/openapi.json", BodyPublishers.noBody())), doing);
      JsonNode schemas = JSON.missingNode();
      if (answer.statusCode() == 200) {
        try {
          schemas =
              JSON.readTree(answer.body().bytes(), 0, answer.body().length())
                  .at("/components/schemas");
        } catch (IOException e) {
          // A gateway may answer for a path that it does not know; then nothing is known.
          schemas = JSON.missingNode();
        }
      }
      boolean arrays =
          schemas
              .at("/HashMap/additionalProperties/oneOf")
              .findValuesAsText("type")
              .contains("array");
      known = new Features(arrays, schemas.at("/CollectionConfiguration/properties").has("hnsw"));
      features = known;
    }
    return known;
  }

  /** The collection of a name. */
  Optional<ChromaCollection> find(String name) {
    String doing = "looking for collection '" + name + "'";
    HttpResponse<Answer> answer =
        waitFor(start(request("GET", collection(name), BodyPublishers.noBody())), doing);
    if (answer.statusCode() == 404) {
      return Optional.empty();
    }
    if (answer.statusCode() >= 300) {
      throw failure(answer, doing, FailureClass.INCOMPATIBLE);
    }
    return Optional.of(ChromaCollection.of(json(answer.body())));
  }

  /** The collection of a name, which has to be there. */
  ChromaCollection get(String name) {
    return find(name).orElseThrow(() -> missing(name));
  }

  private StoreException missing(String name) {
    List<String> names = new ArrayList<>();
    Answer answer =
        get(databasePath + "/collections?limit=" + MOST_NAMES, "listing the collections");
    for (JsonNode collection : json(answer)) {
      names.add(collection.path("name").asText());
    }
    return new StoreException(
        FailureClass.MISSING,
        base
            + " has no collection '"
            + name
            + "' in database '"
            + settings.database()
            + "'."
            + Suggestion.didYouMean(name, names)
            + (names.isEmpty() ? " It has no collections at all." : "")
            + " "
            + check("collection"));
  }

  /**
   * Makes a collection.
   *
   * @throws StoreException TARGET_CHANGED when there is one of that name
   */
  ChromaCollection create(JsonBytes body, String name) {
    Answer answer =
        start(
                "POST",
                databasePath + "/collections",
                body.publisher(),
                "making collection '" + name + "'",
                FailureClass.INCOMPATIBLE)
            .await();
    return ChromaCollection.of(json(answer));
  }

  /**
   * Changes name, metadata or configuration of a collection.
   *
   * @throws StoreException TARGET_CHANGED when the new name is taken
   */
  void change(String id, JsonBytes changes, String doing) {
    start("PUT", collection(id), changes.publisher(), doing, FailureClass.INCOMPATIBLE).await();
  }

  /** Removes a collection; nothing happens when there is none. */
  void delete(String name) {
    String doing = "removing collection '" + name + "'";
    HttpResponse<Answer> answer =
        waitFor(start(request("DELETE", collection(name), BodyPublishers.noBody())), doing);
    if (answer.statusCode() != 404 && answer.statusCode() >= 300) {
      throw failure(answer, doing, FailureClass.INCOMPATIBLE);
    }
  }

  long count(ChromaCollection collection) {
    return json(get(
            collection(collection.id()) + "/count",
            "counting the records of '" + collection.name() + "'"))
        .asLong();
  }

  /** Starts a request that reads records. */
  Pending read(ChromaCollection collection, JsonBytes body, String doing) {
    return post(collection, "get", body, doing, FailureClass.INCOMPATIBLE);
  }

  /** Searches. */
  Answer query(ChromaCollection collection, JsonBytes body) {
    String doing = "searching '" + collection.name() + "'";
    return post(collection, "query", body, doing, FailureClass.INCOMPATIBLE).await();
  }

  /**
   * Writes records.
   *
   * @throws StoreException BAD_RECORD when the server refuses one of them, and with it all
   */
  void upsert(ChromaCollection collection, JsonBytes body, String doing) {
    post(collection, "upsert", body, doing, FailureClass.BAD_RECORD).await();
  }

  /** Changes metadata of records that are there. */
  void update(ChromaCollection collection, JsonBytes body, String doing) {
    post(collection, "update", body, doing, FailureClass.BAD_RECORD).await();
  }

  /** Removes records. */
  void deleteRecords(ChromaCollection collection, JsonBytes body) {
    String doing = "removing records of '" + collection.name() + "'";
    post(collection, "delete", body, doing, FailureClass.INCOMPATIBLE).await();
  }

  private Pending post(
      ChromaCollection collection,
      String what,
      JsonBytes body,
      String doing,
      FailureClass refused) {
    String path = collection(collection.id()) + "/" + what;
    return start("POST", path, body.publisher(), doing, refused);
  }

  private String collection(String nameOrId) {
    return databasePath + "/collections/" + encode(nameOrId);
  }

  private Answer get(String path, String doing) {
    return start("GET", path, BodyPublishers.noBody(), doing, FailureClass.INCOMPATIBLE).await();
  }

  private Pending start(
      String method, String path, BodyPublisher body, String doing, FailureClass refused) {
    return new Pending(start(request(method, path, body)), doing, refused, body.contentLength());
  }

  private HttpRequest request(String method, String path, BodyPublisher body) {
    HttpRequest.Builder builder =
        HttpRequest.newBuilder(URI.create(base + path))
            .method(method, body)
            .timeout(settings.timeout())
            .header("Accept", "application/json")
            .header("Content-Type", "application/json");
    if (settings.header() != null) {
      builder.header(settings.header().name(), settings.header().value());
    }
    return builder.build();
  }

  private CompletableFuture<HttpResponse<Answer>> start(HttpRequest request) {
    return http.sendAsync(request, answer -> Answer.subscriber(answer.headers()));
  }

  private HttpResponse<Answer> waitFor(
      CompletableFuture<HttpResponse<Answer>> response, String doing) {
    return server.await(response, doing);
  }

  /** What an answer with a bad status means. */
  private StoreException failure(HttpResponse<Answer> answer, String doing, FailureClass refused) {
    int status = answer.statusCode();
    String message = message(answer.body());
    String said = base + " answered " + status + " while " + doing + ": " + message;
    String lower = message.toLowerCase(Locale.ROOT);
    return switch (status) {
      case 401, 403 ->
          new StoreException(
              FailureClass.PERMISSION,
              said
                  + " "
                  + (settings.header() == null
                      ? "Give "
                          + field("auth.token")
                          + " or "
                          + field("auth.bearer")
                          + ", as the server wants it."
                      : "Check the token that "
                          + field(
                              settings.header().name().equals("Authorization")
                                  ? "auth.bearer"
                                  : "auth.token")
                          + " refers to, and what it may do."));
      case 404 -> new StoreException(FailureClass.MISSING, said);
      case 409 -> new StoreException(FailureClass.TARGET_CHANGED, said);
      case 413 -> new StoreException(FailureClass.TOO_LARGE, said);
      case 429, 503 -> new StoreException(FailureClass.RATE_LIMITED, said);
      default -> {
        if (status < 400) {
          yield incompatible(
              base
                  + " sends on to "
                  + answer.headers().firstValue("location").orElse("another address")
                  + ". Write the final address in "
                  + field("url")
                  + ".");
        }
        if (lower.contains("quota")) {
          yield new StoreException(FailureClass.TOO_LARGE, said);
        }
        if (lower.contains("unique constraint")) {
          yield new StoreException(FailureClass.TARGET_CHANGED, said);
        }
        if (lower.contains("disk is full") || lower.contains("no space left")) {
          yield new StoreException(FailureClass.RESOURCE_EXHAUSTED, said);
        }
        if (status < 500 || status == 501) {
          yield new StoreException(refused, said);
        }
        yield new StoreException(
            FailureClass.TRANSIENT,
            lower.contains("compactor")
                ? said
                    + " Its background work has crashed, and it takes no records until it is"
                    + " started again. Restart the server."
                : said);
      }
    };
  }

  /** What the server says about a failure. */
  private static String message(Answer answer) {
    String text = answer.text().strip();
    try {
      JsonNode node = JSON.readTree(text);
      for (String key : List.of("message", "detail", "error")) {
        if (node.path(key).isTextual()) {
          text = node.path(key).textValue().strip();
          break;
        }
      }
    } catch (JsonProcessingException e) {
      // A gateway answers in its own words, often as a page.
      text = text.replaceAll("<[^>]*>", " ").replaceAll("\\s+", " ").strip();
    }
    if (text.isEmpty()) {
      return "no reason given.";
    }
    String shown = text.length() > SHOWN ? text.substring(0, SHOWN) + "..." : text;
    return shown.endsWith(".") ? shown : shown + ".";
  }

  private JsonNode json(Answer answer) {
    try {
      return JSON.readTree(answer.bytes(), 0, answer.length());
    } catch (IOException e) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE,
          base + " does not answer like a Chroma server. " + check("url"),
          e);
    }
  }

  private String field(String key) {
    return settings.role() + "." + key;
  }

  private String check(String key) {
    return "Check " + field(key) + ".";
  }

  private static StoreException incompatible(String message) {
    return new StoreException(FailureClass.INCOMPATIBLE, message);
  }

  private static String encode(String segment) {
    return URLEncoder.encode(segment, StandardCharsets.UTF_8).replace("+", "%20");
  }
}
