package io.vecferry.cli;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.jar.JarOutputStream;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;

/**
 * Runs the command line as a user does: in a process of its own, in a working folder, with an
 * environment. Processes that are left over are killed when the tests end.
 */
final class Cli {
  private static final Duration LONGEST = Duration.ofMinutes(2);
  private static final Set<Process> STARTED = ConcurrentHashMap.newKeySet();
  private static final Installation INSTALLATION = Installation.make();

  static {
    Runtime.getRuntime()
        .addShutdownHook(new Thread(() -> STARTED.forEach(Process::destroyForcibly)));
  }

  private final Path folder;
  private final Map<String, String> environment;

  private Cli(Path folder, Map<String, String> environment) {
    this.folder = folder;
    this.environment = environment;
  }

  /** Commands in a working folder, with no Temporal service configured. */
  static Cli in(Path folder) {
    return new Cli(folder, Map.of());
  }

  /** The same with one more environment variable. */
  Cli with(String name, String value) {
    Map<String, String> more = new HashMap<>(environment);
    more.put(name, value);
    return new Cli(folder, more);
  }

  /** Folder of the repository. */
  static Path home() {
    Path folder = Path.of("").toAbsolutePath();
    while (!Files.isRegularFile(folder.resolve("vecferry"))) {
      folder = folder.getParent();
    }
    return folder;
  }

  /** Runs a command to its end. */
  Result run(String... arguments) {
    return start(arguments).await();
  }

  /** Starts a command. */
  Running start(String... arguments) {
    return startMain(Vecferry.class.getName(), arguments);
  }

  /** Starts any main class of the class path. */
  Running startMain(String mainClass, String... arguments) {
    List<String> command = new ArrayList<>(INSTALLATION.java());
    command.add("-Dvecferry.home=" + home());
    command.add(mainClass);
    command.addAll(Arrays.asList(arguments));
    try {
      Path out = Files.createTempFile("vecferry-out", ".txt");
      Path err = Files.createTempFile("vecferry-err", ".txt");
      out.toFile().deleteOnExit();
      err.toFile().deleteOnExit();
      ProcessBuilder builder =
          new ProcessBuilder(command)
              .directory(folder.toFile())
              .redirectOutput(out.toFile())
              .redirectError(err.toFile());
      leaveSettingsOut(builder);
      builder.environment().putAll(environment);
      Process process = builder.start();
      STARTED.add(process);
      return new Running(process, String.join(" ", arguments), out, err);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Waits until something is so; fails when it is not within a generous time. */
  static void await(String what, BooleanSupplier condition) {
    await(what, LONGEST, condition);
  }

  static void await(String what, Duration limit, BooleanSupplier condition) {
    long end = System.nanoTime() + limit.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("waited " + limit + " in vain for: " + what);
      }
      try {
        TimeUnit.MILLISECONDS.sleep(2);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new AssertionError("interrupted while waiting for: " + what, e);
      }
    }
  }

  /** How a command ended. */
  record Result(String command, int exitCode, String out, String err) {
    @Override
    public String toString() {
      return "vecferry "
          + command
          + "\nexit code: "
          + exitCode
          + "\nstdout:\n"
          + out
          + "\nstderr:\n"
          + err;
    }
  }

  /** A process that may still run. */
  static final class Running implements AutoCloseable {
    private final Process process;
    private final String command;
    private final Path out;
    private final Path err;

    private Running(Process process, String command, Path out, Path err) {
      this.process = process;
      this.command = command;
      this.out = out;
      this.err = err;
    }

    boolean isAlive() {
      return process.isAlive();
    }

    long pid() {
      return process.pid();
    }

    /** What it has used of the processor so far. */
    Duration cpu() {
      return process.info().totalCpuDuration().orElse(Duration.ZERO);
    }

    String out() {
      return text(out);
    }

    String err() {
      return text(err);
    }

    /** Closes its standard input. */
    void endInput() throws IOException {
      process.getOutputStream().close();
    }

    /** Waits until something is so, and fails at once when the process ends before. */
    void await(String what, BooleanSupplier condition) {
      Cli.await(
          what,
          () -> {
            boolean alive = isAlive();
            if (condition.getAsBoolean()) {
              return true;
            }
            if (!alive) {
              throw new AssertionError("ended before: " + what + "\n" + result());
            }
            return false;
          });
    }

    Result await() {
      try {
        if (!process.waitFor(LONGEST.toSeconds(), TimeUnit.SECONDS)) {
          kill();
          throw new AssertionError("does not end: " + result());
        }
      } catch (InterruptedException e) {
        kill();
        Thread.currentThread().interrupt();
        throw new AssertionError("interrupted: vecferry " + command, e);
      }
      return result();
    }

    /** kill -9, and waits until it is gone. */
    void kill() {
      // Asked of one that is gone, onExit waits for whatever has got its number since.
      if (process.isAlive()) {
        process.destroyForcibly();
        process.onExit().join();
      }
      STARTED.remove(process);
    }

    /** Sends it a signal, as STOP or CONT. */
    void signal(String name) {
      try {
        int exit =
            new ProcessBuilder("kill", "-" + name, Long.toString(pid()))
                .inheritIO()
                .start()
                .waitFor();
        if (exit != 0) {
          throw new AssertionError("kill -" + name + " ended with " + exit);
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new AssertionError("interrupted", e);
      }
    }

    /** SIGTERM. */
    void terminate() {
      process.destroy();
    }

    private Result result() {
      STARTED.remove(process);
      return new Result(command, process.isAlive() ? -1 : process.exitValue(), out(), err());
    }

    private static String text(Path file) {
      try {
        return Files.readString(file);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public void close() {
      kill();
    }
  }

  /** What the person who runs the tests has configured is not what they are about. */
  private static void leaveSettingsOut(ProcessBuilder builder) {
    Map<String, String> environment = builder.environment();
    environment
        .keySet()
        .removeIf(name -> name.startsWith("TEMPORAL_") || name.startsWith("VECFERRY_"));
    environment.put(
        "XDG_CONFIG_HOME", Path.of(System.getProperty("java.io.tmpdir"), "none").toString());
  }

  /**
   * The class path as jars with an archive of loaded classes, as the launcher has it: some hundred
   * processes then start in half the time.
   *
   * @param java the start of each command
   */
  private record Installation(List<String> java) {
    static Installation make() {
      try {
        Path folder = Files.createTempDirectory("vecferry-installed");
        List<String> classPath = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
          Path path = Path.of(entry);
          if (Files.isDirectory(path)) {
            Path jar = folder.resolve(classPath.size() + ".jar");
            pack(path, jar);
            jar.toFile().deleteOnExit();
            classPath.add(jar.toString());
          } else if (Files.isRegularFile(path)) {
            classPath.add(entry);
          }
        }
        Path shared = folder.resolve("classes.jsa");
        List<String> plain = new ArrayList<>();
        plain.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        if (Runtime.version().feature() >= 24) {
          // As the launcher does: newer JDKs warn of what libraries do.
          plain.add("--enable-native-access=ALL-UNNAMED");
          plain.add("--sun-misc-unsafe-memory-access=allow");
        }
        plain.addAll(
            List.of(
                "-Xmx512m",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Xlog:disable",
                "-Xlog:all=error:stderr",
                "-Xlog:cds=off:stderr",
                "-cp",
                classPath.stream().collect(Collectors.joining(File.pathSeparator))));
        loadClasses(folder, plain, shared);
        List<String> java = new ArrayList<>(plain);
        if (Files.isRegularFile(shared)) {
          shared.toFile().deleteOnExit();
          java.add(1, "-XX:SharedArchiveFile=" + shared);
        }
        return new Installation(List.copyOf(java));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    /** Runs a migration that touches most classes; without its archive tests are only slower. */
    private static void loadClasses(Path folder, List<String> plain, Path shared)
        throws IOException {
      Path work = Files.createTempDirectory("vecferry-classes");
      FaissFolder.write(work.resolve("source"), 10, 4);
      Path spec = Specs.write(work, "classes", "");
      List<String> command = new ArrayList<>(plain);
      command.add(1, "-XX:ArchiveClassesAtExit=" + shared);
      command.addAll(List.of(Vecferry.class.getName(), "run", spec.toString()));
      ProcessBuilder builder =
          new ProcessBuilder(command)
              .directory(work.toFile())
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD);
      leaveSettingsOut(builder);
      Process process = builder.start();
      STARTED.add(process);
      process.onExit().join();
      STARTED.remove(process);
      try (Stream<Path> files = Files.walk(work)) {
        files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
      }
    }

    private static void pack(Path folder, Path jar) throws IOException {
      try (OutputStream file = Files.newOutputStream(jar);
          JarOutputStream out = new JarOutputStream(file);
          Stream<Path> files = Files.walk(folder)) {
        for (Path path : files.filter(Files::isRegularFile).toList()) {
          out.putNextEntry(
              new ZipEntry(folder.relativize(path).toString().replace(File.separatorChar, '/')));
          Files.copy(path, out);
          out.closeEntry();
        }
      }
    }
  }
}
