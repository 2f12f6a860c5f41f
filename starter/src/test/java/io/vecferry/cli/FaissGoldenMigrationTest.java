package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Migrates every golden index that the real FAISS wrote to a new index, by the command line, and
 * lets FAISS itself compare what arrived with what it reconstructs from the golden one.
 */
@Tag("slow")
@Timeout(600)
class FaissGoldenMigrationTest {
  private static final Duration LONGEST = Duration.ofMinutes(8);

  private static final Path GOLDEN = Cli.home().resolve("activities/src/test/resources/faiss");

  /** Indexes that hold every vector as it was given, or whole numbers that it consists of. */
  private static final String EXACT =
      "flat-.*|idmap2?|(hnsw|nsg|nndescent|ivf|old-ivf|remap|rotation|centred)-flat.*|old-ivf-floats"
          + "|idmap-hnsw-flat|idmap2-ivf-flat|hnsw-panorama|hnsw-cagra|ivf-hnsw-quantizer"
          + "|refine-(ivf-pq|sq8-flat)|(ivf-)?sq-8bit_direct.*";

  @TempDir static Path folder;

  /** What the checker said about each index that differs. */
  private static String differences;

  static List<String> names() {
    return Stream.of(GOLDEN, GOLDEN.resolve("types"))
        .flatMap(
            folder -> {
              try (Stream<Path> files = Files.list(folder)) {
                return files.toList().stream();
              } catch (IOException e) {
                throw new AssertionError(e);
              }
            })
        .map(path -> path.getFileName().toString())
        .filter(name -> name.endsWith(".f32"))
        .map(name -> name.substring(0, name.length() - ".f32".length()))
        .sorted()
        .toList();
  }

  private static boolean binary(String name) {
    return name.startsWith("binary-");
  }

  @BeforeAll
  static void migrateAll() throws Exception {
    new ForeignStores(folder);
    List<List<String>> halves = List.of(new ArrayList<>(), new ArrayList<>());
    int at = 0;
    for (String name : names()) {
      place(name);
      List<String> commands = halves.get(at++ % 2);
      Specs.writeText(folder.resolve(name + ".plan.yaml"), spec(name, ""));
      commands.add(name + ".plan plan " + name + ".plan.yaml");
      if (!binary(name)) {
        Specs.writeText(
            folder.resolve(name + ".yaml"), spec(name, ", options: {allowLossy: true}"));
        commands.add(name + " run " + name + ".yaml");
      }
    }
    List<Cli.Running> running = new ArrayList<>();
    for (List<String> commands : halves) {
      Path list = folder.resolve("commands-" + running.size());
      Files.write(list, commands);
      running.add(Cli.in(folder).startMain(ManyCommands.class.getName(), list.toString()));
    }
    for (Cli.Running commands : running) {
      // Hundreds of migrations take longer than one command may.
      Cli.await("all indexes are migrated", LONGEST, () -> !commands.isAlive());
      Cli.Result result = commands.await();
      assertThat(result.exitCode()).as("%s", result).isZero();
    }
    compareAll();
  }

  private static String spec(String name, String options) {
    return """
        name: %s
        source: {type: faiss, path: golden/%s.faiss%s}
        target: {type: faiss, path: targets/%s}
        quality: {sampleSize: 5, topK: 5, iterations: 1}
        """
        .formatted(name.replace('_', '-'), name, options, name);
  }

  /** Puts a golden index and what it consists of into one folder. */
  private static void place(String name) throws IOException {
    Files.createDirectories(folder.resolve("targets"));
    Path target = Files.createDirectories(folder.resolve("golden"));
    for (Path from : List.of(GOLDEN, GOLDEN.resolve("types"))) {
      for (String extension : List.of(".faiss", ".f32", ".i64", ".ivfdata")) {
        if (Files.exists(from.resolve(name + extension))) {
          Files.copy(from.resolve(name + extension), target.resolve(name + extension));
        }
      }
      Path packed = from.resolve(name + ".faiss.gz");
      if (Files.exists(packed)) {
        try (GZIPInputStream content =
            new GZIPInputStream(new ByteArrayInputStream(Files.readAllBytes(packed)))) {
          Files.copy(content, target.resolve(name + ".faiss"));
        }
      }
    }
  }

  private static void compareAll() throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                System.getenv("VECFERRY_PYTHON"),
                Cli.home().resolve("starter/src/test/python/faiss_golden.py").toString(),
                folder.resolve("golden").toString(),
                folder.resolve("targets").toString()));
    List<String> arrived =
        names().stream()
            .filter(name -> Files.exists(folder.resolve("targets/" + name + "/index.faiss")))
            .toList();
    command.addAll(arrived);
    Path log = folder.resolve("compared.txt");
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    int exitCode = process.waitFor();
    differences = Files.readString(log);
    assertThat(exitCode).as(differences).isZero();
    assertThat(differences).endsWith("compared " + arrived.size() + "\n");
  }

  @AfterAll
  static void forget() {
    differences = null;
  }

  private static String said(String command) throws IOException {
    return ManyCommands.said(folder, command);
  }

  @ParameterizedTest
  @MethodSource("names")
  void whatFaissReconstructsArrives(String name) throws IOException {
    if (binary(name)) {
      assertThat(said(name + ".plan"))
          .startsWith("exit code 1")
          .contains("BLOCKING  target.metric: ", "binary indexes are read but not written")
          .contains("Choose a store that holds bits.");
      return;
    }
    assertThat(said(name)).startsWith("exit code 0").contains(" equal to the bit");
    assertThat(folder.resolve("targets/" + name + "/index.faiss")).exists();
    assertThat(differences.lines().filter(line -> line.startsWith(name + ": "))).isEmpty();
  }

  /** What is lost is accepted by name or not at all. */
  @ParameterizedTest
  @MethodSource("names")
  void codesAreMigratedOnlyWithConsent(String name) throws IOException {
    String planned = said(name + ".plan");
    if (name.matches(EXACT)) {
      assertThat(planned).startsWith("exit code 0").doesNotContain("allowLossy");
      return;
    }
    if (!binary(name)) {
      assertThat(planned)
          .startsWith("exit code 1")
          .contains("BLOCKING  ", name + ".faiss: the index ", " keeps vectors as ")
          .contains("not the original ones. Migrate from the original vectors, or accept this with")
          .contains("source.options.allowLossy: true");
    }
  }
}
