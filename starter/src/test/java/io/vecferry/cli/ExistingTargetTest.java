package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Migrations to a name that is taken, by the command line, on real servers. What is there before
 * was made by a program that knows nothing of vecferry, and is compared by it.
 */
@Tag("slow")
@Timeout(240)
class ExistingTargetTest {
  private static final int DIMENSION = 8;
  private static final int SHARED = 40;
  private static final int NEW = 25;

  @TempDir Path folder;

  @WithServer(Server.CHROMA)
  static RunningServer chroma;

  @WithServer(Server.MILVUS)
  static RunningServer milvus;

  @WithServer(Server.QDRANT)
  static RunningServer qdrant;

  @WithServer(Server.ELASTICSEARCH_8)
  static RunningServer elasticsearch;

  private final String name = "taken_" + Long.toString(System.nanoTime(), 36);
  private ForeignStores foreign;
  private String type;
  private String place;
  private Map<String, String> before;
  private final Map<String, String> source = new TreeMap<>();

  @BeforeEach
  void foreignStores() {
    foreign = new ForeignStores(folder);
  }

  @AfterEach
  void drop() throws Exception {
    if (type != null) {
      foreign.drop(type, place, name);
    }
  }

  /** Makes the collection that is there before, and a source that has some of its ids. */
  private void begin(String store) throws Exception {
    type = store;
    place =
        switch (store) {
          case "faiss" -> folder.toString();
          case "chroma" -> chroma.url();
          case "milvus" -> milvus.url();
          case "qdrant" -> qdrant.url();
          default -> elasticsearch.url();
        };
    foreign.fill(type, place, name);
    before = foreign.filled(name);
    List<String> ids = new ArrayList<>(before.keySet().stream().limit(SHARED).toList());
    for (int i = 0; i < NEW; i++) {
      ids.add("\"new-" + i + "\"");
    }
    float[] vectors = FaissFolder.vectors(ids.size(), DIMENSION);
    StringBuilder meta = new StringBuilder();
    for (int row = 0; row < ids.size(); row++) {
      ByteBuffer bytes = ByteBuffer.allocate(4 * DIMENSION).order(ByteOrder.LITTLE_ENDIAN);
      bytes.asFloatBuffer().put(vectors, row * DIMENSION, DIMENSION);
      String id = ids.get(row);
      meta.append(
          "{\"id\":%s,\"document\":\"new %d\",\"metadata\":{\"n\":%d}}\n".formatted(id, row, row));
      source.put(
          id,
          "[%s, \"%s\", \"new %d\", {\"n\": %d}]"
              .formatted(id, HexFormat.of().formatHex(bytes.array()), row, row));
    }
    FaissFolder.write(
        folder.resolve("source"), FaissFolder.index(vectors, DIMENSION), meta.toString());
  }

  private void spec(String migration, String ifExists, String more) {
    String target =
        type.equals("faiss")
            ? "path: \"%s\"".formatted(folder.resolve(name))
            : "url: \"%s\", collection: %s".formatted(place, name)
                + (type.equals("qdrant") ? ", options: {takeOverName: true}" : "");
    Specs.writeText(
        folder.resolve("spec.yaml"),
        """
        name: %s
        source: {type: faiss, path: "%s"}
        target: {type: %s, %s, ifExists: %s}
        export: {partRows: 100, batchSize: 30}
        quality: {sampleSize: 20, iterations: 1}
        %s
        """
            .formatted(migration, folder.resolve("source"), type, target, ifExists, more));
  }

  /** What a command answers: its exit code and what it says. */
  private String vecferry(String... words) {
    PrintStream out = System.out;
    PrintStream err = System.err;
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    List<String> command = new ArrayList<>(List.of(words));
    command.addAll(List.of("--archive", folder.resolve("archive").toString()));
    int code;
    try (PrintStream both = new PrintStream(said, true, StandardCharsets.UTF_8)) {
      System.setOut(both);
      System.setErr(both);
      code = Vecferry.execute(command.toArray(String[]::new));
    } finally {
      System.setOut(out);
      System.setErr(err);
    }
    return "exit code " + code + "\n" + said.toString(StandardCharsets.UTF_8);
  }

  private String migrate() {
    return vecferry("run", folder.resolve("spec.yaml").toString());
  }

  private String plan() {
    return vecferry("plan", folder.resolve("spec.yaml").toString());
  }

  private String rollBack(String migration) {
    return vecferry("rollback", migration, "--reason", "wrong one");
  }

  private void assertHolds(Map<String, String> wanted) throws Exception {
    assertThat(foreign.records(type, place, name)).isEqualTo(wanted);
  }

  @ParameterizedTest
  @ValueSource(strings = {"faiss", "chroma", "milvus", "qdrant", "elasticsearch"})
  void replacedMergedAndTakenBackAfterTheEnd(String store) throws Exception {
    begin(store);
    spec("replacing", "replace", "");
    assertThat(plan())
        .startsWith("exit code 0")
        .contains(name + " exists with " + before.size() + " records. It is not written to.")
        .contains("replace: loads ")
        .contains(store.equals("qdrant") ? "again from its backup, " : "is kept; nothing drops it");
    assertThat(migrate()).startsWith("exit code 0").contains("MIGRATED: ");
    assertHolds(source);
    assertThat(rollBack("replacing")).startsWith("exit code 2").contains("ROLLED_BACK");
    assertHolds(before);
    assertThat(rollBack("replacing")).startsWith("exit code 1");

    spec("merging", "merge", "");
    assertThat(plan())
        .startsWith("exit code 0")
        .contains("go into the archive as target-backup", "merge: loads ")
        .contains("quality: is not checked in a merge");
    assertThat(migrate()).startsWith("exit code 0").contains("MIGRATED: ");
    Map<String, String> merged = new TreeMap<>(before);
    merged.putAll(source);
    assertHolds(merged);
    assertThat(vecferry("report", "merging", "--json"))
        .contains("not compared: merged records have other neighbours than those of the source");
    assertThat(rollBack("merging")).startsWith("exit code 2").contains("ROLLED_BACK");
    assertHolds(before);

    if (store.equals("qdrant")) {
      return;
    }
    spec("dropping", "replace", "archive: {deleteOldCollectionAfter: 7d}");
    assertThat(migrate()).startsWith("exit code 0").contains("MIGRATED: ");
    assertThat(vecferry("finalize", "dropping", "--reason", "all is well"))
        .startsWith("exit code 0")
        .contains("is dropped; its backup stays in the archive");
    assertThat(rollBack("dropping")).startsWith("exit code 1");
    assertHolds(source);
  }

  @Test
  void targetThatSomebodyChangesIsNotTouched() throws Exception {
    Path target = FaissFolder.write(folder.resolve("target"), 500, 16);
    FaissFolder.write(folder.resolve("source"), 600, 16);
    Specs.writeText(
        folder.resolve("spec.yaml"),
        """
        name: changed
        source: {type: faiss, path: source}
        target: {type: faiss, path: target, ifExists: merge}
        approval: {beforeCutover: true}
        """);
    Cli cli = Cli.in(folder);
    Map<String, Snapshot.Entry> changed;
    try (Cli.Running run = cli.start("run", "spec.yaml")) {
      Cli.await(
          "it waits for approval",
          () -> cli.run("status", "changed").out().contains("WAITING_FOR_APPROVAL"));
      FaissFolder.write(target, 501, 16);
      changed = Snapshot.of(target);
      assertThat(cli.run("approve", "changed", "--reason", "looks good").exitCode()).isZero();
      Cli.Result ended = run.await();
      assertThat(ended.exitCode()).as("%s", ended).isEqualTo(3);
      assertThat(ended.err()).contains("TARGET_CHANGED");
    }
    assertThat(Snapshot.of(target)).isEqualTo(changed);
    Cli.Result again = cli.run("run", "spec.yaml");
    assertThat(again.exitCode()).as("%s", again).isEqualTo(1);
    assertThat(again.err()).contains("has changed since an earlier run of this migration planned");
    Cli.Result back = cli.run("rollback", "changed", "--from-archive", "--reason", "merge later");
    assertThat(back.exitCode()).as("%s", back).isEqualTo(2);
    assertThat(Snapshot.of(target)).isEqualTo(changed);
    assertThat(Snapshot.of(folder, "[^/]*"))
        .containsOnlyKeys("", "source", "spec.yaml", "target", "vecferry-archive");
  }
}
