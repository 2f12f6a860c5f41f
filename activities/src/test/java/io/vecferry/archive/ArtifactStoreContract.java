package io.vecferry.archive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import io.vecferry.archive.ArtifactStore.ReadableArtifact;
import io.vecferry.archive.ArtifactStore.WritableArtifact;
import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What archives may rely on, wherever they are. */
public abstract class ArtifactStoreContract {
  private static final ArchiveLease.Timing SOON =
      new ArchiveLease.Timing(Duration.ofMillis(100), Duration.ofSeconds(1));

  /** An empty place of its own. */
  protected abstract ArtifactStore store();

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 65_536, 5_000_000, 8 << 20, (8 << 20) + 1, 30_000_000})
  void objectIsWhatWasWritten(int size) {
    ArtifactStore store = store();
    byte[] bytes = new byte[size];
    new Random(size).nextBytes(bytes);
    try (WritableArtifact artifact = store.create("m/a")) {
      for (int from = 0; from < size; from += 700_001) {
        artifact.write(bytes, from, Math.min(700_001, size - from));
      }
      artifact.publish();
    }
    assertThat(store.readBytes("m/a")).isEqualTo(bytes);
    try (ReadableArtifact artifact = store.open("m/a")) {
      assertThat(artifact.size()).isEqualTo(size);
      byte[] read = new byte[size];
      for (int from = 0; from < size; from += 300_000) {
        artifact.readFully(from, ByteBuffer.wrap(read, from, Math.min(300_000, size - from)));
      }
      assertThat(read).isEqualTo(bytes);
    }
  }

  @Test
  void anyPlaceOfAnObjectIsRead() {
    ArtifactStore store = store();
    byte[] bytes = new byte[3_000_000];
    Random random = new Random(7);
    random.nextBytes(bytes);
    store.writeBytes("m/a", bytes);
    try (ReadableArtifact artifact = store.open("m/a")) {
      for (int i = 0; i < 100; i++) {
        int from = random.nextInt(bytes.length);
        byte[] some = new byte[Math.min(random.nextInt(200_000), bytes.length - from)];
        artifact.readFully(from, ByteBuffer.wrap(some));
        assertThat(some).isEqualTo(Arrays.copyOfRange(bytes, from, from + some.length));
      }
      assertThatThrownBy(() -> artifact.readFully(bytes.length - 3, ByteBuffer.allocate(4)))
          .satisfies(failure -> assertClass(failure, FailureClass.ARCHIVE_DAMAGED))
          .hasMessageContaining(store.describe("m/a"));
    }
  }

  @Test
  void nobodySeesWhatIsNotPublished() {
    ArtifactStore store = store();
    store.writeBytes("m/a", text("old"));
    try (WritableArtifact artifact = store.create("m/a")) {
      artifact.write(new byte[9_000_000], 0, 9_000_000);
      assertThat(store.readBytes("m/a")).isEqualTo(text("old"));
      assertThat(store.list("m")).containsExactly("m/a");
    }
    assertThat(store.readBytes("m/a")).isEqualTo(text("old"));
    try (WritableArtifact artifact = store.create("m/a")) {
      artifact.write(text("new"), 0, 3);
      artifact.publish();
    }
    assertThat(store.readBytes("m/a")).isEqualTo(text("new"));
  }

  @Test
  void whatIsDiscardedIsNotPublished() {
    ArtifactStore store = store();
    store.writeBytes("m/b", text("b"));
    try (WritableArtifact artifact = store.create("m/a");
        WritableArtifact other = store.create("n/a")) {
      artifact.write(text("half"), 0, 4);
      store.discardUnpublished("m");
      assertThatThrownBy(artifact::publish).isInstanceOf(StoreException.class);
      other.write(text("n"), 0, 1);
      other.publish();
    }
    assertThat(store.exists("m/a")).isFalse();
    assertThat(store.list("")).containsExactly("m/b", "n/a");
  }

  @Test
  void oneOfSeveralWritesWhatIsNew() {
    ArtifactStore store = store();
    List<String> wrote =
        IntStream.range(0, 8)
            .parallel()
            .mapToObj(writer -> "writer " + writer)
            .filter(writer -> store.writeNew("m/a", text(writer)))
            .toList();
    assertThat(wrote).hasSize(1);
    assertThat(store.readBytes("m/a")).isEqualTo(text(wrote.get(0)));
    assertThat(store.list("m")).containsExactly("m/a");
    store.delete("m/a");
    assertThat(store.writeNew("m/a", text("again"))).isTrue();
  }

  @Test
  void aLeaseIsTakenFromWhoIsGoneOnly() {
    ArtifactStore store = store();
    String there = "{\"host\":\"elsewhere\",\"pid\":7,\"process\":\"p\",\"renewals\":%d}";
    String lease = ".running/products/000000004.json";
    store.writeBytes(lease, text(there.formatted(1)));
    // It is renewed as soon as somebody waits for its end.
    assertThatThrownBy(
            () -> take(store, whose -> store.writeBytes(lease, text(there.formatted(2)))))
        .hasMessage(
            "it is running in another process, on elsewhere (pid 7). Follow it there, or run it on a"
                + " Temporal service that both machines use.");
    assertThat(store.list(".running")).containsExactly(lease);

    List<String> waitedFor = new ArrayList<>();
    try (ArchiveLease taken = take(store, waitedFor::add)) {
      assertThat(waitedFor)
          .containsExactly(
              "a process on elsewhere (pid 7) had begun it; looking for 1 s whether it is alive");
      assertThat(store.list(".running")).containsExactly(".running/products/000000005.json");
    }
    // What was given back is waited for by nobody, and numbers go on.
    take(store, whose -> fail(whose)).close();
    String last = ".running/products/000000006.json";
    assertThat(store.list(".running")).containsExactly(last);
    store.writeBytes(last, text(there.formatted(9)));
    ArchiveLease.take(store, "products", "p", SOON, () -> {}, whose -> fail(whose)).close();
  }

  @Test
  void whoseLeaseWasTakenIsTold() throws InterruptedException {
    ArtifactStore store = store();
    CountDownLatch lost = new CountDownLatch(1);
    ArchiveLease.take(store, "products", "", SOON, lost::countDown, whose -> fail(whose));
    store.writeBytes(".running/products/000000002.json", text("{\"process\":\"another\"}"));
    assertThat(lost.await(30, TimeUnit.SECONDS)).isTrue();
  }

  private static ArchiveLease take(ArtifactStore store, Consumer<String> waiting) {
    return ArchiveLease.take(store, "products", "", SOON, () -> {}, waiting);
  }

  @Test
  void listsBelowAFolderOnly() {
    ArtifactStore store = store();
    for (String path : new String[] {"m/b/2", "m/b/10", "m/a", "mm/a", "z"}) {
      store.writeBytes(path, text(path));
    }
    assertThat(store.list("m")).containsExactly("m/a", "m/b/10", "m/b/2");
    assertThat(store.list("")).containsExactly("m/a", "m/b/10", "m/b/2", "mm/a", "z");
    assertThat(store.list("nothing")).isEmpty();
    assertThat(store.exists("m/a")).isTrue();
    assertThat(store.exists("m/b")).isFalse();
  }

  @Test
  void movesOverAnOlderObject() {
    ArtifactStore store = store();
    store.writeBytes("m/new", text("new"));
    store.writeBytes("m/place", text("old"));
    store.move("m/new", "m/place");
    store.move("m/new", "m/place");
    assertThat(store.readBytes("m/place")).isEqualTo(text("new"));
    assertThat(store.list("m")).containsExactly("m/place");
    assertThatThrownBy(() -> store.move("m/none", "m/nowhere"))
        .satisfies(failure -> assertClass(failure, FailureClass.MISSING));
  }

  @Test
  void absentObjects() {
    ArtifactStore store = store();
    store.delete("m/none");
    assertThat(store.exists("m/none")).isFalse();
    assertThatThrownBy(() -> store.open("m/none"))
        .satisfies(failure -> assertClass(failure, FailureClass.MISSING))
        .hasMessageContaining(store.describe("m/none"));
    assertThatThrownBy(() -> store.readBytes("m/none"))
        .satisfies(failure -> assertClass(failure, FailureClass.MISSING));
    store.writeBytes("m/a", text("a"));
    store.delete("m/a");
    assertThat(store.list("")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"../a", "m/../../a", "/a", "m//a", "m/./a", ""})
  void pathsStayInside(String path) {
    ArtifactStore store = store();
    assertThatThrownBy(() -> store.writeBytes(path, text("a")))
        .satisfies(failure -> assertClass(failure, FailureClass.PERMISSION));
    assertThatThrownBy(() -> store.open(path))
        .satisfies(failure -> assertClass(failure, FailureClass.PERMISSION));
  }

  protected static void assertClass(Throwable failure, FailureClass expected) {
    assertThat(failure)
        .isInstanceOfSatisfying(
            StoreException.class, e -> assertThat(e.failureClass()).isEqualTo(expected));
  }

  protected static byte[] text(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
