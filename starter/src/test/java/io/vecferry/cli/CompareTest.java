package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Two collections that exist side by side; {@link StoreMatrixTest} does it with every store. */
@Timeout(240)
class CompareTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int ROWS = 3000;
  private static final int DIMENSION = 16;

  @TempDir Path folder;

  private Cli.Result run(String command, String target, String quality, String... more) {
    Specs.writeText(
        folder.resolve("spec.yaml"),
        """
        name: compared
        source: {type: faiss, path: source}
        target: {type: faiss, path: %s}
        quality: {%s}
        """
            .formatted(target, quality));
    List<String> words = new ArrayList<>(List.of(command, "spec.yaml"));
    words.addAll(List.of(more));
    return Cli.in(folder).run(words.toArray(String[]::new));
  }

  @Test
  void equalCollectionsPass() throws Exception {
    FaissFolder.write(folder.resolve("source"), ROWS, DIMENSION);
    FaissFolder.write(folder.resolve("target"), ROWS, DIMENSION);

    Cli.Result table = run("compare", "target", "sampleSize: 50, iterations: 30", "--seconds=0.1");
    assertThat(table.exitCode()).as("%s", table).isZero();
    assertThat(table.out())
        .contains("3,000 records, l2", "50 queries, 10 answers each", "recall@10")
        .contains("latency p50 ms", "latency p99 ms", "queries/s, clients: 1")
        .contains("Both sides give the right answers.", "Passes: recall at least 0.9900");

    Cli.Result json =
        run(
            "compare",
            "target",
            "sampleSize: 50, iterations: 130, topK: 7",
            "--json",
            "--clients=3",
            "--seconds=0.1");
    assertThat(json.exitCode()).as("%s", json).isZero();
    JsonNode result = JSON.readTree(json.out());
    assertThat(result.path("passed").asBoolean()).isTrue();
    JsonNode quality = result.path("quality");
    assertThat(quality.path("sourceRecall").asDouble()).isEqualTo(1);
    assertThat(quality.path("targetRecall").asDouble()).isEqualTo(1);
    assertThat(quality.path("k").asInt()).isEqualTo(7);
    assertThat(quality.path("targetInterval").path("low").asDouble()).isBetween(0.92, 0.94);
    assertThat(quality.path("sourceMillis")).hasSize(130);
    assertThat(quality.path("targetMillis")).hasSize(130);
    assertThat(quality.path("throughput").findValuesAsText("clients"))
        .containsExactly("1", "2", "3");
    for (JsonNode measured : quality.path("throughput")) {
      assertThat(measured.path("source").asDouble()).isPositive();
      assertThat(measured.path("target").asDouble()).isPositive();
    }
    // It is no migration, and needs none.
    assertThat(folder.resolve("vecferry-archive")).doesNotExist();
  }

  @Test
  void aTargetThatMissesAnswersIsNamedWithWhatWouldHelp() throws Exception {
    FaissFolder.write(folder.resolve("source"), ROWS, DIMENSION);
    String lists = "ivf, index: {type: IVF_FLAT, params: {nlist: 32, nprobe: 1}}";

    Cli.Result migration = run("run", lists, "sampleSize: 200, minRecall: 0.95");
    assertThat(migration.exitCode()).as("%s", migration).isEqualTo(3);
    assertThat(migration.out() + migration.err())
        .contains("The target misses right answers, the source does not. Target recall 0.")
        .containsPattern(
            "with nprobe 1; 0\\.9[5-9]\\d\\d at nprobe \\d+, the smallest value measured that passes");
    Files.move(folder.resolve("vecferry-archive"), folder.resolve("first"));
    Cli.Result migrated =
        run("run", lists.replace("ivf,", "made,"), "sampleSize: 200, minRecall: 0.01");
    assertThat(migrated.exitCode()).as("%s", migrated).isZero();

    Cli.Result compared = run("compare", "made", "sampleSize: 200, minRecall: 0.95", "--json");
    assertThat(compared.exitCode()).as("%s", compared).isEqualTo(3);
    JsonNode result = JSON.readTree(compared.out());
    JsonNode sweep = result.path("quality").path("sweep");
    assertThat(sweep.path("parameter").asText()).isEqualTo("nprobe");
    Map<Integer, Double> recalls = new LinkedHashMap<>();
    for (JsonNode step : sweep.path("steps")) {
      recalls.put(step.path("value").asInt(), step.path("recall").asDouble());
    }
    int proposed =
        recalls.keySet().stream().filter(value -> recalls.get(value) >= 0.95).findFirst().get();
    assertThat(recalls.get(proposed - 1)).isLessThan(0.95);
    assertThat(result.path("explanation").asText()).contains(" at nprobe " + proposed + ", ");

    Cli.Result wide =
        run(
            "run",
            "wide, index: {type: IVF_FLAT, params: {nlist: 32, nprobe: %d}}".formatted(proposed),
            "sampleSize: 200, minRecall: 0.93",
            "--archive=second");
    assertThat(wide.exitCode()).as("%s", wide).isZero();
    Cli.Result never = run("compare", "made", "sampleSize: 50, topK: 20, scoreTolerance: 0");
    assertThat(never.out()).contains("Does not pass", "The target misses right answers");
  }

  @Test
  void theReportShowsIntervalSweepAndThroughput() throws Exception {
    FaissFolder.write(folder.resolve("source"), ROWS, DIMENSION);
    Cli.Result failed =
        run(
            "run",
            "ivf, index: {type: IVF_FLAT, params: {nlist: 32, nprobe: 2}}",
            "sampleSize: 100, minRecall: 0.9, clients: 3}\nrollback: {onFailure: automatic");
    assertThat(failed.exitCode()).as("%s", failed).isEqualTo(2);
    Path reports = folder.resolve("vecferry-archive/compared/reports");
    JsonNode quality = JSON.readTree(reports.resolve("report.json").toFile()).path("quality");
    assertThat(quality.path("targetInterval").path("low").asDouble())
        .isLessThan(quality.path("targetRecall").asDouble());
    assertThat(quality.path("searchWidths").size()).isGreaterThan(2);
    assertThat(Files.readString(reports.resolve("report.html")))
        .contains(
            "95 % interval of the recall",
            "All queries with each value of nprobe", "Queries per second, clients: 3");
    assertThat(quality.path("throughput"))
        .extracting(measured -> measured.path("clients").asInt())
        .containsExactly(1, 2, 3);
    assertThat(quality.path("throughput"))
        .allSatisfy(measured -> assertThat(measured.path("target").asDouble()).isPositive());
  }

  @Test
  void queriesComeFromAFile() throws Exception {
    FaissFolder.write(folder.resolve("source"), ROWS, DIMENSION);
    FaissFolder.write(folder.resolve("target"), ROWS, DIMENSION);
    Python.run("make_queries.py", folder.toString(), "40", Integer.toString(DIMENSION));
    Map<String, String> expected = new LinkedHashMap<>();
    expected.put("queries.npy", "40 queries");
    expected.put("queries.jsonl", "40 queries");
    expected.put("queries.parquet", "40 queries");
    expected.put("doubles.parquet", "40 queries");
    expected.put("two.parquet", "it needs one column of lists of floats, or one called 'vector'");
    expected.put("none.parquet", "it has none.");
    expected.put("holes.parquet", "row 4: 0 components, the vectors of the source have 16");
    expected.put("nan.parquet", "row 4, component 0 is no finite 32-bit float: NaN");
    expected.put("cut.parquet", "it is truncated, or no Parquet file");
    expected.put("damaged.parquet", "it is damaged, or no Parquet file");
    expected.put("absent.npy", "there is no file");
    List<String> commands = new ArrayList<>();
    for (String file : expected.keySet()) {
      Specs.writeText(
          folder.resolve(file + ".yaml"),
          """
          name: asked
          source: {type: faiss, path: source}
          target: {type: faiss, path: target}
          quality: {iterations: 1, queries: %s}
          """
              .formatted(file));
      commands.add(file + " compare --clients=0 " + file + ".yaml");
    }
    commands.add("plan plan absent.npy.yaml");
    Specs.writeText(
        folder.resolve("unasked.yaml"),
        """
        name: unasked
        source: {type: faiss, path: source}
        target: {type: faiss, path: new}
        quality: {sampleSize: 0, queries: absent.npy}
        """);
    commands.add("unasked plan unasked.yaml");
    Path list = Files.write(folder.resolve("commands"), commands);
    try (Cli.Running running =
        Cli.in(folder).startMain(ManyCommands.class.getName(), list.toString())) {
      assertThat(running.await().exitCode()).isZero();
    }
    for (Map.Entry<String, String> entry : expected.entrySet()) {
      boolean good = entry.getValue().equals("40 queries");
      assertThat(ManyCommands.said(folder, entry.getKey()))
          .as(entry.getKey())
          .startsWith("exit code " + (good ? 0 : 1) + "\n")
          .contains(entry.getValue())
          .contains(good ? "Both sides give the right answers." : "quality.queries: ");
    }
    assertThat(ManyCommands.said(folder, "plan"))
        .startsWith("exit code 1\n")
        .contains("BLOCKING  quality.queries: there is no file " + folder.resolve("absent.npy"));
    assertThat(ManyCommands.said(folder, "unasked"))
        .startsWith("exit code 0\n")
        .doesNotContain("quality.queries");
  }

  @Test
  void whatCannotBeComparedIsRefused() {
    FaissFolder.write(folder.resolve("source"), 100, DIMENSION);
    FaissFolder.write(folder.resolve("other"), 90, DIMENSION / 2);
    FaissFolder.write(folder.resolve("fewer"), 90, DIMENSION);
    Cli.Result absent = run("compare", "nothing", "topK: 5");
    assertThat(absent.exitCode()).as("%s", absent).isEqualTo(1);
    assertThat(absent.err()).contains("nothing is not there", "run the migration first");
    Cli.Result other = run("compare", "other", "topK: 5");
    assertThat(other.exitCode()).as("%s", other).isEqualTo(1);
    assertThat(other.err()).contains("have 8 components, those of the source 16.");
    Cli.Result clients = run("compare", "fewer", "topK: 5", "--clients=-1");
    assertThat(clients.exitCode()).as("%s", clients).isEqualTo(1);
    assertThat(clients.err()).contains("--clients must be from 0 to 256, got -1.");
    Cli.Result fewer = run("compare", "fewer", "topK: 5", "--clients=0");
    assertThat(fewer.exitCode()).as("%s", fewer).isEqualTo(3);
    assertThat(fewer.out())
        .contains("The source has 100 records, the target 90.")
        .contains("The target misses right answers, the source does not.");
  }
}
