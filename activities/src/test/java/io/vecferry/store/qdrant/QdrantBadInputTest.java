package io.vecferry.store.qdrant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.Status;
import io.grpc.TlsServerCredentials;
import io.grpc.stub.StreamObserver;
import io.qdrant.client.grpc.Collections.CollectionExists;
import io.qdrant.client.grpc.Collections.CollectionExistsRequest;
import io.qdrant.client.grpc.Collections.CollectionExistsResponse;
import io.qdrant.client.grpc.Collections.CollectionInfo;
import io.qdrant.client.grpc.Collections.CreateCollection;
import io.qdrant.client.grpc.Collections.Distance;
import io.qdrant.client.grpc.Collections.GetCollectionInfoRequest;
import io.qdrant.client.grpc.Collections.GetCollectionInfoResponse;
import io.qdrant.client.grpc.Collections.ListAliasesRequest;
import io.qdrant.client.grpc.Collections.ListAliasesResponse;
import io.qdrant.client.grpc.CollectionsGrpc;
import io.qdrant.client.grpc.JsonWithInt.Struct;
import io.qdrant.client.grpc.JsonWithInt.Value;
import io.qdrant.client.grpc.Points.PointsOperationResponse;
import io.qdrant.client.grpc.Points.UpdateResult;
import io.qdrant.client.grpc.Points.UpdateStatus;
import io.qdrant.client.grpc.Points.UpsertPoints;
import io.qdrant.client.grpc.PointsGrpc;
import io.qdrant.client.grpc.QdrantGrpc;
import io.qdrant.client.grpc.QdrantOuterClass.HealthCheckReply;
import io.qdrant.client.grpc.QdrantOuterClass.HealthCheckRequest;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.Finding;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.store.BatchWriter;
import io.vecferry.store.LoadNote;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.Metric;
import io.vecferry.store.Reject;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import io.vecferry.store.VectorFieldInfo;
import io.vecferry.store.VectorStore;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import javax.net.ServerSocketFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What people get wrong, and what servers refuse: each with the message that they read. */
class QdrantBadInputTest {
  private static final LoadStamp STAMP = new LoadStamp("products", "load-1");
  private static final long SOON = 10_000_000_000L;

  @WithServer(Server.QDRANT)
  static RunningServer server;

  private final String target = QdrantTests.uniqueName();
  private io.grpc.Server own;

  @AfterEach
  void stop() {
    if (own != null) {
      own.shutdownNow();
    }
    QdrantTests.drop(server.url(), target);
  }

  private static VectorStore open(String url) {
    return Stores.get("qdrant").open(QdrantTests.settings("source", url, "products"));
  }

  private static void assertRefused(String url, FailureClass failureClass, String message) {
    long start = System.nanoTime();
    assertThatThrownBy(() -> open(url))
        .hasMessage(message)
        .isInstanceOfSatisfying(
            StoreException.class, e -> assertThat(e.failureClass()).isEqualTo(failureClass));
    assertThat(System.nanoTime() - start).isLessThan(SOON);
  }

  // Addresses

  @Test
  void nobodyListens() throws IOException {
    int port;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort();
    }
    String url = "http://127.0.0.1:" + port;
    assertRefused(
        url,
        FailureClass.TRANSIENT,
        "Qdrant at "
            + url
            + " cannot be reached (Connection refused). Check that it is running and that this is"
            + " the port of its gRPC API, usually 6334.");
  }

  @Test
  void nobodyAnswers() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 9, InetAddress.getLoopbackAddress())) {
      String url = "http://127.0.0.1:" + socket.getLocalPort();
      assertThatThrownBy(() -> open(url))
          .hasMessageStartingWith(
              "Qdrant at " + url + " did not answer in time: asking for the version")
          .isInstanceOfSatisfying(
              StoreException.class,
              e -> assertThat(e.failureClass()).isEqualTo(FailureClass.TRANSIENT));
    }
  }

  @Test
  void thereIsNoSuchMachine() {
    assertRefused(
        "http://no-such-machine.invalid:6334",
        FailureClass.TRANSIENT,
        "there is no machine with the name no-such-machine.invalid (source.url); check its"
            + " spelling.");
  }

  @Test
  void thePortOfRest() throws IOException {
    try (Listener rest =
        new Listener(ServerSocketFactory.getDefault(), "HTTP/1.1 400 Bad Request\r\n\r\n")) {
      assertRefused(
          "http://127.0.0.1:" + rest.port(),
          FailureClass.INCOMPATIBLE,
          "http://127.0.0.1:"
              + rest.port()
              + " is a web server and no gRPC API. Give the port of Qdrant's gRPC API in source.url,"
              + " usually 6334 (6333 is REST).");
    }
  }

  @Test
  void somethingElseListens() throws IOException {
    try (Listener mail = new Listener(ServerSocketFactory.getDefault(), "220 mail ready\r\n")) {
      assertRefused(
          "http://127.0.0.1:" + mail.port(),
          FailureClass.INCOMPATIBLE,
          "http://127.0.0.1:"
              + mail.port()
              + " does not speak gRPC. Give the port of Qdrant's gRPC API in source.url, usually 6334"
              + " (6333 is REST).");
    }
  }

  @Test
  void tlsAgainstPlain() {
    String url = server.url().replace("http:", "https:");
    assertRefused(
        url, FailureClass.INCOMPATIBLE, url + " does not speak TLS. Write http:// in source.url.");
  }

  /** Qdrant answers what is no TLS with an alert. */
  @Test
  void plainAgainstTls() throws IOException {
    try (Listener tls =
        new Listener(
            ServerSocketFactory.getDefault(), "\u0015\u0003\u0003\u0000\u0002\u0002\u0032")) {
      String url = "http://127.0.0.1:" + tls.port();
      assertRefused(
          url, FailureClass.INCOMPATIBLE, url + " wants TLS. Write https:// in source.url.");
    }
  }

  @Test
  void plainAgainstTlsAndACertificateThatNobodyKnows(@TempDir Path folder) throws Exception {
    certificate(folder);
    own =
        Grpc.newServerBuilderForPort(
                0,
                TlsServerCredentials.create(
                    folder.resolve("certificate.pem").toFile(), folder.resolve("key.pem").toFile()))
            .addService(new Health())
            .build()
            .start();
    String plain = "http://127.0.0.1:" + own.getPort();
    assertRefused(
        plain,
        FailureClass.TRANSIENT,
        plain
            + " closes the connection without a word. If it wants TLS, write https:// in source.url;"
            + " otherwise it is not the port of the gRPC API, usually 6334, or the server is just"
            + " stopping.");
    String tls = "https://127.0.0.1:" + own.getPort();
    assertRefused(
        tls,
        FailureClass.PERMISSION,
        tls
            + " shows a certificate that this worker does not trust: PKIX path building failed:"
            + " sun.security.provider.certpath.SunCertPathBuilderException: unable to find valid"
            + " certification path to requested target. Name the file of the authority that signed"
            + " it in source.options.caFile.");
  }

  /** Made by tools of the JDK and OpenSSL-style files, because gRPC takes no key store. */
  private static void certificate(Path folder) throws Exception {
    Path store = folder.resolve("keys.p12");
    run(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
            "-genkeypair",
            "-keyalg",
            "RSA",
            "-dname",
            "CN=127.0.0.1",
            "-ext",
            "SAN=IP:127.0.0.1",
            "-keystore",
            store.toString(),
            "-storetype",
            "PKCS12",
            "-storepass",
            "changeit"));
    java.security.KeyStore keys = java.security.KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(store)) {
      keys.load(in, "changeit".toCharArray());
    }
    String alias = keys.aliases().nextElement();
    pem(folder.resolve("certificate.pem"), "CERTIFICATE", keys.getCertificate(alias).getEncoded());
    pem(
        folder.resolve("key.pem"),
        "PRIVATE KEY",
        keys.getKey(alias, "changeit".toCharArray()).getEncoded());
  }

  private static void run(List<String> words) throws Exception {
    Process process = new ProcessBuilder(words).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
  }

  private static void pem(Path file, String what, byte[] bytes) throws IOException {
    String text =
        java.util.Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII))
            .encodeToString(bytes);
    Files.writeString(
        file, "-----BEGIN " + what + "-----\n" + text + "\n-----END " + what + "-----\n");
  }

  @Test
  void anotherKindOfServer() throws IOException {
    own = Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create()).build().start();
    String url = "http://127.0.0.1:" + own.getPort();
    assertRefused(
        url,
        FailureClass.INCOMPATIBLE,
        "Qdrant at "
            + url
            + " does not know the call for asking for the version (Method not found:"
            + " qdrant.Qdrant/HealthCheck). It must be a Qdrant server, 1.10 or newer.");
  }

  @Test
  void theApiKeyIsMissingOrWrong() throws IOException {
    own =
        Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
            .addService(new Health())
            .addService(ServerInterceptors.intercept(new Loaded(), new KeyCheck("right")))
            .build()
            .start();
    String url = "http://127.0.0.1:" + own.getPort();
    try (VectorStore store = open(url)) {
      assertThatThrownBy(store::exists)
          .isInstanceOfSatisfying(
              StoreException.class,
              e -> assertThat(e.failureClass()).isEqualTo(FailureClass.PERMISSION))
          .hasMessage(
              "Qdrant at "
                  + url
                  + " refuses: Must provide an API key or an Authorization bearer token. Check"
                  + " source.auth.apiKey; it names where the worker finds the key, as"
                  + " env:QDRANT_API_KEY.");
    }
    assertThatThrownBy(() -> existsWithKey(url, "wr0ng"))
        .hasMessageContaining("refuses: Invalid API key or JWT")
        .hasMessageNotContaining("wr0ng");
    assertThat(existsWithKey(url, "right")).isTrue();
  }

  private static boolean existsWithKey(String url, String key) {
    try (Connection connection =
        Connection.open(
            java.net.URI.create(url),
            QdrantTests.USUAL_TLS,
            key,
            "source",
            Connection.LARGEST_ANSWER)) {
      Settings settings = Settings.of(QdrantTests.settings("source", url, "products"));
      return new Catalogue(connection, settings).exists();
    }
  }

  // Specs

  @Test
  void settingsThatCannotWork() {
    assertSettings("source.url is missing. Add it, for example url: http://localhost:6334.");
    assertSettings(
        "source.collection is missing. Add it, for example collection: products.",
        "url",
        "http://localhost");
    assertSettings(
        "source.url must end with the port: gRPC has no path, got /collections.",
        "url",
        "http://localhost:6334/collections",
        "collection",
        "x");
    assertSettings(
        "source.url must be http:// or https://, a host and a port, got localhost:6334.",
        "url",
        "localhost:6334",
        "collection",
        "x");
    assertSettings(
        "source.options.documentKey and metadataKey are both 'text'.",
        "url",
        "http://localhost",
        "collection",
        "x",
        "options.documentKey",
        "text",
        "options.metadataKey",
        "text");
    assertSettings(
        "source.options.quantization 'ternary' is not one of none, scalar, product, binary.",
        "url",
        "http://localhost",
        "collection",
        "x",
        "options.quantization",
        "ternary");
    assertSettings(
        "source.options.shards must be from 1 to 10000, got 0.",
        "url",
        "http://localhost",
        "collection",
        "x",
        "options.shards",
        "0");
    assertSettings(
        "source.options.requestsInFlight must be from 1 to 64, got 65.",
        "url",
        "http://localhost",
        "collection",
        "x",
        "options.requestsInFlight",
        "65");
    assertThat(
            Settings.of(QdrantTests.settings("source", "http://localhost/", "x"))
                .address()
                .getPort())
        .isEqualTo(-1);
  }

  private static void assertSettings(String message, String... keysAndValues) {
    assertThatThrownBy(() -> Stores.get("qdrant").open(StoreSettings.of("source", keysAndValues)))
        .hasMessage(message)
        .isInstanceOfSatisfying(
            StoreException.class,
            e -> assertThat(e.failureClass()).isEqualTo(FailureClass.INCOMPATIBLE));
  }

  // Collections

  @Test
  void aMissingCollectionNamesNearOnes() {
    String name = "products-" + QdrantTests.uniqueName();
    try (NativeCollection source =
            new NativeCollection(server.url(), name, NativeCollection.unnamed(1, Distance.Dot));
        VectorStore store =
            Stores.get("qdrant")
                .open(
                    QdrantTests.settings(
                        "source", server.url(), name.replace("products", "prodcuts")))) {
      assertThat(store.exists()).isFalse();
      assertThatThrownBy(store::describe)
          .isInstanceOfSatisfying(
              StoreException.class,
              e -> assertThat(e.failureClass()).isEqualTo(FailureClass.MISSING))
          .hasMessage(
              "Qdrant at "
                  + server.url()
                  + " has no collection and no alias '"
                  + name.replace("products", "prodcuts")
                  + "' (source.collection). Did you mean '"
                  + source.name()
                  + "'?");
    }
  }

  @Test
  void aCollectionThatOthersMadeIsLeftAlone() {
    CreateCollection.Builder create = NativeCollection.unnamed(1, Distance.Dot);
    try (NativeCollection there = new NativeCollection(server.url(), create);
        VectorStore store =
            Stores.get("qdrant").open(QdrantTests.settings("target", server.url(), there.name()))) {
      String message =
          "collection '"
              + there.name()
              + "' was not made by this load of migration 'products'; it is left alone.";
      assertThatThrownBy(() -> store.create(schema(1), STAMP))
          .isInstanceOfSatisfying(
              StoreException.class,
              e -> assertThat(e.failureClass()).isEqualTo(FailureClass.TARGET_CHANGED))
          .hasMessage(message);
      assertThatThrownBy(() -> store.write("p0", STAMP)).hasMessage(message);
      assertThatThrownBy(() -> store.finishLoad(List.of(), STAMP)).hasMessage(message);
      assertThatThrownBy(() -> store.drop(STAMP)).hasMessage(message);
      assertThat(store.exists()).isTrue();
    }
  }

  @Test
  void vectorsOfAnotherDimensionAreRejectedOneByOne() {
    try (VectorStore store =
        Stores.get("qdrant").open(QdrantTests.settings("target", server.url(), target))) {
      store.create(schema(4), STAMP);
      try (BatchWriter writer = store.write("p0", STAMP)) {
        writer.write(batch("bad", 3));
        writer.write(batch("good", 4));
        assertThat(writer.finish())
            .containsExactly(
                new Reject("bad-0", "vector '' has 3 components, the collection's have 4"));
      }
      try (BatchWriter writer = store.write("p1", STAMP)) {
        writer.write(
            new RecordBatch(
                IdColumn.ofStrings("x"),
                List.of(new DenseVectors("title", 4, new float[4])),
                TextColumn.allNull(1),
                TextColumn.allNull(1)));
        assertThatThrownBy(writer::finish)
            .hasMessage("the collection has no vector field 'title'; it has []");
      }
      store.finishLoad(List.of("p0"), STAMP);
      assertThat(store.describe().rows()).isEqualTo(1);
    }
  }

  @Test
  void aLoadThatHasNotEndedIsNoSource() {
    try (VectorStore store =
        Stores.get("qdrant").open(QdrantTests.settings("target", server.url(), target))) {
      store.create(schema(4), STAMP);
      assertThat(store.assess())
          .extracting(Object::toString)
          .contains(
              "source: collection '"
                  + target
                  + "' is a load of migration 'products' that has not ended; records may be missing"
                  + " from it. Let that migration end, or roll it back, first.");
      store.finishLoad(List.of(), STAMP);
      assertThat(store.assess())
          .allMatch(finding -> finding.severity() == Finding.Severity.INFO)
          .extracting(Object::toString)
          .singleElement()
          .asString()
          .contains("only a few are looked at", "Stop what writes to collection '" + target + "'");
    }
  }

  @Test
  void aLoadThatCannotBeIsNotBegun() {
    try (VectorStore store =
        Stores.get("qdrant").open(QdrantTests.settings("target", server.url(), target))) {
      LoadSchema schema =
          new LoadSchema(
              List.of(new VectorFieldInfo("", 4, Metric.HAMMING, 0, "IVF_FLAT", Map.of())),
              Set.of(IdKind.STRING),
              "test",
              1);
      assertThatThrownBy(() -> store.create(schema, STAMP))
          .isInstanceOfSatisfying(
              StoreException.class,
              e -> assertThat(e.failureClass()).isEqualTo(FailureClass.INCOMPATIBLE))
          .hasMessageContaining("Qdrant has no index of type 'IVF_FLAT'")
          .hasMessageContaining("Qdrant cannot compare by hamming");
      assertThat(store.exists()).isFalse();
    }
  }

  // Answers of servers

  /** A server, or what stands before it, that takes small requests only. */
  @Test
  void requestsThatAreTooLargeAreHalved() throws IOException {
    Loaded loaded = new Loaded();
    own =
        Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
            .maxInboundMessageSize(20_000)
            .addService(new Health())
            .addService(loaded)
            .addService(loaded.points)
            .build()
            .start();
    try (VectorStore store = open("http://127.0.0.1:" + own.getPort());
        BatchWriter writer = store.write("p0", STAMP)) {
      writer.write(batch("row", 4, 1000));
      assertThat(writer.finish()).isEmpty();
    }
    assertThat(loaded.points.rows).hasValue(1000);
    assertThat(loaded.points.requests.get()).isGreaterThan(5);
  }

  @Test
  void aBadRequestIsBisectedAndAnInterruptionEndsThePart() {
    Assumptions.assumeTrue(QdrantTests.isTestServer(server));
    try (VectorStore store =
        Stores.get("qdrant").open(QdrantTests.settings("target", server.url(), target))) {
      store.create(schema(4), STAMP);
      fail("INVALID_ARGUMENT", "Wrong input: a value that only the server dislikes", 3);
      try (BatchWriter writer = store.write("p0", STAMP)) {
        writer.write(batch("row", 4, 4));
        List<Reject> rejects = writer.finish();
        assertThat(rejects).extracting(Reject::id).containsExactly("row-0");
        assertThat(rejects.get(0).reason())
            .startsWith("Qdrant at " + server.url() + ": writing 1 points to collection")
            .endsWith("Wrong input: a value that only the server dislikes");
      }
      fail("UNAVAILABLE", "Shard temporarily unavailable: recovering", 1);
      try (BatchWriter writer = store.write("p0", STAMP)) {
        writer.write(batch("row", 4, 4));
        assertThatThrownBy(writer::finish)
            .isInstanceOfSatisfying(
                StoreException.class,
                e -> assertThat(e.failureClass()).isEqualTo(FailureClass.TRANSIENT));
      }
      fail("RESOURCE_EXHAUSTED", "Rate limiting exceeded: Write rate limit exceeded: wait", 2);
      try (BatchWriter writer = store.write("p0", STAMP)) {
        writer.write(batch("row", 4, 4));
        assertThat(writer.finish()).isEmpty();
      }
      store.finishLoad(List.of(), STAMP);
      assertThat(store.describe().rows()).isEqualTo(4);
    }
  }

  private void fail(String code, String message, int times) {
    Struct fail =
        Struct.newBuilder()
            .putFields("method", QdrantTests.text("Upsert"))
            .putFields("code", QdrantTests.text(code))
            .putFields("message", QdrantTests.text(message))
            .putFields("times", QdrantTests.number(times))
            .build();
    QdrantTests.control(
        server.url(),
        target,
        Struct.newBuilder().putFields("fail", Value.newBuilder().setStructValue(fail).build()));
  }

  // Pieces

  private static LoadSchema schema(int dimension) {
    return new LoadSchema(
        List.of(new VectorFieldInfo("", dimension, Metric.L2, 0, "", Map.of())),
        Set.of(IdKind.STRING),
        "test",
        1);
  }

  private static RecordBatch batch(String name, int dimension) {
    return batch(name, dimension, 1);
  }

  private static RecordBatch batch(String name, int dimension, int rows) {
    return new RecordBatch(
        IdColumn.ofStrings(
            IntStream.range(0, rows).mapToObj(i -> name + "-" + i).toArray(String[]::new)),
        List.of(new DenseVectors("", dimension, new float[rows * dimension])),
        TextColumn.allNull(rows),
        TextColumn.allNull(rows));
  }

  /** Answers every connection with one text and closes it. */
  private static final class Listener implements AutoCloseable {
    private final ServerSocket socket;

    Listener(ServerSocketFactory factory, String answer) throws IOException {
      socket = factory.createServerSocket(0, 9, InetAddress.getLoopbackAddress());
      Thread thread =
          new Thread(
              () -> {
                while (!socket.isClosed()) {
                  try (Socket peer = socket.accept();
                      OutputStream out = peer.getOutputStream()) {
                    peer.getInputStream().read(new byte[24]);
                    out.write(answer.getBytes(StandardCharsets.US_ASCII));
                    out.flush();
                    peer.getInputStream().read(new byte[1 << 16]);
                  } catch (IOException e) {
                    // The next one, unless the test is over.
                    continue;
                  }
                }
              });
      thread.setDaemon(true);
      thread.start();
    }

    int port() {
      return socket.getLocalPort();
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  private static final class Health extends QdrantGrpc.QdrantImplBase {
    @Override
    public void healthCheck(HealthCheckRequest request, StreamObserver<HealthCheckReply> answer) {
      answer.onNext(HealthCheckReply.newBuilder().setVersion("1.18.3").build());
      answer.onCompleted();
    }
  }

  /** One collection that a load has made. */
  private static final class Loaded extends CollectionsGrpc.CollectionsImplBase {
    final Writes points = new Writes();

    @Override
    public void collectionExists(
        CollectionExistsRequest request, StreamObserver<CollectionExistsResponse> answer) {
      answer.onNext(
          CollectionExistsResponse.newBuilder()
              .setResult(CollectionExists.newBuilder().setExists(true))
              .build());
      answer.onCompleted();
    }

    @Override
    public void listAliases(
        ListAliasesRequest request, StreamObserver<ListAliasesResponse> answer) {
      answer.onNext(ListAliasesResponse.getDefaultInstance());
      answer.onCompleted();
    }

    @Override
    public void get(
        GetCollectionInfoRequest request, StreamObserver<GetCollectionInfoResponse> answer) {
      LoadNote note = new LoadNote(STAMP, Set.of(IdKind.STRING), Map.of("", ""));
      CollectionInfo.Builder info = CollectionInfo.newBuilder();
      info.getConfigBuilder()
          .putAllMetadata(new CollectionNote(note, "document", "", "").toMetadata())
          .getParamsBuilder()
          .setVectorsConfig(NativeCollection.unnamed(4, Distance.Dot).getVectorsConfig());
      answer.onNext(GetCollectionInfoResponse.newBuilder().setResult(info).build());
      answer.onCompleted();
    }
  }

  private static final class Writes extends PointsGrpc.PointsImplBase {
    final AtomicInteger rows = new AtomicInteger();
    final AtomicInteger requests = new AtomicInteger();

    @Override
    public void upsert(UpsertPoints request, StreamObserver<PointsOperationResponse> answer) {
      rows.addAndGet(request.getPointsCount());
      requests.incrementAndGet();
      answer.onNext(
          PointsOperationResponse.newBuilder()
              .setResult(UpdateResult.newBuilder().setStatus(UpdateStatus.Completed))
              .build());
      answer.onCompleted();
    }
  }

  /** Refuses as Qdrant does. */
  private record KeyCheck(String right) implements ServerInterceptor {
    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
      String key = headers.get(Metadata.Key.of("api-key", Metadata.ASCII_STRING_MARSHALLER));
      if (right.equals(key)) {
        return next.startCall(call, headers);
      }
      call.close(
          Status.UNAUTHENTICATED.withDescription(
              key == null
                  ? "Must provide an API key or an Authorization bearer token"
                  : "Invalid API key or JWT"),
          new Metadata());
      return new ServerCall.Listener<>() {};
    }
  }
}
