package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/**
 * Runs programs of {@code src/test/python}, which know nothing of vecferry. Tests are skipped
 * without a Python that has the packages of {@code .ci/requirements.txt}, and fail when {@code
 * CI=true}.
 */
final class Python {
  private static final int LONGEST_SECONDS = 120;

  private Python() {}

  /**
   * Runs a program to its end.
   *
   * @return what it printed
   */
  static String run(String program, String... arguments) throws IOException, InterruptedException {
    String interpreter = System.getenv("VECFERRY_PYTHON");
    if (interpreter == null) {
      String message = "set VECFERRY_PYTHON to a Python with the packages of .ci/requirements.txt";
      assertThat(System.getenv("CI")).as(message).isNotEqualTo("true");
      Assumptions.abort(message);
    }
    List<String> command = new ArrayList<>();
    command.add(interpreter);
    command.add(Cli.home().resolve("starter/src/test/python").resolve(program).toString());
    command.addAll(List.of(arguments));
    Path out = Files.createTempFile("python-out", ".txt");
    Path err = Files.createTempFile("python-err", ".txt");
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectOutput(out.toFile())
              .redirectError(err.toFile())
              .start();
      boolean ended = process.waitFor(LONGEST_SECONDS, TimeUnit.SECONDS);
      if (!ended) {
        process.destroyForcibly();
      }
      assertThat(ended).as("%s ends: %s", command, Files.readString(err)).isTrue();
      assertThat(process.exitValue()).as("%s: %s", command, Files.readString(err)).isZero();
      return Files.readString(out);
    } finally {
      Files.delete(out);
      Files.delete(err);
    }
  }
}
