package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Archives that move to another folder when their migration has ended. */
@Tag("slow")
@Timeout(180)
class ArchiveMoveMigrationTest {
  private static final int ROWS = 4_000;

  @TempDir Path folder;

  private Path old;
  private Path cold;

  private void spec(String target, String more) {
    old = folder.resolve("vecferry-archive/moved");
    cold = folder.resolve("vecferry-archive/cold/2026/moved");
    Specs.writeText(
        folder.resolve("spec.yaml"),
        """
        name: moved
        source: {type: faiss, path: source}
        target: {type: faiss, path: target%s}
        export: {partRows: 100, parallelism: 2}
        quality: {sampleSize: 20, iterations: 1}
        archive: {moveTo: cold/2026%s}
        """
            .formatted(target, more));
    FaissFolder.write(folder.resolve("source"), ROWS, 16);
  }

  private Cli.Result vecferry(int exitCode, String... words) {
    Cli.Result result = Cli.in(folder).run(words);
    assertThat(result.exitCode()).as("%s", result).isEqualTo(exitCode);
    return result;
  }

  private void assertMoved() {
    assertThat(Snapshot.of(old)).containsOnlyKeys("", "moved.json");
    assertThat(Snapshot.of(cold, "(.*/)?(\\.tmp-.*|moving\\.json)")).isEmpty();
    assertThat(vecferry(0, "archive", "verify", old.toString()).out())
        .contains("4,000 records in 40 parts");
    FaissFolder.assertSame(folder.resolve("source"), folder.resolve("target"));
  }

  @Test
  void theArchiveIsFoundByItsName() throws IOException {
    spec("", "");
    assertThat(vecferry(0, "plan", "spec.yaml").out())
        .contains("archive.moveTo: the archive moves to " + cold + " when the migration has ended");
    assertThat(vecferry(0, "run", "spec.yaml").out())
        .contains("Report: " + cold.resolve("reports/report.html"));
    assertMoved();
    assertThat(vecferry(0, "archive", "verify", cold.toString()).out()).contains("is whole");
    assertThat(vecferry(0, "status", "moved").out()).contains("Archive: " + cold);
    assertThat(vecferry(0, "report", "moved").out().strip())
        .endsWith("cold/2026/moved/reports/report.html");
    assertThat(cold.resolve("reports/report.json")).content().contains("\"" + cold + "\"");

    Files.writeString(
        folder.resolve("restore.yaml"),
        """
        name: again
        target: {type: faiss, path: restored}
        quality: {sampleSize: 20, iterations: 1}
        """);
    vecferry(0, "archive", "restore", old.toString(), "restore.yaml");
    FaissFolder.assertSame(folder.resolve("source"), folder.resolve("restored"));
    assertThat(vecferry(0, "rollback", "moved", "--from-archive", "--reason", "late").out())
        .contains("There is nothing to undo.");

    assertThat(vecferry(0, "run", "spec.yaml").err()).contains("4,000 done by an earlier run");
    assertMoved();
  }

  @ParameterizedTest
  @ValueSource(strings = {"much is copied", "much is removed"})
  void killedWhileItMoves(String when) {
    spec("", "");
    boolean copied = when.equals("much is copied");
    BooleanSupplier reached =
        () ->
            copied
                ? Snapshot.count(cold.resolve("source"), ".json") > 20
                : Files.exists(old.resolve("moved.json"))
                    && Snapshot.count(old.resolve("source"), ".json") < 30;
    try (Cli.Running run = Cli.in(folder).start("run", "spec.yaml")) {
      run.await(when, reached);
    }
    // Found and whole, wherever it is now.
    assertThat(vecferry(0, "archive", "verify", old.toString()).out())
        .contains("4,000 records in 40 parts");
    vecferry(0, "run", "spec.yaml");
    assertMoved();
  }

  @Test
  void itMovesWhenNoRollbackNeedsItAnyMore() throws IOException {
    Path target = FaissFolder.write(folder.resolve("target"), 500, 16);
    spec(", ifExists: replace", ", deleteOldCollectionAfter: 7d");
    Map<String, Snapshot.Entry> before = Snapshot.of(target);
    assertThat(vecferry(0, "plan", "spec.yaml").out())
        .contains("the archive moves to " + cold + " when `finalize`, or the drop of the old");
    vecferry(0, "run", "spec.yaml");
    assertThat(cold).doesNotExist();
    Path other = Files.createDirectories(cold).resolve("notes.txt");
    Files.writeString(other, "mine");
    Map<String, Snapshot.Entry> archive = Snapshot.of(old);

    assertThat(vecferry(1, "finalize", "moved", "--reason", "all is well").err())
        .contains("the archive cannot move to " + cold, "has something in it already: " + other);

    assertThat(Snapshot.of(old)).isEqualTo(archive);
    assertThat(other).hasContent("mine");
    assertThat(vecferry(0, "status", "moved").out()).contains("rollback and finalize are possible");
    vecferry(2, "rollback", "moved", "--reason", "then not");
    assertThat(Snapshot.of(target)).isEqualTo(before);

    assertThat(vecferry(1, "plan", "spec.yaml").out())
        .contains("BLOCKING", "archive.moveTo: the archive cannot move to " + cold);
    Files.delete(other);
    vecferry(0, "run", "spec.yaml");
    assertThat(vecferry(0, "finalize", "moved", "--reason", "all is well").out())
        .contains("is dropped; its backup stays in the archive", "The archive is in " + cold);
    assertMoved();
    assertThat(vecferry(0, "status", "moved", "--json").out()).contains(cold.toString());
    assertThat(vecferry(1, "rollback", "moved", "--reason", "too late").err()).isNotEmpty();
  }
}
