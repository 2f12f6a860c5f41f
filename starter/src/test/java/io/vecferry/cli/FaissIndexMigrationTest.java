package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.workflow.MigrationStatus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whole migrations to indexes that are built. */
@Timeout(240)
class FaissIndexMigrationTest {
  @TempDir Path folder;

  private Cli.Result migrate(String name, String source, String target, String more) {
    Path spec =
        Specs.writeText(
            folder.resolve(name + ".yaml"),
            """
            name: %s
            source: {type: faiss, path: %s}
            target: {type: faiss, path: %s, %s
            quality: {sampleSize: 50, iterations: 1, minRecall: 0.9, scoreTolerance: 0.1}
            """
                .formatted(name, source, target, more));
    return Cli.in(folder).run("run", spec.toString());
  }

  @Test
  void whatGoesThroughAGraphAndListsComesBackToTheBit() {
    FaissFolder.write(folder.resolve("source"), 600, 8);
    Cli.Result graph =
        migrate("graph", "source", "hnsw", "index: {type: HNSW, params: {M: 8, ef: 80}}}");
    assertThat(graph.exitCode()).as("%s", graph).isEqualTo(0);
    assertThat(graph.err()).contains("600 equal to the bit");
    Cli.Result lists =
        migrate("lists", "hnsw", "ivf", "index: {type: IVF_FLAT, params: {nlist: 8, nprobe: 7}}}");
    assertThat(lists.exitCode()).as("%s", lists).isEqualTo(0);
    Cli.Result flat =
        migrate("flat", "ivf", "flat", "options: {layout: langchain}, index: {type: Flat}}");
    assertThat(flat.exitCode()).as("%s", flat).isEqualTo(0);
    FaissFolder.assertSame(folder.resolve("source"), folder.resolve("flat"));
  }

  @Test
  void codesNeedConsentAndATolerance() {
    FaissFolder.write(folder.resolve("source"), 600, 8);
    Cli.Result refused = migrate("refused", "source", "sq", "index: {type: IVF_SQ8}}");
    assertThat(refused.exitCode()).as("%s", refused).isEqualTo(1);
    assertThat(refused.err() + refused.out()).contains("target.options.allowLossy");
    assertThat(folder.resolve("sq")).doesNotExist();
    Cli.Result allowed =
        migrate(
            "allowed",
            "source",
            "sq",
            "options: {allowLossy: true}, index: {type: IVF_SQ8, params: {nprobe: 8}}}\n"
                + "validation: {tolerance: 0.01}");
    assertThat(allowed.exitCode()).as("%s", allowed).isEqualTo(0);
    assertThat(allowed.err()).contains("600 within tolerance", "0 different");
  }

  /** Moves one component of the last vector to its neighbour float, and nothing else. */
  private static void change(Path index) throws IOException {
    byte[] content = Files.readAllBytes(index);
    content[content.length - 4] ^= 1;
    Files.write(index, content);
  }

  @Test
  void sourceThatChangesDuringTheMigrationStopsIt() throws IOException {
    FaissFolder.write(folder.resolve("source"), 600, 8);
    Specs.write(folder, "changed", "approval: {beforeImport: true}");
    try (Service service = Service.start(folder)) {
      service.startWorker();
      Cli cli = service.cli(folder);
      Cli.Result started = cli.run("start", "spec.yaml");
      assertThat(started.exitCode()).as("%s", started).isZero();
      service.await("changed", MigrationStatus.State.WAITING_FOR_APPROVAL);
      change(folder.resolve("source/index.faiss"));
      cli.run("approve", "changed", "--reason", "looks right");

      Cli.Result watched = cli.run("watch", "changed");

      assertThat(watched.exitCode()).as("%s", watched).isEqualTo(3);
      assertThat(cli.run("failures", "changed").out())
          .contains("[SOURCE_CHANGED]", "/source/index.faiss was changed since it was opened");
      assertThat(folder.resolve("target")).doesNotExist();
      cli.run("rollback", "changed", "--reason", "it changed");
      Cli.Result rolledBack = cli.run("watch", "changed");
      assertThat(rolledBack.exitCode()).as("%s", rolledBack).isEqualTo(2);
    }
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left.map(path -> path.getFileName().toString()))
          .containsExactlyInAnyOrder("source", "spec.yaml", "archives");
    }
  }

  @Test
  void sourceThatChangedIsNotResumed() throws IOException {
    FaissFolder.write(folder.resolve("source"), 600, 8);
    Path index = folder.resolve("source/index.faiss");
    FileTime before = Files.getLastModifiedTime(index);
    Path spec = Specs.write(folder, "resumed", "approval: {beforeImport: true}");
    killWhenItWaits(spec);
    assertThat(folder.resolve("vecferry-archive/resumed/source")).isDirectory();
    change(index);
    // A tool that keeps the time of a file does not hide what was done to it.
    Files.setLastModifiedTime(index, before);

    Cli.Result refused = Cli.in(folder).run("run", spec.toString());

    assertThat(refused.exitCode()).as("%s", refused).isEqualTo(1);
    assertThat(refused.err() + refused.out())
        .contains("has changed since an earlier run of this migration exported a part of it")
        .contains("Choose another name for the migration, or move that folder away.");
    assertThat(folder.resolve("target")).doesNotExist();
    change(index);
    Files.setLastModifiedTime(index, before);
    killWhenItWaits(spec);
  }

  private void killWhenItWaits(Path spec) {
    try (Cli.Running run = Cli.in(folder).start("run", spec.toString())) {
      run.await("it waits", () -> run.err().contains("WAITING_FOR_APPROVAL"));
    }
  }
}
