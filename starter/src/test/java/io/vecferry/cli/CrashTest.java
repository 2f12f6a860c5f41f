package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** kill -9 of an embedded run, and the same command again. */
@Tag("slow")
@Timeout(180)
class CrashTest {
  private static final int ROWS = 6_000;
  private static final int PARTS = 24;
  private static final String DONE = "source/.*\\.parquet(\\.json)?";
  private static final String IMPORTED = "imported/.*\\.json";

  @TempDir Path folder;
  private Path archive;

  @BeforeEach
  void source() {
    FaissFolder.write(folder.resolve("source"), ROWS, 16);
    Specs.write(folder, "crash", "export: {partRows: 250, parallelism: 2}");
    archive = folder.resolve("vecferry-archive/crash");
  }

  @Test
  void inExport() {
    killWhen("7 parts are exported", () -> exported() >= 7);
    assertThat(exported()).isLessThan(PARTS);
    assertThat(archive.resolve("manifest.json")).doesNotExist();
    Map<String, Snapshot.Entry> finished = finishedParts();

    Cli.Result again = finish();

    assertThat(again.err()).containsPattern("export .*[1-9][0-9,]* done by an earlier run");
    assertThat(Snapshot.of(archive, DONE)).containsAllEntriesOf(finished);
  }

  @Test
  void inImport() {
    killWhen("12 parts are imported", () -> imported() >= 12);
    assertThat(imported()).isLessThan(PARTS);
    assertThat(folder.resolve("target")).doesNotExist();
    Map<String, Snapshot.Entry> finished = finishedParts();
    finished.putAll(Snapshot.of(archive, IMPORTED));

    Cli.Result again = finish();

    assertThat(again.err())
        .containsPattern("export .*[1-9][0-9,]* done by an earlier run")
        .containsPattern("import .*[1-9][0-9,]* done by an earlier run");
    assertThat(Snapshot.of(archive, DONE + "|" + IMPORTED)).containsAllEntriesOf(finished);
  }

  @ParameterizedTest
  @CsvSource({
    "reports/proof, 1, VALIDATE_IMPORT has begun",
    "reports/proof, 12, VALIDATE_IMPORT is half done",
    "reports, 1, the quality check is done and CUTOVER is next",
    ". , 1, the target is in place",
  })
  void behindTheImport(String where, int files, String what) {
    killWhen(
        what,
        () ->
            where.equals(".")
                ? Files.exists(folder.resolve("target"))
                : Snapshot.count(archive.resolve(where), ".json") >= files);
    Map<String, Snapshot.Entry> finished = Snapshot.of(archive, DONE + "|" + IMPORTED);
    assertThat(finished).hasSize(3 * PARTS);

    Cli.Result again = finish();

    assertThat(again.err())
        .containsPattern("export .*6,000 done by an earlier run")
        .containsPattern("import .*6,000 done by an earlier run");
    assertThat(Snapshot.of(archive, DONE + "|" + IMPORTED)).isEqualTo(finished);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void inTheSwitchOfNames(boolean goesOn) {
    Path target = FaissFolder.write(folder.resolve("target"), 500, 16);
    Map<String, Snapshot.Entry> before = Snapshot.of(target);
    Specs.writeText(
        folder.resolve("spec.yaml"),
        """
        name: crash
        source: {type: faiss, path: source}
        target: {type: faiss, path: target, ifExists: replace}
        quality: {sampleSize: 20, iterations: 1}
        """);
    killWhen("the switch begins", () -> text(archive.resolve("undo.json")).contains("SWITCH_BACK"));
    if (goesOn) {
      Cli.Result result = Cli.in(folder).run("run", "spec.yaml");
      assertThat(result.exitCode()).as("%s", result).isZero();
      FaissFolder.assertSame(folder.resolve("source"), target);
    }
    Cli.Result result = Cli.in(folder).run("rollback", "crash", "--reason", "wrong one");
    assertThat(result.exitCode()).as("%s", result).isEqualTo(2);
    assertThat(Snapshot.of(target)).isEqualTo(before);
    assertThat(Snapshot.of(folder, "[^/]*"))
        .containsOnlyKeys("", "source", "spec.yaml", "target", "vecferry-archive");
    Cli.Result status = Cli.in(folder).run("status", "crash");
    if (goesOn) {
      assertThat(status.out()).contains("Since then: rolled back by ", ": wrong one");
    }
  }

  private static String text(Path file) {
    try {
      return Files.exists(file) ? Files.readString(file) : "";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void atManyPoints() {
    Random random = new Random(24);
    Map<String, Snapshot.Entry> finished = finishedParts();
    for (int kill = 0; kill < 6; kill++) {
      long until = Math.min(3 * PARTS, progress() + 1 + random.nextInt(PARTS / 3));
      killWhen(until + " files of progress", () -> progress() >= until);
      assertThat(Snapshot.of(archive, DONE + "|" + IMPORTED)).containsAllEntriesOf(finished);
      finished = finishedParts();
      finished.putAll(Snapshot.of(archive, IMPORTED));
    }

    finish();

    assertThat(Snapshot.of(archive, DONE + "|" + IMPORTED)).containsAllEntriesOf(finished);
  }

  private void killWhen(String what, java.util.function.BooleanSupplier reached) {
    try (Cli.Running run = Cli.in(folder).start("run", "spec.yaml")) {
      run.await(what, reached);
    }
  }

  private Cli.Result finish() {
    Cli.Result result = Cli.in(folder).run("run", "spec.yaml");
    assertThat(result.exitCode()).as("%s", result).isEqualTo(0);
    assertThat(result.out()).startsWith("MIGRATED: Migrated: every record is on the target");
    assertThat(result.err()).contains("6,000 equal to the bit", "0 missing, none extra");
    FaissFolder.assertSame(folder.resolve("source"), folder.resolve("target"));
    assertThat(Snapshot.of(folder, "[^/]*"))
        .containsOnlyKeys("", "source", "spec.yaml", "target", "vecferry-archive");
    assertThat(Snapshot.of(folder.resolve("vecferry-archive"), "[^/]*"))
        .containsOnlyKeys("", "crash");
    assertThat(Snapshot.of(archive, "(.*/)?\\.tmp-.*")).isEmpty();
    Cli.Result verified = Cli.in(folder).run("archive", "verify", archive.toString());
    assertThat(verified.exitCode()).as("%s", verified).isEqualTo(0);
    assertThat(verified.out()).contains("6,000 records in 24 parts");
    return result;
  }

  /** Parts that have a sidecar; one without may be done again. */
  private Map<String, Snapshot.Entry> finishedParts() {
    Map<String, Snapshot.Entry> files = Snapshot.of(archive, DONE);
    files
        .keySet()
        .removeIf(name -> name.endsWith(".parquet") && !files.containsKey(name + ".json"));
    return files;
  }

  private long exported() {
    return Snapshot.count(archive.resolve("source"), ".parquet.json");
  }

  private long imported() {
    return Snapshot.count(archive.resolve("imported"), ".json");
  }

  private long progress() {
    return exported() + imported() + Snapshot.count(archive.resolve("reports/proof"), ".json");
  }
}
