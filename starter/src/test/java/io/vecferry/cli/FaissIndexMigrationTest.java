package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
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
}
