package io.vecferry.archive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vecferry.plan.FailureClass;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.store.Metric;
import io.vecferry.store.StoreException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Archives that move, also when that is interrupted at any point or cannot be. */
class ArchiveMoveTest {
  private static final PartSchema SCHEMA = PartSchema.of(IdKind.STRING, 2, Metric.L2);
  private static final String NAME = "products";
  private static final String COLD = "cold/2026";

  @TempDir Path folder;

  private ArtifactStore store;
  private Map<String, String> before;

  @BeforeEach
  void writeArchive() {
    store = new LocalArtifactStore(folder);
    Archive archive = new Archive(store, NAME);
    List<PartSidecar> sidecars = new ArrayList<>();
    for (int part = 0; part < 3; part++) {
      String path = archive.partPath(Archive.SOURCE, 0, part);
      try (PartWriter writer = new PartWriter(store, path, SCHEMA)) {
        writer.append(
            new RecordBatch(
                IdColumn.ofStrings(new String[] {"a" + part, "b" + part}),
                List.of(new DenseVectors("", 2, new float[] {1, 2, 3, part})),
                TextColumn.allNull(2),
                TextColumn.allNull(2)));
        sidecars.add(writer.finish("" + part, "" + (part + 1), part == 2, "f", null));
      }
    }
    archive.writeManifest(Manifest.of(NAME, sidecars, SCHEMA, Map.of()));
    store.writeBytes(archive.path(Archive.PLAN), "{}".getBytes());
    store.writeBytes(archive.path("reports/status.json"), "{\"a\":1}".getBytes());
    store.writeBytes(archive.path("reports/empty"), new byte[0]);
    before = files(NAME);
  }

  /** What is in a folder, by path. */
  private Map<String, String> files(String place) {
    Path top = folder.resolve(place);
    Map<String, String> files = new TreeMap<>();
    if (Files.isDirectory(top)) {
      try (Stream<Path> all = Files.walk(top)) {
        for (Path file : all.filter(Files::isRegularFile).toList()) {
          files.put(
              top.relativize(file).toString(),
              java.util.HexFormat.of().formatHex(Files.readAllBytes(file)));
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return files;
  }

  private Archive move() {
    return ArchiveMove.move(store, NAME, COLD, () -> {});
  }

  private void assertMoved() {
    assertThat(files(COLD + "/" + NAME)).isEqualTo(before);
    assertThat(files(NAME)).containsOnlyKeys("moved.json");
    assertThat(folder.resolve(NAME + "/source")).doesNotExist();
    Archive found = Archive.find(store, NAME);
    assertThat(found.location()).isEqualTo(folder.resolve(COLD).resolve(NAME).toString());
    assertThat(ArchiveListing.of(found, Archive.SOURCE).problems()).isEmpty();
    assertThat(found.manifest().parts()).hasSize(3);
  }

  @Test
  void isFoundWhereItWasMovedTo() {
    assertThat(ArchiveMove.obstacle(store, NAME, COLD)).isEmpty();
    assertThat(move().migration()).isEqualTo(NAME);
    assertMoved();
    // Once more changes nothing, wherever to.
    ArchiveMove.move(store, NAME, "elsewhere", () -> {});
    assertMoved();
    assertThat(ArchiveMove.obstacle(store, NAME, "elsewhere")).isEmpty();
    // As a restored copy of the new place, which has no first one.
    Archive there = Archive.find(new LocalArtifactStore(folder.resolve(COLD)), NAME);
    assertThat(ArchiveListing.of(there, Archive.SOURCE).problems()).isEmpty();
  }

  @Test
  void whatCameAfterTheCopyIsNotRemoved() {
    String late = NAME + "/reports/late";
    ArchiveMove.move(store, NAME, COLD, () -> store.writeBytes(late, new byte[] {1}));
    assertThat(files(NAME)).containsOnlyKeys("moved.json", "reports/late");
    assertThat(files(COLD + "/" + NAME)).isEqualTo(before);
  }

  @Test
  void anArchiveBelowANameIsSeen() {
    assertThat(ArchiveMove.below(store, NAME)).isEmpty();
    move();
    assertThat(ArchiveMove.below(store, NAME)).isEmpty();
    assertThat(ArchiveMove.below(store, "cold"))
        .contains(folder.resolve(COLD).resolve(NAME) + " is the archive of another migration.");
  }

  /** A manifest that is written there anew names its parts as before. */
  @Test
  void staysWholeWhenItsManifestIsWrittenAgain() {
    Archive moved = move();
    Manifest old = moved.manifest();
    moved.writeManifest(
        Manifest.of(
            NAME,
            moved.parts(Archive.SOURCE).stream()
                .map(part -> PartReader.sidecar(store, part))
                .toList(),
            SCHEMA,
            Map.of()));
    assertThat(moved.manifest().parts()).isEqualTo(old.parts());
  }

  @Test
  void isWholeInOnePlaceWheneverItIsKilled() {
    boolean killed = true;
    for (int at = 0; killed; at++) {
      try {
        ArchiveMove.move(new KilledStore(store, at), NAME, COLD, () -> {});
        killed = false;
      } catch (KilledStore.Kill e) {
        // As a worker that is started again finds it.
      }
      Archive found = Archive.find(store, NAME);
      Map<String, String> there = files(found.folder());
      there.keySet().removeIf(name -> name.equals("moving.json") || name.contains(".tmp-"));
      assertThat(there).as("killed after %s writes", at).isEqualTo(before);
      move();
      assertMoved();
      bringBack();
    }
  }

  /** Two interruptions in one move, and changes of the archive between them. */
  @Test
  void goesOnWithWhatHasChangedMeanwhile() {
    assertThatThrownBy(() -> ArchiveMove.move(new KilledStore(store, 8), NAME, COLD, () -> {}))
        .isInstanceOf(KilledStore.Kill.class);
    store.writeBytes(NAME + "/reports/status.json", "{\"a\":2}".getBytes());
    before = files(NAME);
    assertThatThrownBy(() -> ArchiveMove.move(new KilledStore(store, 3), NAME, COLD, () -> {}))
        .isInstanceOf(KilledStore.Kill.class);
    move();
    assertMoved();
  }

  private void bringBack() {
    for (String file : store.list(COLD)) {
      store.move(file, file.substring(COLD.length() + 1));
    }
    store.delete(NAME + "/moved.json");
    store.discardUnpublished("cold");
    assertThat(files(NAME)).isEqualTo(before);
  }

  private void assertRefused(FailureClass failureClass, String to, String... words) {
    assertThatThrownBy(() -> ArchiveMove.move(store, NAME, to, () -> {}))
        .isInstanceOfSatisfying(
            StoreException.class,
            e -> assertThat(e.failureClass()).as(e.getMessage()).isEqualTo(failureClass))
        .hasMessageContainingAll(words);
    assertThat(Archive.find(store, NAME).folder()).isEqualTo(NAME);
    Map<String, String> now = files(NAME);
    now.keySet().retainAll(before.keySet());
    assertThat(now.keySet()).isEqualTo(before.keySet());
  }

  @Test
  void doesNotMoveToWhereSomethingIs() throws IOException {
    Path other = Files.createDirectories(folder.resolve(COLD).resolve(NAME)).resolve("notes.txt");
    Files.writeString(other, "mine");
    assertRefused(
        FailureClass.INCOMPATIBLE,
        COLD,
        "cold/2026/products has something in it already: " + other);
    assertThat(ArchiveMove.obstacle(store, NAME, COLD)).isPresent();
    assertThat(other).hasContent("mine");
    Files.delete(other);
    move();
    assertMoved();
  }

  @Test
  void doesNotMoveIntoAnArchive() {
    store.writeBytes("cold/plan.json", "{}".getBytes());
    assertRefused(FailureClass.INCOMPATIBLE, "cold", "cold is the archive of a migration");
    assertRefused(FailureClass.INCOMPATIBLE, COLD, "cold is the archive of a migration");
    assertRefused(FailureClass.INCOMPATIBLE, NAME, "products is the archive of a migration");
    assertRefused(FailureClass.INCOMPATIBLE, NAME + "/source", "is the archive of a migration");
  }

  @Test
  void doesNotMoveWhereAFileIsInTheWay() throws IOException {
    Files.writeString(folder.resolve("cold"), "a file");
    assertRefused(FailureClass.INCOMPATIBLE, COLD, "something else is in the way");
    Files.delete(folder.resolve("cold"));
    move();
    assertMoved();
  }

  /** Not mixed with what somebody has put beside an interrupted copy. */
  @Test
  void doesNotTakeInWhatIsNotItsOwn() throws IOException {
    assertThatThrownBy(() -> ArchiveMove.move(new KilledStore(store, 5), NAME, COLD, () -> {}))
        .isInstanceOf(KilledStore.Kill.class);
    Path other = folder.resolve(COLD).resolve(NAME).resolve("source/p000-000009.parquet");
    Files.createDirectories(other.getParent());
    Files.writeString(other, "mine");
    assertRefused(FailureClass.INCOMPATIBLE, COLD, other.toString(), "is not of this archive");
    Files.delete(other);
    move();
    assertMoved();
  }

  @Test
  void doesNotMoveWhatIsDamaged() throws IOException {
    Path part = folder.resolve(NAME).resolve("source/p000-000001.parquet");
    byte[] whole = Files.readAllBytes(part);
    byte[] damaged = whole.clone();
    damaged[20] ^= 1;
    Files.write(part, damaged);
    assertRefused(FailureClass.ARCHIVE_DAMAGED, COLD, part.toString(), "its sidecar says");
    Files.write(part, whole);
    move();
    assertMoved();
  }

  @Test
  void saysWhereItIsLookedFor() throws IOException {
    move();
    Files.move(folder.resolve("cold"), folder.resolve("unmounted"));
    assertThatThrownBy(() -> Archive.find(store, NAME))
        .isInstanceOfSatisfying(
            StoreException.class, e -> assertThat(e.failureClass()).isEqualTo(FailureClass.MISSING))
        .hasMessageContainingAll(
            "was moved to " + folder.resolve(COLD).resolve(NAME), NAME + "/moved.json");
  }

  @Test
  void leadsNowhereOutside() throws IOException {
    move();
    Files.writeString(folder.resolve(NAME).resolve("moved.json"), "{\"to\": \"../else/products\"}");
    assertThatThrownBy(() -> Archive.find(store, NAME))
        .isInstanceOfSatisfying(
            StoreException.class,
            e -> assertThat(e.failureClass()).isEqualTo(FailureClass.PERMISSION));
    assertThat(Optional.of(store.exists(COLD + "/" + NAME + "/plan.json"))).contains(true);
  }

  /** An attempt that is overtaken brings nothing back that has changed since. */
  @Test
  void whoIsOvertakenPublishesNothing() {
    boolean[] overtaken = new boolean[1];
    assertThatThrownBy(
            () ->
                ArchiveMove.move(
                    store,
                    NAME,
                    COLD,
                    () -> {
                      if (!overtaken[0]) {
                        overtaken[0] = true;
                        Archive moved = move();
                        store.writeBytes(moved.path("reports/status.json"), "{\"a\":3}".getBytes());
                      }
                    }))
        .isInstanceOf(StoreException.class);
    before.put("reports/status.json", java.util.HexFormat.of().formatHex("{\"a\":3}".getBytes()));
    move();
    assertMoved();
  }
}
