package io.vecferry.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Runs the commands of a file one after the other in one process: starting a process for each of
 * two hundred small migrations takes longer than the migrations.
 *
 * <p>Each line is a name and the words of a command. What a command prints goes to {@code NAME.out}
 * and {@code NAME.err} in the working folder, its exit code to {@code NAME.code}.
 */
final class ManyCommands {
  private ManyCommands() {}

  public static void main(String[] arguments) throws IOException {
    for (String line : Files.readAllLines(Path.of(arguments[0]))) {
      List<String> words = List.of(line.split(" "));
      String name = words.get(0);
      PrintStream out = System.out;
      PrintStream err = System.err;
      try (PrintStream commandOut = file(name + ".out");
          PrintStream commandErr = file(name + ".err")) {
        System.setOut(commandOut);
        System.setErr(commandErr);
        int code = Vecferry.execute(words.subList(1, words.size()).toArray(String[]::new));
        Files.writeString(Path.of(name + ".code"), Integer.toString(code));
      } finally {
        System.setOut(out);
        System.setErr(err);
      }
    }
    System.exit(0);
  }

  /** The exit code of a command, and behind it what it printed. */
  static String said(Path folder, String name) throws IOException {
    return "exit code "
        + Files.readString(folder.resolve(name + ".code"))
        + "\n"
        + Files.readString(folder.resolve(name + ".out"))
        + Files.readString(folder.resolve(name + ".err"));
  }

  private static PrintStream file(String name) throws IOException {
    return new PrintStream(Files.newOutputStream(Path.of(name)), true, StandardCharsets.UTF_8);
  }
}
