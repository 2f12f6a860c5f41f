package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.vecferry.store.CollectionInfo;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import io.vecferry.store.VectorStore;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * An archive is moved to another place, what it was made of is gone, and it becomes a collection
 * again: the same one that the migration made.
 */
@Tag("slow")
@Timeout(240)
class ArchiveRestoreTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;

  @WithServer(Server.MILVUS)
  static RunningServer milvus;

  @WithServer(Server.QDRANT)
  static RunningServer qdrant;

  private final String suffix = Long.toString(System.nanoTime(), 36);
  private final Map<String, String> places = new HashMap<>();
  private final List<String[]> made = new ArrayList<>();

  @BeforeEach
  void places() {
    places.put("faiss", folder.toString());
    places.put("milvus", milvus.url());
    places.put("qdrant", qdrant.url());
  }

  @AfterEach
  void drop() throws Exception {
    for (String[] collection : made) {
      new ForeignStores(folder).drop(collection[0], places.get(collection[0]), collection[1]);
    }
  }

  @ParameterizedTest(name = "{0} to an archive, and from there to {1}")
  @CsvSource({
    "faiss, faiss",
    "faiss, qdrant",
    "qdrant, qdrant",
    "qdrant, milvus",
    "milvus, milvus"
  })
  void becomesTheSameAsByTheDirectWay(String from, String to) throws Exception {
    ForeignStores foreign = new ForeignStores(folder);
    String source = "source_" + suffix;
    String direct = "direct_" + suffix;
    String restored = "restored_" + suffix;
    foreign.fill(from, places.get(from), source);
    made.add(new String[] {to, direct});
    made.add(new String[] {to, restored});
    String more =
        "export: {partRows: 100, batchSize: 40}\nquality: {sampleSize: 20, iterations: 1}";
    Specs.writeText(
        folder.resolve("direct.yaml"),
        "name: direct\nsource: %s\ntarget: %s\n%s"
            .formatted(place(from, source), place(to, direct), more));
    assertMigrated(Cli.in(folder).run("run", "direct.yaml"));
    foreign.drop(from, places.get(from), source);
    Path moved = folder.resolve("elsewhere/direct-of-last-year");
    Files.createDirectories(moved.getParent());
    Files.move(folder.resolve("vecferry-archive/direct"), moved);

    Specs.writeText(
        folder.resolve("restore.yaml"),
        "name: restored\ntarget: %s\n%s".formatted(place(to, restored), more));
    assertMigrated(Cli.in(folder).run("archive", "restore", moved.toString(), "restore.yaml"));

    foreign.assertHolds(to, places.get(to), restored, source);
    CollectionInfo expected = describe(to, direct);
    CollectionInfo actual = describe(to, restored);
    assertThat(actual.vectors()).isEqualTo(expected.vectors());
    assertThat(actual.idKinds()).isEqualTo(expected.idKinds());
    assertThat(named(actual.configuration(), restored))
        .isEqualTo(named(expected.configuration(), direct));
    if (to.equals("faiss")) {
      FaissFolder.assertSame(folder.resolve(direct), folder.resolve(restored));
    }
    // The archive of the restore is one like every other.
    Cli.Result again =
        Cli.in(folder).run("archive", "verify", "vecferry-archive/restored", "--json");
    assertThat(again.exitCode()).as("%s", again).isZero();
    assertThat(JSON.readTree(again.out()).path("whole").asBoolean()).isTrue();
  }

  private static void assertMigrated(Cli.Result result) {
    assertThat(result.exitCode()).as("%s", result).isZero();
    assertThat(result.out()).startsWith("MIGRATED: ");
  }

  private String place(String store, String collection) {
    return store.equals("faiss")
        ? "{type: faiss, path: \"%s\"}".formatted(folder.resolve(collection))
        : "{type: %s, url: \"%s\", collection: %s}".formatted(store, places.get(store), collection);
  }

  private CollectionInfo describe(String store, String collection) {
    StoreSettings settings =
        store.equals("faiss")
            ? StoreSettings.of("source", "path", folder.resolve(collection).toString())
            : StoreSettings.of("source", "url", places.get(store), "collection", collection);
    try (VectorStore opened = Stores.get(store).open(settings)) {
      return opened.describe();
    }
  }

  /** What is the same of two collections: not their names, the loads, and when they were made. */
  private static Map<String, String> named(Map<String, String> configuration, String name) {
    Map<String, String> same = new HashMap<>();
    configuration.forEach(
        (key, value) ->
            same.put(
                key,
                value
                    .replace(name, "NAME")
                    .replaceAll("\"?(direct|restored)\"?", "MIGRATION")
                    .replaceAll("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID")
                    .replaceAll("[0-9]{15,}", "NUMBER")));
    return same;
  }

  private Path archiveOfFaiss() {
    FaissFolder.write(folder.resolve("source"), 300, 4);
    Specs.write(folder, "first", "export: {partRows: 100, batchSize: 50}");
    assertMigrated(Cli.in(folder).run("run", "spec.yaml"));
    Specs.writeText(
        folder.resolve("restore.yaml"), "name: second\ntarget: {type: faiss, path: restored}");
    return folder.resolve("vecferry-archive/first");
  }

  private Cli.Result restore(String... options) {
    List<String> words =
        new ArrayList<>(List.of("archive", "restore", "vecferry-archive/first", "restore.yaml"));
    words.addAll(List.of(options));
    return Cli.in(folder).run(words.toArray(String[]::new));
  }

  private void assertRefused(Cli.Result result, String... words) {
    assertThat(result.exitCode()).as("%s", result).isEqualTo(1);
    assertThat(result.out() + result.err()).contains(words);
    assertThat(folder.resolve("restored")).doesNotExist();
    assertThat(folder.resolve("vecferry-archive/second")).doesNotExist();
  }

  @Test
  void aDamagedArchiveIsNotLoaded() throws IOException {
    Path part = firstPart(archiveOfFaiss());
    byte[] bytes = Files.readAllBytes(part);
    bytes[100] ^= 1;
    Files.write(part, bytes);

    Cli.Result verified = Cli.in(folder).run("archive", "verify", "vecferry-archive/first");
    assertThat(verified.exitCode()).isEqualTo(1);
    assertThat(verified.err().strip().lines().toList())
        .satisfiesExactly(
            line -> assertThat(line).isEqualTo("vecferry: The archive is not whole:"),
            line ->
                assertThat(line)
                    .contains(part.getFileName() + " is damaged: its checksum is crc32c:")
                    .endsWith("Put it and its sidecar back from a copy of the archive."));
    JsonNode json =
        JSON.readTree(
            Cli.in(folder).run("archive", "verify", "vecferry-archive/first", "--json").out());
    assertThat(json.path("whole").asBoolean()).isFalse();
    assertThat(json.at("/problems/0/file").asText()).isEqualTo(part.toRealPath().toString());
    assertRefused(restore("--allow-incomplete"), part.getFileName() + " is damaged: its checksum");
  }

  @Test
  void anIncompleteArchiveIsLoadedOnlyWhenAllowed() throws IOException {
    Path archive = archiveOfFaiss();
    Files.delete(archive.resolve("manifest.json"));
    Path part = firstPart(archive);
    Files.delete(part);
    Files.delete(Path.of(part + ".json"));
    assertRefused(
        restore(),
        "manifest.json is missing",
        "source.options.allowIncomplete loads what is there");
    Cli.Result result = restore("--allow-incomplete");
    assertMigrated(result);
    try (VectorStore restored = FaissFolder.open(folder.resolve("restored"))) {
      assertThat(restored.describe().rows()).isEqualTo(200);
    }
  }

  @Test
  void usageOfRestore() throws IOException {
    archiveOfFaiss();
    Specs.writeText(
        folder.resolve("restore.yaml"),
        "name: first\nsource: {type: faiss, path: gone}\ntarget: {type: faiss, path: restored}");
    assertRefused(
        restore(),
        "The source in restore.yaml is not used",
        "name \"first\" is that of the archive itself",
        "for example first-restored");
    Specs.writeText(folder.resolve("restore.yaml"), "name: second");
    assertRefused(restore(), "target: is missing");
    Specs.writeText(
        folder.resolve("restore.yaml"), "name: second\ntarget: {type: archive, path: restored}");
    assertRefused(restore(), "target.type: must be one of chroma", "got \"archive\"");
    Specs.writeText(
        folder.resolve("restore.yaml"), "name: second\ntarget: {type: faiss, path: restored}");
    assertRefused(
        Cli.in(folder).run("archive", "restore", "source", "restore.yaml"),
        "is not an archive: it has neither manifest.json nor finished parts in source/");
    assertRefused(
        Cli.in(folder).run("archive", "restore", "nosuch", "restore.yaml"),
        "There is no folder nosuch.");
    assertRefused(
        Cli.in(folder).run("archive", "verify", "source"),
        "source is not the archive of a migration: it has neither manifest.json nor");
  }

  private static Path firstPart(Path archive) throws IOException {
    try (Stream<Path> files = Files.list(archive.resolve("source"))) {
      return files
          .filter(file -> file.toString().endsWith(".parquet"))
          .min(Comparator.naturalOrder())
          .orElseThrow();
    }
  }
}
