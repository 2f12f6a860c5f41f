package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/**
 * Fills and reads collections with programs that know nothing of vecferry: {@code stores.py}. Tests
 * are skipped without a Python that has the packages of {@code .ci/requirements.txt}, and fail when
 * {@code CI=true}.
 */
final class ForeignStores {
  private final Path folder;

  /**
   * @param folder where logs and records are written
   */
  ForeignStores(Path folder) {
    if (System.getenv("VECFERRY_PYTHON") == null) {
      String message = "set VECFERRY_PYTHON to a Python with the packages of .ci/requirements.txt";
      assertThat(System.getenv("CI")).as(message).isNotEqualTo("true");
      Assumptions.abort(message);
    }
    this.folder = folder;
  }

  /** Fills a new collection; what is in it is kept for {@link #assertHolds}. */
  void fill(String type, String place, String collection) throws Exception {
    python("seed", type, place, collection, expected(collection).toString());
  }

  void drop(String type, String place, String collection) throws Exception {
    python("drop", type, place, collection);
  }

  /** Checks that a collection holds exactly what another one was filled with. */
  void assertHolds(String type, String place, String collection, String filled) throws Exception {
    Path found = folder.resolve("found");
    python("read", type, place, collection, found.toString());
    List<String> wanted = Files.readAllLines(expected(filled), StandardCharsets.UTF_8);
    List<String> actual = Files.readAllLines(found, StandardCharsets.UTF_8);
    assertThat(actual).hasSameSizeAs(wanted);
    for (int i = 0; i < wanted.size(); i++) {
      assertThat(actual.get(i)).isEqualTo(wanted.get(i));
    }
  }

  /** Everything in whose name these characters are, with what tells of changes. */
  List<String> list(String type, String place, String part) throws Exception {
    Path names = folder.resolve("names");
    python("list", type, place, part, names.toString());
    return Files.readAllLines(names, StandardCharsets.UTF_8);
  }

  /** Records of a collection as lines of JSON, by their ids as JSON. */
  Map<String, String> records(String type, String place, String collection) throws Exception {
    Path found = folder.resolve("found");
    python("read", type, place, collection, found.toString());
    return records(found);
  }

  /** The same of what a collection was filled with. */
  Map<String, String> filled(String collection) throws IOException {
    return records(expected(collection));
  }

  private static Map<String, String> records(Path file) throws IOException {
    Map<String, String> records = new TreeMap<>();
    for (String line : Files.readAllLines(file, StandardCharsets.UTF_8)) {
      records.put(line.substring(1, line.indexOf("\", \"") + 1), line);
    }
    return records;
  }

  private Path expected(String collection) {
    return folder.resolve(collection + ".expected");
  }

  private void python(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(System.getenv("VECFERRY_PYTHON"));
    command.add(Cli.home().resolve("starter/src/test/python/stores.py").toString());
    command.addAll(List.of(arguments));
    Path log = folder.resolve("python.log");
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    assertThat(process.waitFor(120, TimeUnit.SECONDS)).as("%s ends", command).isTrue();
    assertThat(process.exitValue()).as("%s: %s", command, Files.readString(log)).isZero();
  }
}
