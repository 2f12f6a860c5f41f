package io.vecferry.store.milvus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import io.milvus.grpc.CollectionSchema;
import io.milvus.grpc.CreateAliasRequest;
import io.milvus.grpc.CreateCredentialRequest;
import io.milvus.grpc.DataType;
import io.milvus.grpc.DeleteCredentialRequest;
import io.milvus.grpc.DropAliasRequest;
import io.milvus.grpc.DropCollectionRequest;
import io.milvus.grpc.LoadCollectionRequest;
import io.milvus.grpc.ReleaseCollectionRequest;
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
import io.vecferry.store.Stores;
import io.vecferry.store.TestCertificate;
import io.vecferry.store.VectorFieldInfo;
import io.vecferry.store.VectorStore;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What goes wrong with a real Milvus is said in one sentence that the person at the other end can
 * act on, and nothing is left half-written. What is decided before a server is asked is in {@link
 * MilvusRulesTest} and {@link MappingTest}.
 */
@Tag("slow")
@Timeout(120)
class MilvusBadInputTest {
  private static final LoadStamp STAMP = new LoadStamp("products", "load-1");

  @WithServer(Server.MILVUS)
  static RunningServer milvus;

  private final String collection = Collections.name("bad_input");
  private final List<String> made = new ArrayList<>(List.of(collection));
  private MilvusClient client;

  @BeforeEach
  void connect() {
    client = Collections.client(milvus.url());
  }

  @AfterEach
  void cleanUp() {
    client.close();
    Collections.drop(milvus.url(), made.toArray(String[]::new));
  }

  private VectorStore openAt(String role, String url, String... more) {
    StoreSettings settings = StoreSettings.of(role, "url", url, "collection", collection);
    settings.values().setAll(StoreSettings.of(role, more).values());
    return Stores.get("milvus").open(settings);
  }

  private VectorStore open(String role, String... more) {
    return openAt(role, milvus.url(), more);
  }

  private static void assertFails(FailureClass failureClass, Runnable work, String... parts) {
    assertThatThrownBy(work::run)
        .isInstanceOfSatisfying(
            StoreException.class,
            e -> assertThat(e.failureClass()).as(e.getMessage()).isEqualTo(failureClass))
        .hasMessageContainingAll(parts);
  }

  private static LoadSchema schema(Metric metric, String index, String... params) {
    return new LoadSchema(
        List.of(
            new VectorFieldInfo(
                "",
                2,
                metric,
                0,
                index,
                params.length == 0 ? Map.of() : Map.of(params[0], params[1]))),
        Set.of(IdKind.STRING),
        "test",
        10);
  }

  private static RecordBatch batch(int from, int to) {
    String[] ids = IntStream.range(from, to).mapToObj(i -> "r" + i).toArray(String[]::new);
    float[] vectors = new float[2 * ids.length];
    for (int i = 0; i < vectors.length; i++) {
      vectors[i] = 2 * from + i;
    }
    return new RecordBatch(
        IdColumn.ofStrings(ids),
        List.of(new DenseVectors("", 2, vectors)),
        TextColumn.allNull(ids.length),
        TextColumn.allNull(ids.length));
  }

  private static List<Reject> write(VectorStore store, RecordBatch... batches) {
    try (BatchWriter writer = store.write("p0", STAMP)) {
      for (RecordBatch batch : batches) {
        writer.write(batch);
      }
      return writer.finish();
    }
  }

  /** A collection that somebody else made; {@code rows} keys from 0 on. */
  private void makeNative(int rows) {
    Collections.create(
        client,
        collection,
        CollectionSchema.newBuilder()
            .addFields(Collections.field("key", DataType.Int64).setIsPrimaryKey(true))
            .addFields(Collections.field("v", DataType.FloatVector, "dim", "2")),
        Map.of());
    Collections.index(client, collection, "v", "index_type", "FLAT", "metric_type", "L2");
    if (rows > 0) {
      insert(0, rows);
    }
    client.run(
        "loading",
        stub ->
            stub.loadCollection(
                LoadCollectionRequest.newBuilder()
                    .setCollectionName(collection)
                    .setReplicaNumber(1)
                    .build()));
    try (VectorStore store = open("source")) {
      while (!store.describe().configuration().get("loaded").equals("yes")) {
        MilvusCollection.pause();
      }
    }
  }

  private void insert(int from, int to) {
    float[] vectors = new float[2 * (to - from)];
    Collections.insert(
        client,
        collection,
        "",
        to - from,
        List.of(
            Collections.longs("key", IntStream.range(from, to).asLongStream().toArray()),
            Collections.floats("v", 2, vectors)));
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  @Test
  void unreachable() throws IOException {
    String url = "http://127.0.0.1:" + freePort();
    assertFails(
        FailureClass.TRANSIENT,
        () -> openAt("source", url),
        "connecting to " + url + ": nothing answers at " + url,
        "Connection refused",
        "Start Milvus, or correct the address.");
    assertFails(
        FailureClass.TRANSIENT,
        () -> openAt("target", "http://no-such-host.invalid:19530"),
        "connecting to http://no-such-host.invalid:19530: ",
        "the host of http://no-such-host.invalid:19530 is not known here. Correct the address.");
  }

  @Test
  void tlsAgainstPlain() {
    String url = milvus.url().replace("http:", "https:");
    assertFails(
        FailureClass.INCOMPATIBLE,
        () -> openAt("source", url),
        url + " does not speak TLS. Write http:// in source.url.");
  }

  @Test
  void plainAgainstTlsAndUnknownCertificate(@TempDir Path folder) throws Exception {
    TestCertificate made = TestCertificate.make(folder);
    HttpsServer server = HttpsServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(made.context()));
    server.start();
    try {
      String address = "127.0.0.1:" + server.getAddress().getPort();
      assertFails(
          FailureClass.PERMISSION,
          () -> openAt("source", "https://" + address),
          "https://" + address + " shows a certificate that this worker does not trust",
          "in source.options.caFile.");
      assertFails(
          FailureClass.TRANSIENT,
          () -> openAt("source", "http://" + address),
          "http://" + address + " closed the connection",
          "use https:// when the server has TLS");
      Path certificate = folder.resolve("nothing.pem");
      assertFails(
          FailureClass.MISSING,
          () -> openAt("source", "https://" + address, "options.caFile", certificate.toString()),
          "source.options.caFile: " + certificate + " cannot be read on this worker");
      Files.writeString(certificate, made.pem());
      assertFails(
          FailureClass.INCOMPATIBLE,
          () -> openAt("source", "https://" + address, "options.caFile", certificate.toString()),
          "https://" + address + " is something else than Milvus");
      Files.writeString(certificate, "not a certificate");
      assertFails(
          FailureClass.INCOMPATIBLE,
          () -> openAt("source", "https://" + address, "options.caFile", certificate.toString()),
          "source.options.caFile: " + certificate + " holds no certificates in PEM");
    } finally {
      server.stop(0);
    }
  }

  @Test
  void notLetIn(@WithServer(Server.MILVUS_SECURED) RunningServer secured, @TempDir Path folder)
      throws IOException {
    String root = "file:" + Files.writeString(folder.resolve("root"), "root");
    String password = "file:" + Files.writeString(folder.resolve("password"), "Milvus");
    String wrong = "file:" + Files.writeString(folder.resolve("wrong"), "very-secret");
    String token = "file:" + Files.writeString(folder.resolve("token"), "root:Milvus");
    for (String[] auth :
        new String[][] {
          {}, {"auth.token", wrong}, {"auth.username", root, "auth.password", wrong},
        }) {
      assertThatThrownBy(
              () -> {
                try (VectorStore store = openAt("source", secured.url(), auth)) {
                  store.exists();
                }
              })
          .isInstanceOfSatisfying(
              StoreException.class,
              e ->
                  assertThat(e.failureClass())
                      .as(e.getMessage())
                      .isEqualTo(FailureClass.PERMISSION))
          .hasMessageContainingAll(
              secured.url(), "Check auth.token, or auth.username and auth.password.")
          .hasMessageNotContaining("very-secret");
    }
    for (String[] auth :
        new String[][] {
          {"auth.token", token}, {"auth.username", root, "auth.password", password},
        }) {
      try (VectorStore store = openAt("source", secured.url(), auth)) {
        assertThat(store.exists()).isFalse();
      }
    }
  }

  @Test
  void notAllowed(@WithServer(Server.MILVUS_SECURED) RunningServer secured, @TempDir Path folder)
      throws IOException {
    String token = "file:" + Files.writeString(folder.resolve("token"), "root:Milvus");
    String user = Collections.name("user").substring(0, 12);
    String guest = "file:" + Files.writeString(folder.resolve("guest"), user + ":secret1");
    try (MilvusClient administrator =
        MilvusClient.connect(
            MilvusOptions.read(
                StoreSettings.of(
                    "target", "url", secured.url(), "collection", "any", "auth.token", token)))) {
      administrator.run(
          "making a user",
          stub ->
              stub.createCredential(
                  CreateCredentialRequest.newBuilder()
                      .setUsername(user)
                      .setPassword(
                          Base64.getEncoder()
                              .encodeToString("secret1".getBytes(StandardCharsets.UTF_8)))
                      .build()));
      try (VectorStore store = openAt("target", secured.url(), "auth.token", guest)) {
        assertFails(
            FailureClass.PERMISSION,
            () -> store.create(schema(Metric.L2, ""), STAMP),
            collection + " at " + secured.url() + ": ",
            "the right");
      } finally {
        administrator.run(
            "dropping a user",
            stub ->
                stub.deleteCredential(
                    DeleteCredentialRequest.newBuilder().setUsername(user).build()));
      }
      try (VectorStore store = openAt("target", secured.url(), "auth.token", token)) {
        assertThat(store.exists()).isFalse();
      }
    }
  }

  /** An address of another service, or of another port of Milvus. */
  @Test
  void somethingElseThanMilvus() throws IOException {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext(
        "/",
        exchange -> {
          exchange.sendResponseHeaders(200, -1);
          exchange.close();
        });
    server.start();
    try {
      assertIsNotMilvus("http://127.0.0.1:" + server.getAddress().getPort());
    } finally {
      server.stop(0);
    }
    whileListening(
        socket -> {
          try (socket) {
            socket
                .getOutputStream()
                .write("SSH-2.0-OpenSSH_9.2\r\n".getBytes(StandardCharsets.UTF_8));
            socket.getOutputStream().flush();
            socket.getInputStream().read(new byte[100]);
          } catch (IOException e) {
            // The other side has seen enough.
          }
        },
        MilvusBadInputTest::assertIsNotMilvus);
  }

  private static void assertIsNotMilvus(String url) {
    assertThatThrownBy(
            () ->
                Stores.get("milvus")
                    .open(StoreSettings.of("source", "url", url, "collection", "any"))
                    .close())
        .isInstanceOfSatisfying(
            StoreException.class,
            e ->
                assertThat(e.failureClass())
                    .as(e.getMessage())
                    .isEqualTo(FailureClass.INCOMPATIBLE))
        .hasMessageContainingAll(
            url + " is something else than Milvus: it does not speak gRPC there",
            "Give the address of Milvus' gRPC port, usually 19530");
  }

  private static void whileListening(Consumer<Socket> answer, Consumer<String> work)
      throws IOException {
    try (ServerSocket listening = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
      Thread thread =
          new Thread(
              () -> {
                while (true) {
                  try {
                    answer.accept(listening.accept());
                  } catch (IOException e) {
                    return;
                  }
                }
              });
      thread.setDaemon(true);
      thread.start();
      work.accept("http://127.0.0.1:" + listening.getLocalPort());
    }
  }

  @Test
  void gRpcThatIsNotMilvus(@WithServer(Server.QDRANT) RunningServer qdrant) {
    assertFails(
        FailureClass.INCOMPATIBLE,
        () -> openAt("source", qdrant.url()),
        "connecting to " + qdrant.url() + ": " + qdrant.url() + " does not know the call",
        "It must be Milvus 2.3 to 2.6; check the address.");
  }

  @Test
  void noAnswerInTime() throws IOException {
    List<Socket> open = new ArrayList<>();
    whileListening(
        open::add,
        url ->
            assertFails(
                FailureClass.TRANSIENT,
                () -> openAt("source", url),
                "connecting to " + url + ": no answer in time"));
    for (Socket socket : open) {
      socket.close();
    }
  }

  @Test
  void missingCollectionAndDatabase() {
    makeNative(0);
    String near = collection.substring(0, collection.length() - 1);
    StoreSettings settings = StoreSettings.of("source", "url", milvus.url(), "collection", near);
    try (VectorStore store = Stores.get("milvus").open(settings)) {
      assertThat(store.exists()).isFalse();
      for (Runnable use :
          List.<Runnable>of(
              store::describe,
              store::assess,
              () -> store.split(1),
              () -> store.fetch(IdColumn.ofStrings("1")))) {
        assertFails(
            FailureClass.MISSING,
            use,
            "there is no collection " + near + " at " + milvus.url() + ".",
            "Did you mean '" + collection + "'?");
      }
    }
    assertFails(
        FailureClass.MISSING,
        () -> {
          try (VectorStore store = open("source", "database", "nowhere")) {
            store.describe();
          }
        },
        "database",
        "nowhere",
        "Check the name of the database in the spec.");
  }

  /** A user may give what Milvus would never take as a name. */
  @Test
  void sourceWithANameThatCannotBe() {
    try (VectorStore store =
        Stores.get("milvus")
            .open(StoreSettings.of("source", "url", milvus.url(), "collection", "a-b c"))) {
      assertFails(
          FailureClass.MISSING, store::describe, "there is no collection a-b c at " + milvus.url());
    }
  }

  @Test
  void targetWithANameThatCannotBe() {
    try (VectorStore store =
        Stores.get("milvus")
            .open(StoreSettings.of("target", "url", milvus.url(), "collection", "a-b c"))) {
      assertThat(store.exists()).isFalse();
      assertFails(
          FailureClass.INCOMPATIBLE,
          () -> store.create(schema(Metric.L2, ""), STAMP),
          "target.collection: 'a-b c' is no name for a Milvus collection",
          "Use a_b_c.");
    }
  }

  @Test
  void emptyCollection() {
    makeNative(0);
    try (VectorStore store = open("source")) {
      assertThat(store.assess()).allMatch(finding -> finding.severity() == Finding.Severity.INFO);
      assertThat(store.describe().rows()).isZero();
      assertThat(store.describe().vectors()).hasSize(1);
      try (BatchReader reader = store.read(store.split(4).get(0), null, 10)) {
        assertThat(reader.next()).isNull();
      }
      assertThat(store.fetch(IdColumn.ofStrings("1")).rows()).isZero();
    }
  }

  @Test
  void collectionThatCannotBeLoaded() {
    Collections.create(
        client,
        collection,
        CollectionSchema.newBuilder()
            .addFields(Collections.field("key", DataType.Int64).setIsPrimaryKey(true))
            .addFields(Collections.field("v", DataType.FloatVector, "dim", "2")),
        Map.of());
    try (VectorStore store = open("source", "options.load", "true")) {
      assertThat(store.describe().configuration()).containsEntry("loaded", "no");
      assertFails(
          FailureClass.MISSING,
          () -> store.split(1),
          "loading " + collection + " at " + milvus.url() + ": ",
          "index",
          "Make an index on its vector field");
    }
  }

  @Test
  void collectionThatGoesAwayWhileItIsRead() {
    makeNative(100);
    try (VectorStore store = open("source");
        BatchReader reader = store.read(store.split(1).get(0), null, 10)) {
      assertThat(reader.next().rows()).isEqualTo(10);
      client.run(
          "dropping",
          stub ->
              stub.dropCollection(
                  DropCollectionRequest.newBuilder().setCollectionName(collection).build()));
      assertFails(
          FailureClass.MISSING,
          () -> {
            while (reader.next() != null) {
              // Some records were on their way already.
            }
            store.fetch(IdColumn.of(IdKind.INT64, TextColumn.of("1")));
          },
          collection);
      assertFails(FailureClass.MISSING, store::describe, "there is no collection " + collection);
    }
  }

  @Test
  void collectionThatIsReleasedWhileItIsRead() {
    makeNative(100);
    IdColumn one = IdColumn.of(IdKind.INT64, TextColumn.of("1"));
    try (VectorStore store = open("source");
        VectorStore loading = open("source", "options.load", "true")) {
      assertThat(store.fetch(one).rows()).isEqualTo(1);
      assertThat(loading.fetch(one).rows()).isEqualTo(1);
      client.run(
          "releasing",
          stub ->
              stub.releaseCollection(
                  ReleaseCollectionRequest.newBuilder().setCollectionName(collection).build()));
      // A person can load it again at any moment, so it is tried again.
      assertFails(
          FailureClass.TRANSIENT,
          () -> store.fetch(one),
          "reading " + collection + " at " + milvus.url(),
          "not loaded",
          "Load the collection, or set options.load: true.");
      assertThat(loading.fetch(one).rows()).isEqualTo(1);
    }
  }

  @Test
  void collectionThatIsMadeAnewIsAnotherOne() {
    makeNative(10);
    String before;
    try (VectorStore store = open("source")) {
      before = store.describe().fingerprint();
    }
    Collections.drop(milvus.url(), collection);
    makeNative(10);
    try (VectorStore store = open("source")) {
      assertThat(store.describe().rows()).isEqualTo(10);
      assertThat(store.describe().fingerprint()).isNotEqualTo(before);
    }
  }

  /** What an index may not be; the messages are those of the plan. */
  @ParameterizedTest
  @CsvSource({
    "IVF_FLATT, , , Did you mean 'IVF_FLAT'?",
    "IVF_FLAT, nlist, 0, target.index.params.nlist: must be a whole number from 1 to 65536",
    "HNSW, M, 1, target.index.params.M: must be a whole number from 2 to 2048",
    "IVF_PQ, m, 3, target.index.params.m: must divide the dimension",
    "FLAT, nlist, 4, target.index.params.nlist: FLAT in Milvus has no parameters.",
  })
  void badIndexMakesNoCollection(String index, String parameter, String value, String message) {
    try (VectorStore store = open("target")) {
      LoadSchema schema =
          parameter == null ? schema(Metric.L2, index) : schema(Metric.L2, index, parameter, value);
      assertFails(FailureClass.INCOMPATIBLE, () -> store.create(schema, STAMP), message);
      assertThat(store.exists()).isFalse();
    }
  }

  /** What the plan calls possible, the server takes, at both ends of each range. */
  @ParameterizedTest
  @CsvSource({
    "IVF_FLAT, nlist, 1",
    "IVF_FLAT, nlist, 65536",
    "IVF_SQ8, nlist, 65536",
    "HNSW, M, 2",
    "HNSW, M, 2048",
    "IVF_PQ, m, 2",
  })
  void goodIndexIsTaken(String index, String parameter, String value) {
    try (VectorStore store = open("target")) {
      store.create(schema(Metric.L2, index, parameter, value), STAMP);
      assertThat(write(store, batch(0, 5))).isEmpty();
      store.finishLoad(List.of("p0"), STAMP);
      assertThat(store.describe().vectors().get(0).indexParams()).containsEntry(parameter, value);
      assertThat(store.describe().rows()).isEqualTo(5);
    }
  }

  @Test
  void aliasIsATakenName() {
    makeNative(3);
    String alias = Collections.name("alias");
    client.run(
        "making an alias",
        stub ->
            stub.createAlias(
                CreateAliasRequest.newBuilder()
                    .setCollectionName(collection)
                    .setAlias(alias)
                    .build()));
    try (VectorStore store =
        Stores.get("milvus")
            .open(StoreSettings.of("target", "url", milvus.url(), "collection", alias))) {
      assertThat(store.exists()).isTrue();
      assertThat(store.stamp()).isEmpty();
      assertFails(
          FailureClass.TARGET_CHANGED,
          () -> store.create(schema(Metric.L2, ""), STAMP),
          "the collection " + alias + " at " + milvus.url() + " was not made by this migration.",
          "Choose another name, or move what is there away.");
      assertFails(FailureClass.TARGET_CHANGED, () -> store.drop(STAMP), "was not made by");
    } finally {
      client.run(
          "dropping an alias",
          stub -> stub.dropAlias(DropAliasRequest.newBuilder().setAlias(alias).build()));
    }
    try (VectorStore store = open("source")) {
      assertThat(store.describe().rows()).isEqualTo(3);
    }
  }

  /** The limits that vecferry holds to are those of the server, to the byte. */
  @Test
  void recordsAtTheLimitsAreTakenAndThoseAboveAreNamed() {
    String longest = "é".repeat(32_767) + "x";
    String id = "i".repeat(1_024);
    String json = "{\"a\":\"" + "x".repeat(Layout.LONGEST_JSON - 8) + "\"}";
    RecordBatch records =
        new RecordBatch(
            IdColumn.ofStrings("document", "document+1", id, id + "+", "json", "json+1", "good"),
            List.of(new DenseVectors("", 2, new float[14])),
            TextColumn.of(longest, longest + "x", "d", "d", "d", "d", "d"),
            TextColumn.of(
                "{}", "{}", "{}", "{}", json, json.replace("x\"}", "xx\"}"), "{\"a\":1}"));
    assertThat(longest.getBytes(StandardCharsets.UTF_8)).hasSize(65_535);
    assertThat(json.getBytes(StandardCharsets.UTF_8)).hasSize(65_536);
    try (VectorStore store = open("target")) {
      store.create(schema(Metric.L2, "FLAT"), STAMP);
      List<Reject> rejects = write(store, records);
      assertThat(rejects)
          .extracting(Reject::id)
          .containsExactlyInAnyOrder("document+1", id + "+", "json+1");
      assertThat(rejects)
          .extracting(Reject::reason)
          .containsExactlyInAnyOrder(
              "its document has 65536 bytes, the field 'document' holds 65535",
              "its id has 1025 bytes, the field 'id' holds 1024",
              "its metadata takes 65537 bytes in the dynamic field, which holds 65536");
      store.finishLoad(List.of("p0"), STAMP);
      RecordBatch back = store.fetch(records.ids());
      assertThat(back.rows()).isEqualTo(4);
      assertThat(back.documents().get(0)).isEqualTo(longest);
      assertThat(back.metadata().get(2)).isEqualTo(json);
    }
  }

  /** A text that is too long for a field of its own stays whole beside it. */
  @Test
  void valueThatIsTooLongForItsField() {
    StoreSettings settings =
        StoreSettings.of("target", "url", milvus.url(), "collection", collection);
    settings
        .values()
        .withObjectProperty("options")
        .putObject("fields")
        .put("title", "VARCHAR(5)")
        .put("n", "INT8");
    RecordBatch records =
        new RecordBatch(
            IdColumn.ofStrings("fits", "long", "wide", "other"),
            List.of(new DenseVectors("", 2, new float[8])),
            TextColumn.allNull(4),
            TextColumn.of(
                "{\"title\":\"12345\",\"n\":127}",
                "{\"title\":\"123456\",\"n\":128}",
                "{\"title\":\"日本\",\"n\":1}",
                "{\"title\":[1],\"n\":\"x\"}"));
    try (VectorStore store = Stores.get("milvus").open(settings)) {
      store.create(schema(Metric.L2, "FLAT"), STAMP);
      assertThat(write(store, records)).isEmpty();
      store.finishLoad(List.of("p0"), STAMP);
      RecordBatch back = store.fetch(records.ids());
      assertThat(back.rows()).isEqualTo(4);
      for (int row = 0; row < 4; row++) {
        assertThat(back.metadata().get(row)).isEqualTo(records.metadata().get(row));
      }
    }
  }

  @Test
  void recordsOfAnotherShape() {
    RecordBatch three =
        new RecordBatch(
            IdColumn.ofStrings("a"),
            List.of(new DenseVectors("", 3, new float[3])),
            TextColumn.allNull(1),
            TextColumn.allNull(1));
    RecordBatch absent =
        new RecordBatch(
            IdColumn.ofStrings("b", "c"),
            List.of(new DenseVectors("", 2, new float[4], new boolean[] {true, false})),
            TextColumn.allNull(2),
            TextColumn.allNull(2));
    try (VectorStore store = open("target")) {
      store.create(schema(Metric.L2, "FLAT"), STAMP);
      List<Reject> rejects = write(store, batch(0, 10), three, absent);
      assertThat(rejects).extracting(Reject::id).contains("a").hasSize(2);
      assertThat(rejects.get(0).reason()).contains("3").contains("2");
      assertThat(rejects.get(1).reason()).contains("vector");
      store.finishLoad(List.of("p0"), STAMP);
      assertThat(store.describe().rows()).isEqualTo(11);
    }
  }

  /** The same id in several requests, as when a source changes or an attempt is repeated. */
  @Test
  void idThatComesTwiceIsOneRecordAndTheLastOneWins() {
    RecordBatch again =
        new RecordBatch(
            IdColumn.ofStrings("r3", "r3"),
            List.of(new DenseVectors("", 2, new float[] {8, 8, 9, 9})),
            TextColumn.allNull(2),
            TextColumn.allNull(2));
    try (VectorStore store = open("target", "options.requestsInFlight", "1")) {
      store.create(schema(Metric.L2, "FLAT"), STAMP);
      assertThat(write(store, batch(0, 5), again)).isEmpty();
      store.finishLoad(List.of("p0"), STAMP);
      assertThat(store.describe().rows()).isEqualTo(5);
      assertThat(store.fetch(IdColumn.ofStrings("r3")).onlyVectors().values())
          .containsExactly(9, 9);
    }
  }
}
