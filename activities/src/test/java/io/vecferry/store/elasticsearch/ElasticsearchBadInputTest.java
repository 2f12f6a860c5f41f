package io.vecferry.store.elasticsearch;

import static io.vecferry.store.StubServers.answer;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.sun.net.httpserver.HttpExchange;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.store.BatchReader;
import io.vecferry.store.BatchWriter;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.Metric;
import io.vecferry.store.Neighbours;
import io.vecferry.store.Reject;
import io.vecferry.store.SourceRange;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.StubServers;
import io.vecferry.store.TestCertificate;
import io.vecferry.store.VectorFieldInfo;
import io.vecferry.store.VectorStore;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What goes wrong is said in one sentence that the person at the other end can act on. */
@WithServer(Server.ELASTICSEARCH_8)
@Timeout(120)
class ElasticsearchBadInputTest {
  private static final LoadStamp STAMP = new LoadStamp("products", "load-1");

  private final String index = "bad-input-" + UUID.randomUUID();
  private final ElasticsearchProvider provider = new ElasticsearchProvider();
  private final StubServers stubs = new StubServers();
  private TestElasticsearch elasticsearch;

  @BeforeEach
  void connect(RunningServer server) {
    elasticsearch = new TestElasticsearch(server.url());
  }

  @AfterEach
  void cleanUp() {
    stubs.close();
    elasticsearch.dropAll(index);
  }

  private VectorStore open(String role, String url, String... more) {
    String[] settings = new String[4 + more.length];
    settings[0] = "url";
    settings[1] = url;
    settings[2] = "collection";
    settings[3] = index;
    System.arraycopy(more, 0, settings, 4, more.length);
    return provider.open(StoreSettings.of(role, settings));
  }

  private void assertFails(FailureClass failureClass, Runnable work, String... parts) {
    assertThatThrownBy(work::run)
        .isInstanceOfSatisfying(
            StoreException.class,
            e -> assertThat(e.failureClass()).as(e.getMessage()).isEqualTo(failureClass))
        .hasMessageContainingAll(parts);
  }

  private static boolean writes(HttpExchange exchange) {
    return exchange.getRequestURI().getPath().endsWith("/_bulk");
  }

  private static LoadSchema schema() {
    return new LoadSchema(
        List.of(new VectorFieldInfo("", 1, Metric.L2, 0, "", Map.of())),
        Set.of(IdKind.STRING),
        "test",
        1);
  }

  private static RecordBatch batch(int rows) {
    float[] vectors = new float[rows];
    for (int i = 0; i < rows; i++) {
      vectors[i] = i;
    }
    return new RecordBatch(
        IdColumn.ofStrings(IntStream.range(0, rows).mapToObj(i -> "r" + i).toArray(String[]::new)),
        List.of(new DenseVectors("", 1, vectors)),
        TextColumn.allNull(rows),
        TextColumn.allNull(rows));
  }

  private List<Reject> write(String url, RecordBatch batch) {
    StoreSettings settings =
        provider.loadSettings(
            StoreSettings.of("target", "url", url, "collection", index), STAMP.migration());
    try (VectorStore store = provider.open(settings)) {
      store.create(schema(), STAMP);
      try (BatchWriter writer = store.write("p0", STAMP)) {
        writer.write(batch);
        return writer.finish();
      }
    }
  }

  private long written() {
    return elasticsearch.ask("GET", "/" + index + "*/_count", null).path("count").asLong();
  }

  @Test
  void unreachable() throws IOException {
    int port;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort();
    }
    assertFails(
        FailureClass.TRANSIENT,
        () -> open("source", "http://127.0.0.1:" + port),
        "http://127.0.0.1:" + port + " cannot be reached",
        "Start the server, or correct source.url.");
  }

  @ParameterizedTest
  @ValueSource(ints = {401, 403})
  void notLetIn(int status) throws IOException {
    String error =
        """
        {"error":{"type":"security_exception","reason":"missing authentication credentials"}}""";
    String url = stubs.start(exchange -> answer(exchange, status, error));
    assertFails(
        FailureClass.PERMISSION,
        () -> open("source", url),
        url + " answered " + status,
        "missing authentication credentials. Give source.auth.apiKey, or source.auth.username");
  }

  @Test
  void aMediaTypeThatIsRefusedIsExplained() throws IOException {
    String error =
        """
        {"error":{"type":"media_type_header_exception","reason":"Invalid media-type value on header [Accept]"}}""";
    String url = stubs.start(exchange -> answer(exchange, 400, error));
    assertFails(
        FailureClass.INCOMPATIBLE,
        () -> open("source", url),
        url + " answered 400",
        "Invalid media-type value on header [Accept]. vecferry sends and takes plain application/json",
        "source.url.");
  }

  @Test
  void secretsAreSentAndNotShown(@TempDir Path folder) throws IOException {
    Path secret = Files.writeString(folder.resolve("secret"), "very:secret\n");
    String file = "file:" + secret;
    List<String> headers = new ArrayList<>();
    String url =
        stubs.start(
            exchange -> {
              headers.add(exchange.getRequestHeaders().getFirst("Authorization"));
              answer(exchange, 401, "");
            });
    for (String[] auth :
        new String[][] {
          {"auth.apiKey", file},
          {"auth.bearer", file},
          {"auth.username", file, "auth.password", file}
        }) {
      assertThatThrownBy(() -> open("target", url, auth))
          .hasMessageContainingAll("answered 401", "Check the secret that target.auth refers to")
          .hasMessageNotContaining("very");
    }
    Base64.Encoder base64 = Base64.getEncoder();
    assertThat(headers)
        .containsExactly(
            "ApiKey " + base64.encodeToString("very:secret".getBytes(StandardCharsets.UTF_8)),
            "Bearer very:secret",
            "Basic "
                + base64.encodeToString(
                    "very:secret:very:secret".getBytes(StandardCharsets.UTF_8)));
    assertFails(
        FailureClass.INCOMPATIBLE,
        () -> open("source", url, "auth.apiKey", file, "auth.bearer", file),
        "source.auth has more than one");
    assertFails(
        FailureClass.INCOMPATIBLE,
        () -> open("source", url, "auth.username", file),
        "source.auth has a username or a password but not both");
  }

  @Test
  void otherServers() throws IOException {
    String opensearch =
        stubs.start(
            exchange ->
                answer(
                    exchange,
                    200,
                    "{\"version\":{\"distribution\":\"opensearch\",\"number\":\"2.19.0\"}}"));
    assertFails(
        FailureClass.INCOMPATIBLE,
        () -> open("source", opensearch),
        "is OpenSearch 2.19.0",
        "not supported");
    String old =
        stubs.start(exchange -> answer(exchange, 200, "{\"version\":{\"number\":\"7.17.9\"}}"));
    assertFails(
        FailureClass.INCOMPATIBLE, () -> open("source", old), "7.17.9", "8.0 is the oldest");
    String page = stubs.start(exchange -> answer(exchange, 200, "<html>Welcome</html>"));
    assertFails(
        FailureClass.INCOMPATIBLE,
        () -> open("source", page),
        "does not answer like an Elasticsearch server. Check source.url");
    String elsewhere =
        stubs.start(
            exchange -> {
              exchange.getResponseHeaders().add("Location", "https://other/");
              answer(exchange, 301, "");
            });
    assertFails(
        FailureClass.INCOMPATIBLE,
        () -> open("source", elsewhere),
        "sends on to https://other/. Write the final address in source.url.");
  }

  @Test
  void settingsThatCannotWork() {
    String url = elasticsearch.url();
    assertFails(
        FailureClass.INCOMPATIBLE,
        () -> open("source", url, "scrollSize", "1000"),
        "source.scrollSize must be a time such as 30s, 5m or 1h, got \"1000\"");
    assertFails(
        FailureClass.INCOMPATIBLE,
        () -> open("target", url, "options.fields.price", "float"),
        "target.options.fields.price must be one of",
        "got \"float\"");
    assertFails(
        FailureClass.INCOMPATIBLE,
        () -> open("target", url, "options.requestsInFlight", "0"),
        "target.options.requestsInFlight must be from 1 to 32, got 0.");
    assertFails(
        FailureClass.INCOMPATIBLE,
        () -> open("target", url, "options.requestsInFlight", "-1"),
        "target.options.requestsInFlight must be from 1 to 32, got -1.");
    assertFails(
        FailureClass.INCOMPATIBLE,
        () -> provider.open(StoreSettings.of("target", "url", url, "collection", "My Index")),
        "target.collection 'My Index' is no name that Elasticsearch allows",
        "'my-index'");
    assertFails(
        FailureClass.MISSING,
        () -> open("source", "https://127.0.0.1:1", "options.caFile", "/no/such/file.pem"),
        "source.options.caFile: /no/such/file.pem cannot be read");
    assertFails(
        FailureClass.INCOMPATIBLE,
        () -> open("source", url, "options.caFile", "/no/such/file.pem"),
        "is for TLS, and source.url is " + url);
  }

  @Test
  void certificates(@TempDir Path folder) throws Exception {
    TestCertificate made = TestCertificate.make(folder);
    Path certificate = Files.writeString(folder.resolve("ca.pem"), made.pem());
    String url =
        stubs.startTls(
            made.context(),
            exchange -> answer(exchange, 200, "{\"version\":{\"number\":\"9.0.0\"}}"));
    assertFails(
        FailureClass.PERMISSION,
        () -> open("source", url),
        "a certificate that this worker does not trust",
        "source.options.caFile");
    open("source", url, "options.caFile", certificate.toString()).close();
    Path noCertificate = Files.writeString(folder.resolve("text"), "nothing");
    assertFails(
        FailureClass.INCOMPATIBLE,
        () -> open("source", url, "options.caFile", noCertificate.toString()),
        "holds no certificates in PEM");
    assertFails(
        FailureClass.INCOMPATIBLE,
        () -> open("source", elasticsearch.url().replace("http:", "https:")),
        "does not speak TLS. Write http:// in source.url.");
  }

  @Test
  void aRequestThatIsTooLargeIsHalved() throws IOException {
    AtomicInteger refused = new AtomicInteger();
    String url =
        stubs.proxy(
            elasticsearch.url(),
            exchange -> {
              refused.incrementAndGet();
              answer(exchange, 413, "");
            },
            exchange ->
                writes(exchange)
                    && Integer.parseInt(exchange.getRequestHeaders().getFirst("Content-Length"))
                        > 2000);
    assertThat(write(url, batch(100))).isEmpty();
    assertThat(refused.get()).isPositive();
    assertThat(written()).isEqualTo(100);
  }

  @Test
  void aServerThatAsksToSlowDownIsAskedAgain() throws IOException {
    AtomicInteger requests = new AtomicInteger();
    String busy =
        """
        {"errors":true,"items":[{"index":{"status":201}},{"index":{"status":429,"error":
        {"type":"es_rejected_execution_exception","reason":"rejected execution"}}}]}""";
    String url =
        stubs.proxy(
            elasticsearch.url(),
            exchange -> answer(exchange, requests.get() == 1 ? 429 : 200, busy),
            exchange -> writes(exchange) && requests.incrementAndGet() <= 2);
    assertThat(write(url, batch(2))).isEmpty();
    assertThat(requests.get()).isEqualTo(3);
    assertThat(written()).isEqualTo(2);
  }

  @Test
  void aFullDiskStopsTheLoad() throws IOException {
    String blocked =
        """
        {"errors":true,"items":[{"index":{"status":429,"error":{"type":"cluster_block_exception",
        "reason":"index [x] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage \
        watermark, index has read-only-allow-delete block];"}}}]}""";
    String url =
        stubs.proxy(
            elasticsearch.url(),
            exchange -> answer(exchange, 200, blocked),
            ElasticsearchBadInputTest::writes);
    assertFails(
        FailureClass.RESOURCE_EXHAUSTED,
        () -> write(url, batch(1)),
        "flood-stage",
        "The disk of a node is nearly full");
  }

  /**
   * A server compares vectors that it has not indexed by a script, and the servers of tests run no
   * scripts: here another one answers, by the formulas that are asked for.
   */
  @ParameterizedTest
  @CsvSource({
    "l2, l2norm, 0.2, 4",
    "ip, dotProduct, 6, 5",
    "ip, dotProduct, 0.25, -3",
    "cosine, cosineSimilarity, 0.75, 0.5"
  })
  void aFieldWithoutAnIndexIsSearchedByAScript(
      String metric, String function, double score, float expected) throws IOException {
    elasticsearch.create(
        index,
        1,
        "\"mappings\":{\"properties\":{\"v\":{\"type\":\"dense_vector\",\"dims\":2,\"index\":false}}}");
    elasticsearch.put(index, Map.of("a", "{\"v\":[1,2]}"));
    AtomicReference<String> asked = new AtomicReference<>();
    String url =
        stubs.proxy(
            elasticsearch.url(),
            exchange -> {
              asked.set(new String(exchange.getRequestBody().readAllBytes(), UTF_8));
              answer(
                  exchange,
                  200,
                  "{\"responses\":[{\"_shards\":{\"total\":1,\"failed\":0},\"hits\":{\"hits\":[{\"_id\":"
                      + "\"a\",\"_score\":"
                      + score
                      + "}]}}]}");
            },
            exchange -> exchange.getRequestURI().getPath().endsWith("/_msearch"));
    try (VectorStore store = open("source", url, "metric", metric)) {
      Neighbours found = store.search("v", new float[] {3, 4}, 1, 1);
      assertThat(found.ids().get(0)).isEqualTo("a");
      assertThat(found.scores()).containsExactly(expected);
    }
    JsonNode script = JsonMapper.builder().build().readTree(asked.get().lines().toList().get(1));
    script = script.at("/query/script_score");
    assertThat(script.at("/query/bool/filter/0/exists/field").asText()).isEqualTo("v");
    assertThat(script.at("/script/source").asText()).contains(function + "(params.q, params.f)");
    assertThat(script.at("/script/params")).hasToString("{\"f\":\"v\",\"q\":[3.0,4.0]}");
  }

  @Test
  void aPageThatLacksAShardIsAnError() throws IOException {
    elasticsearch.create(
        index,
        1,
        "\"mappings\":{\"properties\":{\"v\":{\"type\":\"dense_vector\",\"dims\":1,"
            + "\"similarity\":\"l2_norm\"}}}");
    elasticsearch.put(index, Map.of("a", "{\"v\":[1]}"));
    String failed =
        """
        {"timed_out":false,"_shards":{"total":2,"successful":1,"failed":1,"failures":[{"shard":1,
        "reason":{"type":"x","reason":"node left"}}]},"hits":{"hits":[]}}""";
    String url =
        stubs.proxy(
            elasticsearch.url(),
            exchange -> answer(exchange, 200, failed),
            exchange ->
                exchange.getRequestMethod().equals("POST")
                    && exchange.getRequestURI().getPath().equals("/_search"));
    try (VectorStore store = open("source", url)) {
      SourceRange range = store.split(1).get(0);
      assertFails(
          FailureClass.TRANSIENT,
          () -> {
            try (BatchReader reader = store.read(range, null, 10)) {
              reader.next();
            }
          },
          "1 of 2 shards failed while reading shard 0 of '" + index + "'",
          "node left");
    }
  }
}
