package io.vecferry.store.faiss;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.Jazzer;
import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.vecferry.plan.FailureClass;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.Logger;

/**
 * Lets a fuzzer that is guided by coverage (Jazzer) look for files on which the readers crash,
 * hang, allocate without bound or run code. Seeds are all golden files, and what a fuzzer once
 * found ({@code faiss/fuzz}). Short here; {@code .ci/fuzz SECONDS} runs the same for longer.
 */
class FuzzTest {
  private static final Path RESOURCES = Path.of("src", "test", "resources", "faiss");
  private static final int SECONDS = Integer.getInteger("vecferry.fuzz.seconds", 8);
  private static final int LARGEST_INPUT = 1 << 14;
  private static final Pattern RUNS = Pattern.compile("Done (\\d+) runs in");

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({"IndexFuzzer, .faiss", "PickleFuzzer, .pkl"})
  void noInputEscapesTheReader(String fuzzer, String extension)
      throws IOException, InterruptedException {
    String system = System.getProperty("os.name") + " " + System.getProperty("os.arch");
    Assumptions.assumeTrue(
        system.toLowerCase(Locale.ROOT).matches("(linux (amd64|x86_64)|mac.*|windows.*)"),
        () -> "there is no Jazzer for " + system);
    Path corpus = Files.createDirectories(folder.resolve("corpus"));
    int seeds = 0;
    try (Stream<Path> files = Files.walk(RESOURCES)) {
      for (Path seed : files.filter(file -> isSeed(file, fuzzer, extension)).sorted().toList()) {
        Files.copy(seed, corpus.resolve("seed-" + seeds++));
      }
    }
    assertThat(seeds).isGreaterThan(5);
    Path found = Files.createDirectories(folder.resolve("found"));
    Path log = folder.resolve("log.txt");
    Process process =
        new ProcessBuilder(command(fuzzer, corpus, found))
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    boolean ended = process.waitFor(SECONDS + 120L, TimeUnit.SECONDS);
    process.destroyForcibly().onExit().join();
    String said = Files.readString(log);
    assertThat(ended).as("ends: %s", said).isTrue();
    assertThat(process.exitValue()).as("%s\n%s", said, inputs(found)).isZero();
    Matcher runs = RUNS.matcher(said);
    assertThat(runs.find()).as(said).isTrue();
    assertThat(Long.parseLong(runs.group(1))).as(said).isPositive();
    System.out.println(fuzzer + ": " + seeds + " seeds, " + runs.group(1) + " runs");
  }

  private static boolean isSeed(Path file, String fuzzer, String extension) {
    try {
      return Files.isRegularFile(file)
          && (file.toString().endsWith(extension)
              || file.getParent().getFileName().toString().equals(fuzzer))
          && Files.size(file) <= LARGEST_INPUT;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<String> command(String fuzzer, Path corpus, Path found) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    // What is read is small, so that nothing that is made from it has to be large.
    command.addAll(List.of("-Xmx256m", "-XX:+UseSerialGC", "-XX:+EnableDynamicAgentLoading"));
    command.addAll(List.of("-cp", classPath()));
    command.add(Jazzer.class.getName());
    command.add("--target_class=" + FuzzTest.class.getPackageName() + "." + fuzzer);
    command.add("--instrumentation_includes=" + FuzzTest.class.getPackageName() + ".**");
    command.add("--reproducer_path=" + found);
    command.add("-artifact_prefix=" + found + "/");
    command.add("-max_total_time=" + SECONDS);
    command.add("-max_len=" + LARGEST_INPUT);
    command.add("-timeout=10");
    command.add("-rss_limit_mb=2048");
    // The same seed and the same files: what is found is found again, as far as time allows.
    command.add("-seed=7");
    command.add(corpus.toString());
    return command;
  }

  /**
   * What the readers need: the fuzzer looks for hooks in every jar, which takes a minute for all.
   */
  private static String classPath() {
    return Stream.of(
            FuzzTest.class,
            FaissProvider.class,
            FailureClass.class,
            Jazzer.class,
            FuzzedDataProvider.class,
            ObjectMapper.class,
            JsonFactory.class,
            JsonProperty.class,
            Logger.class)
        .map(used -> used.getProtectionDomain().getCodeSource().getLocation())
        .map(location -> Path.of(URI.create(location.toString())).toString())
        .distinct()
        .collect(Collectors.joining(File.pathSeparator));
  }

  /** The inputs that were found, as text that can be made a file again. */
  private static String inputs(Path found) throws IOException {
    StringBuilder text = new StringBuilder();
    try (Stream<Path> files = Files.list(found)) {
      for (Path file : files.filter(path -> !path.toString().endsWith(".java")).toList()) {
        text.append(file.getFileName())
            .append(", as base64: ")
            .append(Base64.getEncoder().encodeToString(Files.readAllBytes(file)))
            .append('\n');
      }
    }
    return text.toString();
  }
}
