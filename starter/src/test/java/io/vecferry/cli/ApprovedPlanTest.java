package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A migration that may do what was approved and nothing else. */
@Timeout(180)
class ApprovedPlanTest {
  private static final int ROWS = 200;

  @TempDir Path folder;

  @BeforeEach
  void plan() throws Exception {
    FaissFolder.write(folder.resolve("source"), ROWS, 4);
    Specs.write(folder, "approved", "");
    Cli.Result plan = Cli.in(folder).run("plan", "spec.yaml", "--json");
    assertThat(plan.exitCode()).as("%s", plan).isZero();
    Files.writeString(folder.resolve("plan.json"), plan.out());
  }

  private Cli.Result run() throws Exception {
    return Cli.in(folder).run("run", "spec.yaml", "--plan", "plan.json");
  }

  @Test
  void runsWhatWasApproved() throws Exception {
    Cli.Result result = run();
    assertThat(result.exitCode()).as("%s", result).isZero();
    FaissFolder.assertSame(folder.resolve("source"), folder.resolve("target"));
  }

  @Test
  void refusesWhatHasChangedMeanwhile() throws Exception {
    deleteSource();
    FaissFolder.write(folder.resolve("source"), 2 * ROWS, 8);
    Specs.write(folder, "approved", "overlap: false");
    FaissFolder.write(folder.resolve("target"), ROWS, 4);
    Cli.Result result = run();
    assertThat(result.exitCode()).as("%s", result).isEqualTo(1);
    assertThat(result.out() + result.err())
        .contains(
            "the approved plan: the spec is another one.",
            "the approved plan: the source has the vectors ['' (DENSE FLOAT32 8, ",
            "in the plan it had ['' (DENSE FLOAT32 4, ",
            "the source has 400 records, in the plan it had 200; 10 % more or less are allowed.",
            "Plan again and have it approved.");
    assertThat(folder.resolve("vecferry-archive/approved/plan.json")).doesNotExist();
  }

  @Test
  void deepLooksAtEveryRecord() throws Exception {
    deleteSource();
    FaissFolder.write(folder.resolve("source"), 3_000, 4);
    assertThat(Cli.in(folder).run("plan", "spec.yaml").out())
        .contains("Records  2,000 looked at; longest id ", "Mapping\n  - id, string -> id in the ");
    assertThat(Cli.in(folder).run("plan", "spec.yaml", "--deep").out())
        .contains("Records  all 3,000 looked at; longest id ", " of 3,000 have unit length, ");
  }

  @Test
  void refusesWhatIsNoPlan() throws Exception {
    Files.writeString(folder.resolve("plan.json"), "{\"name\": \"approved\"}");
    Cli.Result result = run();
    assertThat(result.exitCode()).as("%s", result).isEqualTo(1);
    assertThat(result.err()).contains("plan.json is no plan. Make one with: vecferry plan SPEC");
  }

  private void deleteSource() throws Exception {
    try (Stream<Path> files = Files.walk(folder.resolve("source"))) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
