package io.vecferry.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The commands in {@code deploy/local}. */
final class Launchers {
  /** The first start installs the server. */
  private static final Duration LONGEST = Duration.ofMinutes(15);

  private final Path folder;

  Launchers(Path folder) {
    this.folder = folder;
  }

  /** Those of the checkout in which this JVM works. */
  static Launchers find() throws ServerUnavailableException {
    Path start = Path.of("").toAbsolutePath();
    for (Path checkout = start; checkout != null; checkout = checkout.getParent()) {
      Path folder = checkout.resolve("deploy/local");
      if (Files.isExecutable(folder.resolve("up"))) {
        return new Launchers(folder);
      }
    }
    throw new ServerUnavailableException("no folder deploy/local in " + start + " and above");
  }

  /** Runs a command and returns what it prints. */
  String run(String command, List<String> arguments) throws ServerUnavailableException {
    List<String> words = new ArrayList<>(List.of(folder.resolve(command).toString()));
    words.addAll(arguments);
    Path errors = null;
    try {
      errors = Files.createTempFile("vecferry-server", ".txt");
      Path output = Files.createTempFile("vecferry-server", ".txt");
      try {
        Process process =
            new ProcessBuilder(words)
                .redirectOutput(output.toFile())
                .redirectError(errors.toFile())
                .start();
        if (!process.waitFor(LONGEST.toSeconds(), TimeUnit.SECONDS)) {
          process.destroyForcibly();
          throw new ServerUnavailableException(words + " took longer than " + LONGEST);
        }
        if (process.exitValue() != 0) {
          throw new ServerUnavailableException(
              words + " failed:\n" + Files.readString(errors).strip());
        }
        return Files.readString(output);
      } finally {
        Files.delete(output);
        Files.delete(errors);
      }
    } catch (IOException e) {
      throw new ServerUnavailableException(words + " cannot run: " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ServerUnavailableException(words + " was interrupted", e);
    }
  }
}
