package io.vecferry.archive.s3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.vecferry.archive.ArtifactStore;
import io.vecferry.archive.ArtifactStore.ReadableArtifact;
import io.vecferry.archive.ArtifactStore.WritableArtifact;
import io.vecferry.archive.ArtifactStoreContract;
import io.vecferry.archive.place.ArchiveRoot;
import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.S3Exception;

@WithServer(Server.S3)
class S3ArtifactStoreTest extends ArtifactStoreContract {
  @TempDir Path folder;

  private final RunningServer server;
  private final S3Client client;
  private String bucket;

  S3ArtifactStoreTest(RunningServer server) {
    this.server = server;
    this.client = Buckets.client(server);
  }

  @BeforeEach
  void makeBucket() throws IOException {
    bucket = Buckets.make(client);
    Files.writeString(folder.resolve("access"), "vecferry\n");
    Files.writeString(folder.resolve("secret"), "vecferry-secret\n");
  }

  @AfterEach
  void removeBucket() {
    Buckets.remove(client, bucket);
  }

  @Override
  protected ArtifactStore store() {
    return store(bucket, server.url());
  }

  private ArtifactStore store(String name, String url) {
    return new S3ArtifactStore(name, "some/where", settings(Map.of("ENDPOINT", url)));
  }

  private S3Settings settings(Map<String, String> more) {
    Map<String, String> variables =
        new HashMap<>(
            Map.of(
                "VECFERRY_S3_ACCESS_KEY", "file:" + folder.resolve("access"),
                "VECFERRY_S3_SECRET_KEY", "file:" + folder.resolve("secret")));
    more.forEach((name, value) -> variables.put("VECFERRY_S3_" + name, value));
    return S3Settings.ofEnvironment(variables);
  }

  @Test
  void killedUploadIsNoObjectAndIsDiscarded() {
    ArtifactStore store = store();
    // Never closed, as by a process that is killed.
    WritableArtifact killed = store.create("m/source/part");
    killed.write(new byte[20_000_000], 0, 20_000_000);
    assertThat(uploads()).isEqualTo(1);
    assertThat(store().list("")).isEmpty();
    assertThat(store().exists("m/source/part")).isFalse();
    store().discardUnpublished("other");
    assertThat(uploads()).isEqualTo(1);
    store().discardUnpublished("m");
    assertThat(uploads()).isZero();
    assertThatThrownBy(killed::publish)
        .isInstanceOf(StoreException.class)
        .hasMessageContaining("s3://" + bucket + "/some/where/m/source/part");
  }

  private int uploads() {
    return client.listMultipartUploads(request -> request.bucket(bucket)).uploads().size();
  }

  @Test
  void closedWriterLeavesNothing() {
    try (WritableArtifact artifact = store().create("m/a")) {
      artifact.write(new byte[20_000_000], 0, 20_000_000);
    }
    assertThat(uploads()).isZero();
  }

  @Test
  void listsMoreThanOnePage() {
    ArtifactStore store = store();
    IntStream.range(0, 1_050)
        .parallel()
        .forEach(i -> store.writeBytes("m/" + (10_000 + i), new byte[1]));
    assertThat(store().list("m"))
        .hasSize(1_050)
        .startsWith("m/10000", "m/10001")
        .endsWith("m/11049");
  }

  @Test
  void objectThatIsReplacedIsNotMixedWithTheNewOne() {
    ArtifactStore store = store();
    store.writeBytes("m/a", new byte[1_000_000]);
    try (ReadableArtifact artifact = store.open("m/a")) {
      artifact.readFully(0, ByteBuffer.allocate(10));
      byte[] other = new byte[1_000_000];
      other[0] = 1;
      store.writeBytes("m/a", other);
      assertThatThrownBy(() -> artifact.readFully(900_000, ByteBuffer.allocate(10)))
          .satisfies(failure -> assertClass(failure, FailureClass.TRANSIENT))
          .hasMessageContaining("was replaced while it was being read");
    }
  }

  @Test
  void whatThisProcessHasReadIsNotAskedForAgain() throws IOException {
    byte[] part = random(9_000_000);
    byte[] other = random(8_000_000);
    ArtifactStore store = store();
    try (Counted counted = new Counted("target", "1000")) {
      store.writeBytes("m/a", part);
      assertThat(counted.askedFor(1, part))
          .as("it is read from S3, and not from who has written it")
          .hasSizeGreaterThan(1)
          .startsWith(Counted.END);
      assertThat(counted.askedFor(3, part)).hasSize(3).containsOnly(Counted.END);
      store.writeBytes("m/a", other);
      assertThat(counted.askedFor(1, other)).as("another object").hasSizeGreaterThan(1);
      assertThat(counted.askedFor(1, other)).containsExactly(Counted.END);
      store.delete("m/a");
      assertThatThrownBy(() -> counted.askedFor(1, other))
          .satisfies(failure -> assertClass(failure, FailureClass.MISSING));
    }
    try (Stream<Path> files = Files.list(Path.of("target"))) {
      assertThat(files).noneMatch(file -> file.getFileName().toString().startsWith("vecferry-s3"));
    }
  }

  @Test
  void whatIsNotCheckedYetIsAskedForEachTime() throws IOException {
    byte[] part = random(3_000_000);
    store().writeBytes("m/a", part);
    try (Counted counted = new Counted("target", "1000")) {
      List<String> once = counted.askedFor(1, part);
      counted.ranges.clear();
      assertThat(counted.store.readBytes("m/a")).isEqualTo(part);
      assertThat(counted.ranges).isEqualTo(once);
    }
  }

  @Test
  void damagedBytesAreNotAnsweredAgain() throws IOException {
    byte[] part = random(3_000_000);
    store().writeBytes("m/a", part);
    try (Counted counted = new Counted("target", "1000")) {
      counted.damages = true;
      assertThat(counted.store.readBytes("m/a")).isNotEqualTo(part);
      counted.damages = false;
      assertThat(counted.store.readBytes("m/a")).as("the next check").isEqualTo(part);
      assertThat(counted.askedFor(1, part)).containsExactly(Counted.END);

      counted.damages = true;
      assertThat(counted.store.readBytes("m/a")).isNotEqualTo(part);
      counted.damages = false;
      try (ReadableArtifact artifact = counted.store.openChecked("m/a")) {
        assertThat(artifact.readAll()).as("of the disk").isNotEqualTo(part);
        artifact.distrust();
      }
      assertThat(counted.askedFor(1, part)).as("of the bucket").hasSizeGreaterThan(1);
    }
  }

  @ParameterizedTest
  @CsvSource({"target, 0", "target, 2", "target/missing, 1000", "/dev/shm, 1000"})
  void withoutRoomOnTheDiskItIsAskedForEachTime(String temporary, String megabytes)
      throws IOException {
    byte[] part = random(3_000_000);
    store().writeBytes("m/a", part);
    try (Counted counted = new Counted(temporary, megabytes)) {
      List<String> once = counted.askedFor(1, part);
      assertThat(counted.askedFor(2, part)).hasSize(2 * once.size());
    }
  }

  @Test
  void severalReadOnePartAtOnce() throws IOException {
    byte[] part = random(9_000_000);
    store().writeBytes("m/a", part);
    try (Counted counted = new Counted("target", "1000")) {
      assertThat(IntStream.range(0, 8).parallel().mapToObj(i -> counted.readChecked()))
          .allSatisfy(read -> assertThat(read).isEqualTo(part));
      assertThat(counted.askedFor(1, part)).containsExactly(Counted.END);
    }
  }

  private static byte[] random(int size) {
    byte[] bytes = new byte[size];
    new Random(size).nextBytes(bytes);
    return bytes;
  }

  /** Reads through a server that notes what it is asked for, with a folder for temporary files. */
  private final class Counted implements AutoCloseable {
    static final String END = "bytes=-65536";

    private final String usual = System.getProperty("java.io.tmpdir");
    private final List<String> ranges = new CopyOnWriteArrayList<>();
    private final HttpServer front =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    private final ArtifactStore store;

    /** Whether a byte of each answer is another one. */
    private volatile boolean damages;

    Counted(String temporary, String megabytes) throws IOException {
      front.createContext("/", this::answer);
      front.start();
      String url = "http://127.0.0.1:" + front.getAddress().getPort();
      store =
          new S3ArtifactStore(
              bucket, "some/where", settings(Map.of("ENDPOINT", url, "KEEP_MB", megabytes)));
      System.setProperty("java.io.tmpdir", Path.of(temporary).toAbsolutePath().toString());
    }

    private void answer(HttpExchange exchange) throws IOException {
      String range = exchange.getRequestHeaders().getFirst("Range");
      ranges.add(range);
      String[] path = exchange.getRequestURI().getPath().split("/", 3);
      try (var object =
          client.getObject(request -> request.bucket(path[1]).key(path[2]).range(range))) {
        exchange.getResponseHeaders().add("ETag", object.response().eTag());
        exchange.getResponseHeaders().add("Content-Range", object.response().contentRange());
        exchange.sendResponseHeaders(206, object.response().contentLength());
        byte[] bytes = object.readAllBytes();
        bytes[bytes.length / 2] ^= damages ? 1 : 0;
        exchange.getResponseBody().write(bytes);
      } catch (S3Exception e) {
        exchange.sendResponseHeaders(e.statusCode(), -1);
      }
      exchange.close();
    }

    /** The ranges that are asked for when an object that was checked is read some times. */
    List<String> askedFor(int times, byte[] expected) {
      ranges.clear();
      for (int i = 0; i < times; i++) {
        assertThat(readChecked()).isEqualTo(expected);
      }
      return List.copyOf(ranges);
    }

    byte[] readChecked() {
      try (ReadableArtifact artifact = store.openChecked("m/a")) {
        return artifact.readAll();
      }
    }

    @Override
    public void close() {
      System.setProperty("java.io.tmpdir", usual);
      front.stop(0);
    }
  }

  @Test
  void wrongKey() throws IOException {
    ArtifactStore store = store();
    store.writeBytes("m/a", text("a"));
    Files.writeString(folder.resolve("secret"), "not-the-secret-of-vecferry");
    for (Runnable question :
        List.<Runnable>of(
            () -> store.writeBytes("m/a", text("b")),
            () -> store.readBytes("m/a"),
            () -> store.open("m/a"),
            () -> store.exists("m/a"),
            () -> store.list("m"),
            () -> store.create("m/a"))) {
      assertThatThrownBy(question::run)
          .satisfies(failure -> assertClass(failure, FailureClass.PERMISSION))
          .hasMessageContainingAll(server.url(), bucket, "403", "then retry")
          .hasMessageNotContaining("not-the-secret");
    }
    Files.writeString(folder.resolve("secret"), "vecferry-secret");
    assertThat(store.readBytes("m/a")).as("a new key counts at once").isEqualTo(text("a"));
  }

  @Test
  void keyThatIsNotThere() throws IOException {
    Files.delete(folder.resolve("secret"));
    assertThatThrownBy(() -> store().list(""))
        .satisfies(failure -> assertClass(failure, FailureClass.MISSING))
        .hasMessageContaining("the secret key of S3");
  }

  @Test
  void bucketThatIsNotThere() {
    ArtifactStore store = store("no-such-bucket-" + bucket, server.url());
    for (Runnable question :
        List.<Runnable>of(
            () -> store.writeBytes("m/a", text("b")),
            () -> store.readBytes("m/a"),
            () -> store.open("m/a"),
            () -> store.exists("m/a"),
            () -> store.list("m"),
            () -> store.create("m/a"))) {
      assertThatThrownBy(question::run)
          .satisfies(failure -> assertClass(failure, FailureClass.MISSING))
          .hasMessage(
              "there is no bucket 'no-such-bucket-%s' at %s. Make it, or name another with --archive, then retry.",
              bucket, server.url());
    }
  }

  @Test
  void serverThatDoesNotAnswer() throws IOException {
    int port;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort();
    }
    String url = "http://127.0.0.1:" + port;
    assertThatThrownBy(() -> store(bucket, url).readBytes("m/a"))
        .satisfies(failure -> assertClass(failure, FailureClass.TRANSIENT))
        .hasMessageContainingAll("cannot read s3://" + bucket + "/some/where/m/a", url);
  }

  /** S3 copies no object of more than 5 GB by itself. */
  @Test
  void moveOfALargeObject() {
    ArtifactStore store =
        new S3ArtifactStore(
            bucket, "some/where", settings(Map.of("ENDPOINT", server.url())), 1 << 20);
    byte[] large = new byte[(1 << 20) + 7];
    new Random(1).nextBytes(large);
    store.writeBytes("m/a", large);
    store.move("m/a", "m/b");
    assertThat(store.exists("m/a")).isFalse();
    assertThat(store.readBytes("m/b")).isEqualTo(large);
  }

  /** An answer to HEAD has no body that says why. */
  @Test
  void keysThatHaveEnded() throws IOException {
    HttpServer fake =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    fake.createContext(
        "/",
        exchange -> {
          exchange.sendResponseHeaders(400, -1);
          exchange.close();
        });
    fake.start();
    try {
      String url = "http://127.0.0.1:" + fake.getAddress().getPort();
      assertThatThrownBy(() -> store(bucket, url).exists("m/a"))
          .satisfies(failure -> assertClass(failure, FailureClass.PERMISSION))
          .hasMessageContainingAll("said 400", "the credentials have ended", "AWS_REGION");
    } finally {
      fake.stop(0);
    }
  }

  /** HTTP allows that for a range with all of the object in it. */
  @Test
  void serverThatAnswersWithTheWholeObject() throws IOException {
    HttpServer fake =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    fake.createContext(
        "/",
        exchange -> {
          boolean head = exchange.getRequestMethod().equals("HEAD");
          exchange.getResponseHeaders().add("ETag", "\"tag\"");
          if (head) {
            exchange.getResponseHeaders().add("Content-Length", "5");
          }
          exchange.sendResponseHeaders(200, head ? -1 : 5);
          if (!head) {
            exchange.getResponseBody().write(text("whole"));
          }
          exchange.close();
        });
    fake.start();
    try {
      String url = "http://127.0.0.1:" + fake.getAddress().getPort();
      assertThat(store(bucket, url).readBytes("m/a")).isEqualTo(text("whole"));
    } finally {
      fake.stop(0);
    }
  }

  @Test
  void encryptionIsAskedForWithEachObject() throws IOException {
    List<String> asked = new CopyOnWriteArrayList<>();
    HttpServer fake =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    fake.createContext(
        "/",
        exchange -> {
          exchange.getRequestBody().readAllBytes();
          asked.add(
              exchange.getRequestMethod()
                  + " "
                  + exchange.getRequestHeaders().getFirst("x-amz-server-side-encryption")
                  + " "
                  + exchange
                      .getRequestHeaders()
                      .getFirst("x-amz-server-side-encryption-aws-kms-key-id"));
          byte[] body =
              "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
                  .getBytes();
          exchange.sendResponseHeaders(200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    fake.start();
    try {
      String url = "http://127.0.0.1:" + fake.getAddress().getPort();
      ArtifactStore store =
          new S3ArtifactStore(
              bucket,
              "",
              settings(Map.of("ENDPOINT", url, "ENCRYPTION", "aws:kms", "KMS_KEY", "key-1")));
      store.writeBytes("m/a", text("a"));
      store.create("m/b");
      store.move("m/a", "m/c");
      assertThat(asked)
          .containsExactly(
              "PUT aws:kms key-1",
              "POST aws:kms key-1",
              "HEAD null null",
              "PUT aws:kms key-1",
              "DELETE null null");
    } finally {
      fake.stop(0);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "ENCRYPTION | secret | VECFERRY_S3_ENCRYPTION must be AES256 or aws:kms",
        "KMS_KEY | k | VECFERRY_S3_KMS_KEY needs VECFERRY_S3_ENCRYPTION=aws:kms",
        "KEEP_MB | 1 GB | VECFERRY_S3_KEEP_MB must be a number of megabytes",
        "KEEP_MB | -1 | VECFERRY_S3_KEEP_MB must be a number of megabytes",
        "ENDPOINT | ftp://x | VECFERRY_S3_ENDPOINT must be an address as https://host:port",
        "ENDPOINT | http://user:word@x | VECFERRY_S3_ENDPOINT must be an address",
      })
  void wrongSettings(String name, String value, String message) {
    assertThatThrownBy(() -> settings(Map.of(name, value)))
        .satisfies(failure -> assertClass(failure, FailureClass.INCOMPATIBLE))
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @CsvSource({
    "s3://b-1/a/m, true",
    "s3://b-1/a/m/target-backup, true",
    "s3://b-1/a, false",
    "s3://b-1/ab/m, false",
    "s3://b-1/a/../other/m, false",
    "s3://b-2/a/m, false",
    "/a/m, false",
  })
  void placesOfAnArchiveRoot(String place, boolean inside) {
    ArchiveRoot root = ArchiveRoot.of("s3://b-1/a/", S3Settings.NONE);
    assertThat(root.contains(place)).isEqualTo(inside);
    assertThat(ArchiveRoot.of(folder).contains(place)).isFalse();
  }

  @ParameterizedTest
  @CsvSource({"s3://", "s3:///a", "s3://B/a", "s3://bucket/../a", "s3://bucket//a"})
  void placesThatAreNone(String place) {
    assertThatThrownBy(() -> ArchiveRoot.of(place, S3Settings.NONE))
        .satisfies(failure -> assertClass(failure, FailureClass.INCOMPATIBLE))
        .hasMessageContaining("s3://bucket/prefix");
  }
}
