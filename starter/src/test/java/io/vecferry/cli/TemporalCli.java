package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.testing.RunningServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Temporal's own command line, as people use it beside ours. */
final class TemporalCli {
  private final Path program;
  private final String address;
  private final String namespace;

  private TemporalCli(Path program, String address, String namespace) {
    this.program = program;
    this.address = address;
    this.namespace = namespace;
  }

  /** The program that the server is a part of. */
  static TemporalCli of(RunningServer server) {
    try {
      Path program = Path.of("/proc", Long.toString(server.pid()), "exe").toRealPath();
      return new TemporalCli(program, server.url(), "default");
    } catch (IOException e) {
      throw new UncheckedIOException("only a server that was started here has a program", e);
    }
  }

  TemporalCli inNamespace(String other) {
    return new TemporalCli(program, address, other);
  }

  /** Runs a command that has to work. */
  String done(String... arguments) {
    Cli.Result result = run(arguments);
    assertThat(result.exitCode()).as("%s", result).isEqualTo(0);
    return result.out();
  }

  /** Runs a command. */
  Cli.Result run(String... arguments) {
    List<String> command = new ArrayList<>(List.of(program.toString()));
    command.addAll(List.of(arguments));
    return run(command);
  }

  /** Runs a script that uses the program. */
  Cli.Result script(Path script) {
    return run(List.of(script.toString()));
  }

  private Cli.Result run(List<String> command) {
    try {
      Path out = Files.createTempFile("temporal-out", ".txt");
      Path err = Files.createTempFile("temporal-err", ".txt");
      ProcessBuilder builder =
          new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
      builder.environment().put("TEMPORAL_ADDRESS", address);
      builder.environment().put("TEMPORAL_NAMESPACE", namespace);
      builder.environment().put("PATH", program.getParent() + ":" + System.getenv("PATH"));
      Process process = builder.start();
      if (!process.waitFor(60, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new AssertionError("does not end: " + command);
      }
      Cli.Result result =
          new Cli.Result(
              String.join(" ", command),
              process.exitValue(),
              Files.readString(out),
              Files.readString(err));
      Files.delete(out);
      Files.delete(err);
      return result;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted: " + command, e);
    }
  }
}
