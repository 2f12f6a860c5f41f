package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.vecferry.testing.SpecSchemaFile;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What users get wrong: one clear message, exit code 1, and nothing written. */
@Timeout(120)
class BadInputTest {
  private static final int ROWS = 50;
  private static final int DIMENSION = 4;
  private static final String STORES =
      """
      name: bad
      source: {type: faiss, path: source}
      target: {type: faiss, path: target}
      """;

  private static Service service;

  @TempDir Path folder;

  /** Planning finds the same on a service as embedded; a running worker saves its start. */
  @BeforeAll
  static void service(@TempDir Path shared) {
    service = Service.start(shared);
    service.startWorker();
  }

  @AfterAll
  static void stopService() {
    assertThat(Snapshot.of(service.archives())).as("no case has written anything").isEmpty();
    service.close();
  }

  private Cli onService() {
    return service.cli(folder);
  }

  @BeforeEach
  void source() {
    FaissFolder.write(folder.resolve("source"), ROWS, DIMENSION);
  }

  /** A spec, and what the message about it has to say. */
  static Stream<Arguments> specs() {
    return Stream.of(
        spec(
            "misspelt key",
            STORES + "exprot: {}",
            "exprot: is not a known key. Did you mean 'export'? Known here: "),
        spec(
            "misspelt key inside a section",
            STORES + "export: {batchsise: 10}",
            "export.batchsise: is not a known key. Did you mean 'batchSize'?"),
        spec(
            "misspelt key of a store",
            STORES.replace("path: target", "path: target, ifExist: fail"),
            "target.ifExist: is not a known key of this store. Did you mean 'ifExists'?"),
        spec(
            "wrong type",
            STORES + "export: {batchSize: many}",
            "export.batchSize: must be 'auto' or a whole number from 1 to 100000, got \"many\"."),
        spec(
            "wrong type of a section",
            STORES + "export: [1]",
            "export: must be an object with keys, got [1]."),
        spec("wrong flag", STORES + "overlap: 1", "overlap: must be true or false, got 1."),
        spec(
            "out of range",
            STORES + "quality: {minRecall: 1.5}",
            "quality.minRecall: must be a number from 0.0 to 1.0, got 1.5."),
        spec(
            "missing field",
            STORES.replace("name: bad", ""),
            "name: is missing. Add it, for example name: products."),
        spec(
            "missing path",
            STORES.replace(", path: source", ""),
            "source.path: is missing. Folder or index file"),
        spec(
            "missing store",
            "name: bad\nsource: {type: faiss, path: source}",
            "target: is missing. Add it, for example target: {type: faiss"),
        spec(
            "name that is a path",
            STORES.replace("name: bad", "name: ../bad"),
            "name: must be 1 to 100 of the characters A-Z a-z 0-9 . _ -",
            "got \"../bad\"."),
        spec(
            "unknown store type",
            STORES.replace("target: {type: faiss", "target: {type: fais"),
            "target.type: must be one of chroma, elasticsearch, faiss",
            "got \"fais\". Did you mean 'faiss'?"),
        spec(
            "unknown choice",
            STORES.replace("path: target", "path: target, ifExists: replce"),
            "target.ifExists: must be one of fail, replace, merge, got \"replce\". Did you mean 'replace'?"),
        spec(
            "unknown layout",
            STORES.replace("path: target", "path: target, options: {layout: langchian}"),
            "target.options.layout: must be one of ",
            "got \"langchian\". Did you mean 'langchain'?"),
        spec(
            "feature of a later version",
            STORES + "archive: {retain: false}",
            "archive.retain: deleting the archive after the migration is not supported yet."),
        spec(
            "notifications",
            STORES + "notify: [{type: slak, url: env:S}, {type: slack, url: \"https://h/x\"}]",
            "notify[0].type: must be one of webhook, slack, email, got \"slak\". Did you mean",
            "notify[1].url: must say where the worker finds the secret, as env:NAME"),
        spec(
            "several problems",
            STORES.replace("name: bad", "") + "exprot: {}\nimport: {batchSize: 0}",
            "spec.yaml has 3 problems:",
            "name: is missing.",
            "exprot: is not a known key.",
            "import.batchSize: must be 'auto' or a whole number from 1 to 100000, got 0."),
        spec(
            "syntax error",
            "name: bad\nsource: {type: faiss, path: source\ntarget: 1\n",
            "spec.yaml, line 3, column ",
            "expected ',' or '}'"),
        spec(
            "duplicate key",
            STORES + "name: worse",
            "spec.yaml, line 4, column ",
            "Duplicate field 'name'"),
        spec("empty file", "", "name: is missing.", "source: is missing.", "target: is missing."),
        spec("a list", "- 1", "spec: must be an object with keys, got [1]."));
  }

  private static Arguments spec(String what, String text, String... said) {
    return Arguments.of(what, text, said);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("specs")
  void badSpec(String what, String text, String[] said) {
    Path spec = Specs.writeText(folder.resolve("spec.yaml"), text);
    refused(Cli.in(folder), said, "run", "spec.yaml");
    if (!said[0].startsWith("spec.yaml, line")) {
      assertThat(SpecSchemaFile.read().problems(SpecFile.document(spec)))
          .as("what an editor says of it")
          .isNotEmpty();
    }
  }

  @Test
  void specFile() throws IOException {
    refused(
        Cli.in(folder),
        new String[] {"There is no file nosuch.yaml. Name a spec, for example "},
        "run",
        "nosuch.yaml");
    refused(Cli.in(folder), new String[] {"There is no file source."}, "run", "source");
    Files.write(folder.resolve("spec.yaml"), new byte[] {'n', ':', ' ', (byte) 0xff});
    refused(Cli.in(folder), new String[] {"spec.yaml is not UTF-8 text"}, "run", "spec.yaml");
    Specs.writeText(folder.resolve("spec.json"), "{\"name\": \"bad\",}");
    refused(Cli.in(folder), new String[] {"spec.json, line 1, column "}, "run", "spec.json");
  }

  /** What is wrong with the folders, and what the message about it has to say. */
  static Stream<Arguments> folders() {
    float[] vectors = FaissFolder.vectors(ROWS, DIMENSION);
    byte[] index = FaissFolder.index(vectors, DIMENSION);
    String lines = lines(0, ROWS);
    byte[] truncated = Arrays.copyOf(index, index.length - 10);
    byte[] header = Arrays.copyOf(index, 20);
    byte[] numpy = ("\u0093NUMPY\u0001\0v\0{'descr': '<f4'}").getBytes(StandardCharsets.ISO_8859_1);
    float[] notFinite = vectors.clone();
    notFinite[3 * DIMENSION + 1] = Float.NaN;
    notFinite[7 * DIMENSION] = Float.NEGATIVE_INFINITY;
    String duplicate = lines(0, ROWS - 1) + FaissFolder.line("row-3", 1) + "\n";
    return Stream.of(
        source("missing source", null, null, "/source: there is no such file or folder"),
        source("truncated vectors", truncated, lines, "index.faiss is truncated: 200 floats"),
        source("truncated header", header, lines, "index.faiss is truncated: "),
        source("empty file", new byte[0], lines, "index.faiss is an empty file, not a FAISS index"),
        source(
            "gzip",
            gzip(index),
            lines,
            "index.faiss is ",
            "gzip",
            "not a FAISS index; supported: "),
        source("numpy", numpy, lines, "index.faiss is ", "NumPy", "not a FAISS index; supported: "),
        source(
            "text",
            "hello, world\n".getBytes(StandardCharsets.UTF_8),
            lines,
            "index.faiss is ",
            "not a FAISS index; supported: "),
        source(
            "index type",
            "IxHe and the rest of an index".getBytes(StandardCharsets.UTF_8),
            lines,
            "IndexLSH (IxHe)"),
        source(
            "fewer lines than vectors",
            index,
            lines(0, ROWS - 1),
            "meta.jsonl has 49 lines, the index has 50 vectors"),
        source(
            "not finite",
            FaissFolder.index(notFinite, DIMENSION),
            lines,
            "2 of 50 vectors are not finite: ",
            "row-3",
            "row-7"),
        source("duplicate ids", index, duplicate, "row-3", "Give every record an id of its own."),
        source(
            "line that is not JSON",
            index,
            lines(0, 1) + "{\"id\": \n" + lines(2, ROWS),
            "meta.jsonl, line 2: "));
  }

  private static Arguments source(String what, byte[] index, String lines, String... said) {
    return Arguments.of(what, index, lines, said);
  }

  private static String lines(int from, int to) {
    StringBuilder lines = new StringBuilder();
    IntStream.range(from, to)
        .forEach(row -> lines.append(FaissFolder.line("row-" + row, row)).append('\n'));
    return lines.toString();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("folders")
  void badSource(String what, byte[] index, String lines, String[] said) throws IOException {
    Files.delete(folder.resolve("source/index.faiss"));
    Files.delete(folder.resolve("source/meta.jsonl"));
    Files.delete(folder.resolve("source"));
    if (index != null) {
      FaissFolder.write(folder.resolve("source"), index, lines);
    }
    Specs.writeText(folder.resolve("spec.yaml"), STORES);
    refused(onService(), said, "run", "spec.yaml");
  }

  @ParameterizedTest(name = "pickle that would run {0}")
  @MethodSource("pickles")
  void pickleRunsNothing(String global, String pickle) throws IOException {
    Files.delete(folder.resolve("source/meta.jsonl"));
    Files.write(folder.resolve("source/index.pkl"), pickle.getBytes(StandardCharsets.ISO_8859_1));
    Specs.writeText(folder.resolve("spec.yaml"), STORES);
    refused(onService(), new String[] {"index.pkl", global, "nothing was run"}, "run", "spec.yaml");
    assertThat(folder.resolve("ran")).doesNotExist();
  }

  static Stream<Arguments> pickles() {
    return Stream.of(
        Arguments.of("os.system", "cos\nsystem\n(S'touch ran'\ntR."),
        Arguments.of("builtins.eval", "cbuiltins\neval\n(S'open(\"ran\", \"w\")'\ntR."),
        Arguments.of(
            "subprocess.Popen",
            "\u0080\u0004\u008c\nsubprocess\u008c\u0005Popen\u0093(\u008c\u0003rant\u0081."));
  }

  @Test
  void pickleThatDisagreesWithTheIndex() throws IOException {
    Path langChain = Cli.home().resolve("examples/fortunes/langchain");
    Files.delete(folder.resolve("source/meta.jsonl"));
    Files.copy(langChain.resolve("index.pkl"), folder.resolve("source/index.pkl"));
    Specs.writeText(folder.resolve("spec.yaml"), STORES);
    refused(onService(), new String[] {"index.pkl", "2975", "50 vectors"}, "run", "spec.yaml");
  }

  /** What does not fit between spec and folders. */
  static Stream<Arguments> targets() {
    return Stream.of(
        spec(
            "wrong dimension",
            STORES.replace("path: target", "path: target, dimension: 768"),
            "target.dimension: the spec says 768, the vectors of the source have 4 components.",
            "Correct the number or leave it out."),
        spec(
            "wrong metric",
            STORES.replace("path: target", "path: target, metric: ip"),
            "target.metric: the spec says ip, the source compares by l2.",
            "Correct it or leave it out."),
        spec(
            "index type that cannot be written",
            STORES.replace("path: target", "path: target, index: {type: NSG}"),
            "target.index.type: index type 'NSG' cannot be written",
            "Use one of Flat, IDMap2,Flat, HNSW, IVF_FLAT, SQ8, IVF_SQ8."),
        spec(
            "target exists",
            STORES.replace("path: target", "path: source"),
            "/source exists and was not made by this migration; ifExists is fail.",
            "Choose another name, move what is there away, or set target.ifExists to replace or merge."),
        spec(
            "no folder for the target",
            STORES.replace("path: target", "path: no/such/target"),
            "target.path: the folder ",
            "/no/such is missing",
            "Make it, or correct the path."),
        spec(
            "several at once",
            STORES.replace("path: target", "path: no/such/target, dimension: 768, metric: ip"),
            "target.dimension: ",
            "target.metric: ",
            "target.path: "));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("targets")
  void badTarget(String what, String text, String[] said) {
    Specs.writeText(folder.resolve("spec.yaml"), text);
    refused(onService(), said, "run", "spec.yaml");
  }

  @Test
  void blockedEmbeddedRunLeavesNothing() {
    Specs.writeText(
        folder.resolve("spec.yaml"),
        STORES.replace("path: target", "path: no/such/target, dimension: 768"));
    refused(
        Cli.in(folder),
        new String[] {
          "The migration cannot start:", "target.dimension: the spec says 768", "target.path: "
        },
        "run",
        "spec.yaml");
  }

  @Test
  void otherSpecUnderTheSameName() {
    Specs.write(folder, "bad", "");
    Cli.Result first = Cli.in(folder).run("run", "spec.yaml");
    assertThat(first.exitCode()).as("%s", first).isEqualTo(0);
    Specs.write(folder, "bad", "import: {batchSize: 7}");
    Cli.Result again = Cli.in(folder).run("run", "spec.yaml");
    assertThat(again.exitCode()).as("%s", again).isEqualTo(0);
    Specs.write(folder, "bad", "validation: {tolerance: 0.5}");
    refused(
        Cli.in(folder),
        new String[] {
          "name: ",
          "vecferry-archive/bad holds a migration of this name with another spec.",
          "Choose another name, or move that folder away."
        },
        "run",
        "spec.yaml");
  }

  @Test
  void archiveRootThatIsAFile() {
    Specs.writeText(folder.resolve("spec.yaml"), STORES);
    Specs.writeText(folder.resolve("file"), "");
    refused(
        Cli.in(folder),
        new String[] {
          "The archive folder ", "/file cannot be written: ", "name another with --archive"
        },
        "--archive",
        "file",
        "run",
        "spec.yaml");
    refused(
        Cli.in(folder),
        new String[] {"The archive folder ", "cannot be written: "},
        "--archive",
        "/proc/vecferry",
        "run",
        "spec.yaml");
  }

  @Test
  void temporalServiceThatIsNotThere() throws IOException {
    Specs.writeText(folder.resolve("spec.yaml"), STORES);
    Cli cli = Cli.in(folder);
    refused(
        cli,
        new String[] {"start needs a Temporal service with a worker: set TEMPORAL_ADDRESS."},
        "start",
        "spec.yaml");
    refused(
        cli,
        new String[] {"worker needs a Temporal service: set TEMPORAL_ADDRESS, for example "},
        "worker");
    int port;
    try (ServerSocket socket = new ServerSocket(0)) {
      port = socket.getLocalPort();
    }
    String address = "127.0.0.1:" + port;
    Cli unreachable = cli.with("TEMPORAL_ADDRESS", address);
    String[] said = {
      "The Temporal service at " + address + " does not answer within 20 s.",
      "Check TEMPORAL_ADDRESS"
    };
    // Side by side, because each of them waits.
    Map<String, Snapshot.Entry> before = Snapshot.of(folder);
    Stream.of(
            unreachable.start("run", "spec.yaml"),
            unreachable.start("start", "spec.yaml"),
            unreachable.start("worker"),
            unreachable.start("status", "bad"))
        .toList()
        .forEach(command -> assertRefused(command.await(), said));
    assertThat(Snapshot.of(folder)).isEqualTo(before);
  }

  @Test
  @DisplayName("commands that do not exist, and about migrations that do not")
  void commands() {
    Cli cli = Cli.in(folder);
    refused(cli, new String[] {"Unmatched argument", "'mgrate'"}, "mgrate");
    refused(cli, new String[] {"Did you mean", "validate"}, "valdate");
    refused(cli, new String[] {"Missing required subcommand"});
    refused(cli, new String[] {"Unknown option: '--fast'"}, "run", "--fast", "spec.yaml");
    refused(cli, new String[] {"Missing required parameter: 'SPEC'"}, "run");
    refused(cli, new String[] {"Missing required option: '--reason=TEXT'"}, "retry", "nosuch");
    refused(
        cli,
        new String[] {"No migration 'nosuch' is running here, and TEMPORAL_ADDRESS is not set."},
        "retry",
        "nosuch",
        "--reason",
        "x");
    refused(
        cli,
        new String[] {"No migration 'nosuch' is running here or has finished", "--archive"},
        "status",
        "nosuch");
    refused(cli, new String[] {"No migration 'nosuch'"}, "watch", "nosuch");
    refused(
        cli,
        new String[] {"There is no ", "nosuch/reports/report.html", "--archive"},
        "report",
        "nosuch");
    refused(cli, new String[] {"There is no folder nosuch."}, "archive", "verify", "nosuch");
    refused(cli, new String[] {"/nosuch: there is no such file or folder"}, "inspect", "nosuch");
    refused(
        cli.with("TEMPORAL_ADDRESS", "127.0.0.1:1"),
        new String[] {"--http must be HOST:PORT, for example 127.0.0.1:9090, got '9090'."},
        "worker",
        "--http",
        "9090");
  }

  @Test
  void fullDiskOfTheArchive() throws Exception {
    Path disk = Files.createDirectory(folder.resolve("disk"));
    int mounted =
        command("mount", "-t", "tmpfs", "-o", "size=2m", "vecferry-test", disk.toString());
    if (mounted != 0) {
      // Only root may mount; CI runs as root in a container that may or may not allow it.
      assumeTrue(false, "a small disk cannot be mounted here");
    }
    try {
      FaissFolder.write(folder.resolve("source"), 6_000, 32);
      Specs.write(folder, "full", "export: {partRows: 500, parallelism: 2}");
      Path ballast = disk.resolve("ballast");
      Files.write(ballast, new byte[1_600_000]);

      Cli.Result refused = Cli.in(folder).run("--archive", "disk/archive", "run", "spec.yaml");
      assertThat(refused.exitCode()).as("%s", refused).isEqualTo(1);
      assertThat(refused.err())
          .contains("resources: archive storage: about ", " KB free there, or");
      assertThat(disk.resolve("archive/full")).doesNotExist();

      Specs.write(folder, "full", "export: {partRows: 500, parallelism: 2}\ncheckResources: false");
      Cli.Result full = Cli.in(folder).run("--archive", "disk/archive", "run", "spec.yaml");

      assertThat(full.exitCode()).as("%s", full).isEqualTo(3);
      assertThat(full.err())
          .contains(
              "waits for a person", "RESOURCE_EXHAUSTED", "the disk of the archives is nearly full")
          .contains("give the same command again");
      assertThat(folder.resolve("target")).doesNotExist();
      Path archive = disk.resolve("archive/full");
      Map<String, Snapshot.Entry> parts = Snapshot.of(archive, "source/.*");

      Files.delete(ballast);
      Cli.Result freed = Cli.in(folder).run("--archive", "disk/archive", "run", "spec.yaml");

      assertThat(freed.exitCode()).as("%s", freed).isEqualTo(0);
      FaissFolder.assertSame(folder.resolve("source"), folder.resolve("target"));
      parts.keySet().removeIf(name -> !name.endsWith(".parquet.json"));
      assertThat(Snapshot.of(archive, "source/.*")).containsAllEntriesOf(parts);
    } finally {
      assertThat(command("umount", disk.toString())).isEqualTo(0);
    }
  }

  private static int command(String... command) throws Exception {
    try {
      return new ProcessBuilder(command)
          .redirectErrorStream(true)
          .redirectOutput(ProcessBuilder.Redirect.DISCARD)
          .start()
          .waitFor();
    } catch (IOException e) {
      return -1;
    }
  }

  @Test
  void validateListsAllProblemsAsJson() throws IOException {
    Specs.writeText(folder.resolve("spec.yaml"), STORES + "exprot: {}\noverlap: 1");
    Cli.Result result = Cli.in(folder).run("validate", "--json", "spec.yaml");
    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(new ObjectMapper().readTree(result.out()).findValuesAsText("field"))
        .containsExactlyInAnyOrder("exprot", "overlap");
  }

  private void refused(Cli cli, String[] said, String... command) {
    Map<String, Snapshot.Entry> before = Snapshot.of(folder);
    assertRefused(cli.run(command), said);
    assertThat(Snapshot.of(folder)).as("nothing is written").isEqualTo(before);
  }

  /** One message, for people: all that it has to say, exit code 1, no stack trace, no result. */
  private static void assertRefused(Cli.Result result, String... said) {
    assertThat(result.err()).as("%s", result).contains(said);
    assertThat(result.exitCode()).as("%s", result).isEqualTo(1);
    assertThat(result.out()).as("%s", result).isEmpty();
    assertThat(result.err()).as("%s", result).doesNotContain("\tat ", "Exception");
    assertThat(result.err().lines().filter(line -> line.startsWith("vecferry: ")))
        .as("%s", result)
        .hasSize(1);
  }

  private static byte[] gzip(byte[] bytes) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (OutputStream zip = new GZIPOutputStream(out)) {
      zip.write(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }
}
