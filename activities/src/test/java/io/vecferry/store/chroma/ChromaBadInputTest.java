package io.vecferry.store.chroma;

import static io.vecferry.store.StubServers.answer;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.Finding;
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
import io.vecferry.store.Reject;
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
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What goes wrong is said in one sentence that the person at the other end can act on. */
@WithServer(Server.CHROMA)
@Timeout(120)
class ChromaBadInputTest {
  private static final LoadStamp STAMP = new LoadStamp("products", "load-1");

  private final String collection = "bad-input-" + UUID.randomUUID();
  private final ChromaProvider provider = new ChromaProvider();
  private final StubServers stubs = new StubServers();
  private TestChroma chroma;

  @BeforeEach
  void connect(RunningServer server) {
    chroma = new TestChroma(server.url());
  }

  @AfterEach
  void cleanUp() {
    stubs.close();
    chroma.dropAll(collection);
  }

  private VectorStore open(String role, String url, String... more) {
    String[] settings = new String[4 + more.length];
    settings[0] = "url";
    settings[1] = url;
    settings[2] = "collection";
    settings[3] = collection;
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
    return exchange.getRequestURI().getPath().endsWith("/upsert");
  }

  private static LoadSchema schema() {
    return new LoadSchema(
        List.of(new VectorFieldInfo("", 1, Metric.L2, 0, "", Map.of())),
        Set.of(IdKind.STRING),
        "test",
        1);
  }

  private static RecordBatch batch(int from, int to) {
    String[] ids = IntStream.range(from, to).mapToObj(i -> "r" + i).toArray(String[]::new);
    float[] vectors = new float[to - from];
    String[] metadata = new String[to - from];
    for (int i = 0; i < vectors.length; i++) {
      vectors[i] = from + i;
      metadata[i] = "{\"n\":" + (from + i) + "}";
    }
    return new RecordBatch(
        IdColumn.ofStrings(ids),
        List.of(new DenseVectors("", 1, vectors)),
        TextColumn.allNull(ids.length),
        TextColumn.of(metadata));
  }

  private static List<Reject> write(VectorStore store, RecordBatch... batches) {
    try (BatchWriter writer = store.write("p0", STAMP)) {
      for (RecordBatch batch : batches) {
        writer.write(batch);
      }
      return writer.finish();
    }
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
        "http://127.0.0.1:" + port + " cannot be reached: nothing answers there",
        "Start the server, or correct source.url.");
    assertFails(
        FailureClass.TRANSIENT,
        () -> open("target", "http://no-such-host.invalid:8000"),
        "http://no-such-host.invalid:8000 cannot be reached: the host is not known here",
        "correct target.url");
  }

  @Test
  void noAnswerInTime() throws IOException {
    CountDownLatch never = new CountDownLatch(1);
    String url =
        stubs.start(
            exchange -> {
              try {
                never.await();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
    assertFails(
        FailureClass.TRANSIENT,
        () -> open("source", url, "options.timeoutSeconds", "1"),
        url + " did not answer within 1 s while asking for a sign of life",
        "source.options.timeoutSeconds");
    never.countDown();
  }

  @Test
  void answerThatStopsInTheMiddle() throws IOException {
    CountDownLatch never = new CountDownLatch(1);
    String url =
        stubs.start(
            exchange -> {
              exchange.sendResponseHeaders(200, 100);
              exchange.getResponseBody().write("{\"nano".getBytes(StandardCharsets.UTF_8));
              exchange.getResponseBody().flush();
              try {
                never.await();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
    assertFails(
        FailureClass.TRANSIENT,
        () -> open("source", url, "options.timeoutSeconds", "1"),
        "did not answer within 1 s");
    never.countDown();
  }

  @ParameterizedTest
  @ValueSource(ints = {401, 403})
  void notLetIn(int status) throws IOException {
    String url = stubs.start(exchange -> answer(exchange, status, "{\"error\":\"Forbidden.\"}"));
    assertFails(
        FailureClass.PERMISSION,
        () -> open("source", url),
        url + " answered " + status,
        "Forbidden. Give source.auth.token or source.auth.bearer");
  }

  @Test
  void wrongToken(@TempDir Path folder) throws IOException {
    Path token = Files.writeString(folder.resolve("token"), "very-secret\n");
    String[] header = new String[1];
    String url =
        stubs.start(
            exchange -> {
              header[0] = exchange.getRequestHeaders().getFirst("X-Chroma-Token");
              answer(exchange, 403, "");
            });
    assertThatThrownBy(() -> open("source", url, "auth.token", "file:" + token))
        .hasMessageContainingAll(
            "answered 403", "no reason given.", "Check the token that source.auth.token refers to")
        .hasMessageNotContaining("very-secret");
    assertThat(header[0]).isEqualTo("very-secret");
    String[] bearer = new String[1];
    String other =
        stubs.start(
            exchange -> {
              bearer[0] = exchange.getRequestHeaders().getFirst("Authorization");
              answer(exchange, 401, "<html><b>Go away</b></html>");
            });
    assertThatThrownBy(() -> open("source", other, "auth.bearer", "file:" + token))
        .hasMessageContainingAll("Go away.", "source.auth.bearer refers to")
        .hasMessageNotContaining("very-secret");
    assertThat(bearer[0]).isEqualTo("Bearer very-secret");
  }

  @Test
  void settingsThatCannotWork(@TempDir Path folder) throws IOException {
    Path token = Files.writeString(folder.resolve("token"), "a\nb");
    String file = "file:" + token;
    assertFails(
        FailureClass.INCOMPATIBLE,
        () -> open("source", chroma.url(), "auth.token", file, "auth.bearer", file),
        "source has both auth.token and auth.bearer");
    assertFails(
        FailureClass.INCOMPATIBLE,
        () -> open("source", chroma.url(), "auth.token", file),
        "characters that no header can hold");
    assertFails(
        FailureClass.MISSING,
        () -> open("source", chroma.url(), "auth.token", "env:NO_SUCH_VARIABLE_HERE"),
        "NO_SUCH_VARIABLE_HERE is not set");
    assertFails(
        FailureClass.INCOMPATIBLE,
        () -> open("source", chroma.url(), "options.requestsInFlight", "0"),
        "source has options.requestsInFlight 0; it must be 1 to 64");
    assertFails(
        FailureClass.INCOMPATIBLE,
        () -> open("source", chroma.url(), "options.requestsInFlight", "-1"),
        "source has options.requestsInFlight -1; it must be 1 to 64");
    assertFails(
        FailureClass.INCOMPATIBLE,
        () -> provider.open(StoreSettings.of("target", "collection", "abc")),
        "target needs url");
    assertFails(
        FailureClass.INCOMPATIBLE,
        () -> provider.open(StoreSettings.of("target", "url", chroma.url())),
        "target needs collection");
    assertFails(
        FailureClass.INCOMPATIBLE,
        () -> provider.open(StoreSettings.of("target", "url", chroma.url(), "collection", "a b")),
        "target.collection 'a b' is no name that Chroma allows",
        "'a-b'");
  }

  @Test
  void tlsAgainstPlain() {
    String url = chroma.url().replace("http:", "https:");
    assertFails(
        FailureClass.INCOMPATIBLE,
        () -> open("source", url),
        url + " does not speak TLS. Write http:// in source.url.");
  }

  @Test
  void plainAgainstTlsAndUnknownCertificate(@TempDir Path folder) throws Exception {
    String url =
        stubs.startTls(
            TestCertificate.make(folder).context(), exchange -> answer(exchange, 200, "{}"));
    assertFails(
        FailureClass.PERMISSION,
        () -> open("source", url),
        "shows a certificate that this worker does not trust",
        "in source.options.caFile.");
    String plain = url.replace("https:", "http:");
    assertFails(
        FailureClass.TRANSIENT,
        () -> open("source", plain),
        plain + " broke the connection",
        "If it speaks TLS, write https:// in source.url.");
  }

  @Test
  void gatewayThatSpeaksTls() throws IOException {
    String url =
        stubs.start(
            exchange ->
                answer(
                    exchange, 400, "<html>The plain HTTP request was sent to HTTPS port</html>"));
    assertFails(
        FailureClass.INCOMPATIBLE,
        () -> open("source", url),
        url + " speaks TLS. Write https:// in source.url.");
  }

  @Test
  void serverOfBefore() throws IOException {
    String url =
        stubs.start(
            exchange -> {
              boolean old = exchange.getRequestURI().getPath().equals("/api/v1/heartbeat");
              answer(
                  exchange,
                  old ? 200 : 404,
                  old ? "{\"nanosecond heartbeat\":1}" : "{\"detail\":\"Not Found\"}");
            });
    assertFails(
        FailureClass.INCOMPATIBLE,
        () -> open("source", url),
        url + " is a Chroma server that speaks only version 1 of the REST interface",
        "Upgrade it");
  }

  @Test
  void anotherKindOfServer() throws IOException {
    String missing = stubs.start(exchange -> answer(exchange, 404, "no"));
    assertFails(
        FailureClass.INCOMPATIBLE,
        () -> open("source", missing),
        missing + " does not answer like a Chroma server. Check source.url.");
    String page = stubs.start(exchange -> answer(exchange, 200, "<html>Welcome</html>"));
    assertFails(
        FailureClass.INCOMPATIBLE,
        () -> open("source", page),
        page + " does not answer like a Chroma server. Check source.url.");
    String moved =
        stubs.start(
            exchange -> {
              exchange.getResponseHeaders().add("Location", "https://elsewhere/");
              answer(exchange, 301, "");
            });
    assertFails(
        FailureClass.INCOMPATIBLE,
        () -> open("source", moved),
        moved + " sends on to https://elsewhere/. Write the final address in source.url.");
  }

  @Test
  void missingTenantDatabaseAndCollection() {
    assertFails(
        FailureClass.MISSING,
        () -> open("source", chroma.url(), "tenant", "nobody"),
        "has no tenant 'nobody'. Check source.tenant.");
    assertFails(
        FailureClass.MISSING,
        () -> open("source", chroma.url(), "database", "default-database"),
        "has no database 'default-database' of tenant 'default_tenant'.",
        "Did you mean 'default_database'? Check source.database.");
    chroma.create(collection + "s", "");
    try (VectorStore store = open("source", chroma.url())) {
      assertThat(store.exists()).isFalse();
      assertFails(
          FailureClass.MISSING,
          store::describe,
          "has no collection '" + collection + "' in database 'default_database'.",
          "Did you mean '" + collection + "s'? Check source.collection.");
      assertFails(FailureClass.MISSING, store::assess, "has no collection");
      assertFails(FailureClass.MISSING, () -> store.split(1), "has no collection");
    }
  }

  @Test
  void emptyCollection() {
    chroma.create(collection, "");
    try (VectorStore store = open("source", chroma.url())) {
      assertThat(store.assess())
          .singleElement()
          .satisfies(
              finding -> {
                assertThat(finding.severity()).isEqualTo(Finding.Severity.BLOCKING);
                assertThat(finding.toString())
                    .contains("source.collection: collection '" + collection + "' has never had");
              });
      assertThat(store.describe().rows()).isZero();
      assertThat(store.describe().vectors()).isEmpty();
      assertThat(store.split(4)).isEmpty();
      assertThat(store.fetch(IdColumn.ofStrings("x")).rows()).isZero();
    }
  }

  @Test
  void recordsThatDoNotFitTheCollection() {
    try (VectorStore store = open("target", chroma.url())) {
      store.create(schema(), STAMP);
      RecordBatch two =
          new RecordBatch(
              IdColumn.ofStrings("a"),
              List.of(new DenseVectors("", 2, new float[2])),
              TextColumn.allNull(1),
              TextColumn.allNull(1));
      assertFails(
          FailureClass.INCOMPATIBLE,
          () -> write(store, two),
          "'"
              + collection
              + "' takes one dense vector of 1 components per record, the records have"
              + " 2 components");
    }
  }

  @Test
  void recordsThatAreRefusedOneByOne() {
    RecordBatch good = batch(0, 20);
    RecordBatch doubled =
        new RecordBatch(
            IdColumn.ofStrings("r30", "r31", "r30"),
            List.of(new DenseVectors("", 1, new float[] {1, 2, 3})),
            TextColumn.allNull(3),
            TextColumn.allNull(3));
    RecordBatch absent =
        new RecordBatch(
            IdColumn.ofStrings("r40", "r41"),
            List.of(new DenseVectors("", 1, new float[2], new boolean[] {false, true})),
            TextColumn.allNull(2),
            TextColumn.allNull(2));
    try (VectorStore store = open("target", chroma.url())) {
      store.create(schema(), STAMP);
      List<Reject> rejects = write(store, good, doubled, absent);
      assertThat(rejects).extracting(Reject::id).containsExactly("r30", "r41");
      assertThat(rejects.get(0).reason()).contains("occurs more than once");
      assertThat(rejects.get(1).reason()).contains("there is no vector ''");
      assertThat(store.fetch(IdColumn.ofStrings("r30")).onlyVectors().values()).containsExactly(1);
      assertThat(store.describe().rows()).isEqualTo(23);
    }
  }

  /** The server refuses a request for one record; the others of it are written all the same. */
  @Test
  void requestThatIsRefusedForOneRecord() throws IOException {
    AtomicInteger requests = new AtomicInteger();
    HttpClient client = HttpClient.newHttpClient();
    String url =
        stubs.start(
            exchange -> {
              byte[] body = exchange.getRequestBody().readAllBytes();
              boolean bad =
                  writes(exchange) && new String(body, StandardCharsets.UTF_8).contains("\"r13\"");
              if (bad) {
                requests.incrementAndGet();
                answer(exchange, 422, "{\"error\":\"ChromaError\",\"message\":\"r13 is unlucky\"}");
                return;
              }
              HttpRequest request =
                  HttpRequest.newBuilder(URI.create(chroma.url() + exchange.getRequestURI()))
                      .header("Content-Type", "application/json")
                      .method(
                          exchange.getRequestMethod(), HttpRequest.BodyPublishers.ofByteArray(body))
                      .build();
              try {
                HttpResponse<String> response =
                    client.send(request, HttpResponse.BodyHandlers.ofString());
                answer(exchange, response.statusCode(), response.body());
              } catch (InterruptedException e) {
                throw new IOException(e);
              }
            });
    try (VectorStore store = open("target", url)) {
      store.create(schema(), STAMP);
      assertThat(write(store, batch(0, 64)))
          .singleElement()
          .satisfies(
              reject -> {
                assertThat(reject.id()).isEqualTo("r13");
                assertThat(reject.reason()).contains("422").contains("r13 is unlucky.");
              });
      assertThat(requests).hasValue(7);
      assertThat(store.describe().rows()).isEqualTo(63);
    }
  }

  @Test
  void requestThatIsTooLarge() throws IOException {
    AtomicInteger refused = new AtomicInteger();
    String url =
        stubs.proxy(
            chroma.url(),
            exchange -> answer(exchange, 413, "Payload too large"),
            exchange -> {
              boolean large =
                  writes(exchange)
                      && Integer.parseInt(exchange.getRequestHeaders().getFirst("Content-length"))
                          > 2000;
              refused.addAndGet(large ? 1 : 0);
              return large;
            });
    try (VectorStore store = open("target", url)) {
      store.create(schema(), STAMP);
      assertThat(write(store, batch(0, 100))).isEmpty();
      assertThat(refused.get()).isPositive();
      assertThat(store.describe().rows()).isEqualTo(100);
      assertThat(write(store, batch(100, 200))).isEmpty();
      int known = refused.get();
      assertThat(write(store, batch(200, 300))).isEmpty();
      assertThat(refused.get()).as("what was too large is not sent again").isEqualTo(known);
    }
  }

  /** The real limit of the real server, and a record that is larger. */
  @Test
  void recordThatIsTooLarge() {
    RecordBatch large =
        new RecordBatch(
            IdColumn.ofStrings("small", "large"),
            List.of(new DenseVectors("", 1, new float[2])),
            TextColumn.of("x", "x".repeat(41 << 20)),
            TextColumn.allNull(2));
    try (VectorStore store = open("target", chroma.url())) {
      store.create(schema(), STAMP);
      assertThat(write(store, large))
          .singleElement()
          .satisfies(
              reject -> {
                assertThat(reject.id()).isEqualTo("large");
                assertThat(reject.reason()).contains("413").contains("Payload too large");
              });
      assertThat(store.describe().rows()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {429, 503})
  void serverThatAsksToSlowDown(int status) throws IOException {
    AtomicInteger left = new AtomicInteger(2);
    String url =
        stubs.proxy(
            chroma.url(),
            exchange -> answer(exchange, status, "{\"message\":\"slow down\"}"),
            exchange -> writes(exchange) && left.getAndDecrement() > 0);
    try (VectorStore store = open("target", url, "options.requestsInFlight", "1")) {
      store.create(schema(), STAMP);
      assertThat(write(store, batch(0, 10))).isEmpty();
      assertThat(left.get()).isNegative();
      assertThat(store.describe().rows()).isEqualTo(10);
    }
  }

  @Test
  void serverThatFails() throws IOException {
    String[] message = {"database is locked"};
    String url =
        stubs.proxy(
            chroma.url(),
            exchange -> answer(exchange, 500, "{\"message\":\"" + message[0] + "\"}"),
            ChromaBadInputTest::writes);
    try (VectorStore store = open("target", url)) {
      store.create(schema(), STAMP);
      assertFails(
          FailureClass.TRANSIENT,
          () -> write(store, batch(0, 10)),
          "answered 500 while writing 10 records to '" + collection + "': database is locked.");
      message[0] = "Error sending message to compactor";
      assertFails(
          FailureClass.TRANSIENT,
          () -> write(store, batch(0, 10)),
          "takes no records until it is started again. Restart the server.");
      message[0] = "database or disk is full";
      assertFails(
          FailureClass.RESOURCE_EXHAUSTED,
          () -> write(store, batch(0, 10)),
          "database or disk is full");
      message[0] = "Quota exceeded: 'Number of records' exceeded quota limit";
      assertThat(write(store, batch(0, 2))).hasSize(2);
    }
  }

  @Test
  void answerThatBreaksOff() throws IOException {
    String id = chroma.create(collection, "");
    chroma.records(id, "add", "{\"ids\":[\"a\"],\"embeddings\":[[1]]}");
    String[] body = {""};
    String url =
        stubs.proxy(
            chroma.url(),
            exchange -> answer(exchange, 200, body[0]),
            exchange -> exchange.getRequestURI().getPath().endsWith("/get"));
    try (VectorStore store = open("target", url)) {
      for (String broken :
          new String[] {
            "[]",
            "{\"ids\":[\"a\"",
            "{\"ids\":[\"a\"],\"embeddings\":[[1",
            "{\"ids\":[\"a\"],\"embeddings\":[[1]],\"documents\":[null,null]}",
            "{\"ids\":[\"a\",\"b\"],\"embeddings\":[[1]]}",
            "{\"ids\":[\"a\"],\"embeddings\":[[1]],\"metadatas\":[5]}"
          }) {
        body[0] = broken;
        assertFails(
            FailureClass.TRANSIENT,
            () -> store.fetch(IdColumn.ofStrings("a")),
            "the server's answer cannot be read");
      }
      body[0] = "{\"ids\":[\"a\"],\"embeddings\":[null]}";
      assertFails(
          FailureClass.BAD_RECORD,
          () -> store.fetch(IdColumn.ofStrings("a")),
          "record 'a' of collection '" + collection + "' has no vector, the others have 1");
      body[0] = "{\"ids\":[\"a\"],\"embeddings\":[[1,2]]}";
      assertFails(
          FailureClass.BAD_RECORD,
          () -> store.fetch(IdColumn.ofStrings("a")),
          "record 'a'",
          "a vector of another length");
      body[0] = "{\"ids\":[\"a\"],\"embeddings\":[[null]]}";
      assertThat(store.fetch(IdColumn.ofStrings("a")).onlyVectors().values())
          .containsExactly(Float.NaN);
    }
  }

  @Test
  void collectionThatIsWrittenToWhileItIsListed() throws IOException {
    String id = chroma.create(collection, "");
    chroma.records(id, "add", "{\"ids\":[\"a\",\"b\",\"c\"],\"embeddings\":[[1],[2],[3]]}");
    AtomicInteger number = new AtomicInteger();
    String url =
        stubs.proxy(
            chroma.url(),
            exchange -> answer(exchange, 200, Integer.toString(number.incrementAndGet())),
            exchange -> exchange.getRequestURI().getPath().endsWith("/count"));
    try (VectorStore store = open("source", url)) {
      assertFails(
          FailureClass.SOURCE_CHANGED,
          store::describe,
          "collection '" + collection + "' changes while its records are listed",
          "Stop what writes to it.");
    }
  }

  @Test
  void positionThatIsNotThere() {
    String id = chroma.create(collection, "");
    chroma.records(id, "add", "{\"ids\":[\"a\"],\"embeddings\":[[1]]}");
    try (VectorStore store = open("source", chroma.url())) {
      for (String cursor : new String[] {"2", "-1", "x"}) {
        assertFails(
            FailureClass.SOURCE_CHANGED,
            () -> {
              try (BatchReader reader = store.read(store.split(1).get(0), cursor, 1)) {
                reader.next();
              }
            },
            "there is no position '" + cursor + "'",
            "which has 1 records");
      }
    }
  }

  @Test
  void serverThatIsKilledWhileAPartIsWritten(
      @WithServer(value = Server.CHROMA, instance = "killed") RunningServer own) {
    TestChroma killed = new TestChroma(own.url());
    try (VectorStore store = open("target", own.url())) {
      store.create(schema(), STAMP);
      assertThatThrownBy(
              () -> {
                try (BatchWriter writer = store.write("p0", STAMP)) {
                  for (int i = 0; i < 50; i++) {
                    writer.write(batch(i * 100, i * 100 + 100));
                    if (i == 5) {
                      own.kill();
                    }
                  }
                  writer.finish();
                }
              })
          .isInstanceOfSatisfying(
              StoreException.class,
              e -> assertThat(e.failureClass()).isEqualTo(FailureClass.TRANSIENT))
          .hasMessageContaining(own.url());
      own.restart();
      try (BatchWriter writer = store.write("p0", STAMP)) {
        for (int i = 0; i < 50; i++) {
          writer.write(batch(i * 100, i * 100 + 100));
        }
        assertThat(writer.finish()).isEmpty();
        assertThat(writer.acknowledged()).isEqualTo(5000);
      }
      assertThat(store.describe().rows()).isEqualTo(5000);
      RecordBatch some = batch(4000, 5000);
      RecordBatch back = store.fetch(some.ids());
      assertThat(back.onlyVectors().values()).isEqualTo(some.onlyVectors().values());
    } finally {
      own.restart();
      killed.dropAll(collection);
    }
  }

  @Test
  void tokenThatOthersMayHear(@TempDir Path folder) throws IOException {
    Path token = Files.writeString(folder.resolve("token"), "t");
    ChromaSettings settings =
        ChromaSettings.of(
            StoreSettings.of(
                "target",
                "url",
                "http://chroma.example:8000/base/",
                "collection",
                "abc",
                "auth.token",
                "file:" + token));
    assertThat(settings.sendsSecretInTheOpen()).isTrue();
    assertThat(settings.url()).hasToString("http://chroma.example:8000/base");
    assertThat(settings.timeout()).isEqualTo(Duration.ofSeconds(120));
    assertThat(settings.toString()).doesNotContain("\"t\"").contains("X-Chroma-Token");
  }
}
