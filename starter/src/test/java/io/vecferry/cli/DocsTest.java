package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;

/**
 * Runs the commands of the documentation: of each page all of them, one after the other, in a
 * folder that has the examples. Of a block behind a line {@code <!-- not-run: reason -->} nothing
 * is run, but all of it has to be understood. A comment {@code # exit 3} behind a command says that
 * another exit code than 0 is right.
 */
@Timeout(180)
@Tag("slow")
class DocsTest {
  private static final Pattern COMMAND =
      Pattern.compile("(?:\\$ )?(?:\\./)?vecferry\\s+(.*?)(?:\\s+#\\s*(?:exit (\\d))?.*)?");
  private static final Pattern WORD = Pattern.compile("\"([^\"]*)\"|'([^']*)'|(\\S+)");

  private static final Pattern DEPENDENCY =
      Pattern.compile(
          "<dependency>\\s*<groupId>io\\.vecferry</groupId>\\s*<artifactId>vecferry-(\\w+)</artifactId>"
              + "(.*?)</dependency>",
          Pattern.DOTALL);

  @TempDir Path folder;

  /**
   * A command of a page.
   *
   * @param line number of its line
   */
  record DocumentedCommand(Path page, int line, List<String> words, int exitCode) {
    @Override
    public String toString() {
      return page.getFileName() + ":" + line + " vecferry " + String.join(" ", words);
    }
  }

  @TestFactory
  Stream<DynamicTest> commandsOfTheDocs() throws IOException {
    List<DynamicTest> tests = new ArrayList<>();
    for (Path page : pages()) {
      List<DocumentedCommand> commands = commands(page, false);
      if (!commands.isEmpty()) {
        tests.add(DynamicTest.dynamicTest(page.getFileName().toString(), () -> run(commands)));
      }
    }
    return tests.stream();
  }

  @Test
  void commandsThatAreNotRunAreUnderstood() throws IOException {
    List<String> wrong = new ArrayList<>();
    for (Path page : pages()) {
      for (DocumentedCommand command : commands(page, true)) {
        int redirection = command.words().indexOf(">");
        List<String> words =
            redirection < 0 ? command.words() : command.words().subList(0, redirection);
        try {
          Vecferry.commandLine().parseArgs(words.toArray(String[]::new));
        } catch (ParameterException e) {
          wrong.add(command + ": " + e.getMessage());
        }
      }
    }
    assertThat(wrong).isEmpty();
  }

  private void run(List<DocumentedCommand> commands) throws IOException {
    Path work = folder.resolve(commands.get(0).page().getFileName().toString() + ".d");
    copy(Cli.home().resolve("examples"), work.resolve("examples"));
    for (DocumentedCommand command : commands) {
      Cli.Result result = Cli.in(work).run(command.words().toArray(String[]::new));
      assertThat(result.exitCode()).as("%s\n%s", command, result).isEqualTo(command.exitCode());
    }
  }

  @Test
  void everyCommandIsDocumented() throws IOException {
    Path reference = Cli.home().resolve("docs/cli.md");
    assumeThat(reference).exists();
    String text = Files.readString(reference);
    Path readme = Cli.home().resolve("README.md");
    if (Files.exists(readme)) {
      text += Files.readString(readme);
    }
    List<String> missing = new ArrayList<>();
    for (Class<?> subcommand : Vecferry.class.getAnnotation(Command.class).subcommands()) {
      String name = subcommand.getAnnotation(Command.class).name();
      if (!Pattern.compile("vecferry " + name + "\\b").matcher(text).find()) {
        missing.add(name);
      }
    }
    assertThat(missing).as("commands that neither docs/cli.md nor README.md shows").isEmpty();
  }

  /** The page has the modules, packages and arrows that there are. */
  @Test
  void theArchitectureIsAsDrawn() throws IOException {
    String page = Files.readString(Cli.home().resolve("docs/architecture.md"));
    TreeSet<String> arrows = new TreeSet<>();
    Matcher drawn = Pattern.compile("(?m)^  (\\w+) --> (\\w+)$").matcher(page.split("```")[1]);
    while (drawn.find()) {
      arrows.add(drawn.group(1) + " to " + drawn.group(2));
    }
    TreeSet<String> dependencies = new TreeSet<>();
    List<String> missing = new ArrayList<>();
    for (String module : modules()) {
      Matcher one =
          DEPENDENCY.matcher(Files.readString(Cli.home().resolve(module).resolve("pom.xml")));
      while (one.find()) {
        if (!one.group(2).contains("<scope>test")) {
          dependencies.add(module + " to " + one.group(1));
        }
      }
      Path packages = Cli.home().resolve(module).resolve("src/main/java/io/vecferry");
      try (Stream<Path> folders = Files.walk(packages)) {
        folders
            .filter(folder -> Files.isDirectory(folder) && !folder.equals(packages))
            .map(folder -> packages.relativize(folder).toString().replace('/', '.'))
            .filter(name -> !page.contains("`" + name + "`"))
            .forEach(missing::add);
      }
      if (!page.contains("| `" + module + "` |")) {
        missing.add(module);
      }
    }
    assertThat(missing).isEmpty();
    assertThat(arrows).isEqualTo(dependencies);
  }

  private static List<String> modules() throws IOException {
    return Pattern.compile("<module>(\\w+)</module>")
        .matcher(Files.readString(Cli.home().resolve("pom.xml")))
        .results()
        .map(module -> module.group(1))
        .toList();
  }

  @Test
  void blocksAreReadAsTheyAreMeant() throws IOException {
    Path page =
        Specs.writeText(
            folder.resolve("page.md"),
            """
            ```sh
            cd somewhere
            ./vecferry demo --target "a b"   # a remark
            vecferry status 'x' \\
              --json
            VECFERRY_LOG=debug ./vecferry demo
            ./vecferry run spec.yaml # exit 3
            ```
            <!-- not-run: needs a server -->
            ```sh
            ./vecferry worker
            ```

            ```
            ./vecferry output
            ```
            """);
    assertThat(commands(page, false))
        .containsExactly(
            new DocumentedCommand(page, 3, List.of("demo", "--target", "a b"), 0),
            new DocumentedCommand(page, 4, List.of("status", "x", "--json"), 0),
            new DocumentedCommand(page, 7, List.of("run", "spec.yaml"), 3));
    assertThat(commands(page, true))
        .contains(new DocumentedCommand(page, 11, List.of("worker"), 0))
        .hasSize(4);
  }

  private static List<Path> pages() throws IOException {
    List<Path> pages = new ArrayList<>();
    Path readme = Cli.home().resolve("README.md");
    if (Files.exists(readme)) {
      pages.add(readme);
    }
    try (Stream<Path> files = Files.list(Cli.home().resolve("docs"))) {
      files.filter(file -> file.toString().endsWith(".md")).sorted().forEach(pages::add);
    }
    return pages;
  }

  /**
   * @param all also of blocks that are not run
   */
  private static List<DocumentedCommand> commands(Path page, boolean all) throws IOException {
    List<DocumentedCommand> commands = new ArrayList<>();
    List<String> lines = Files.readAllLines(page);
    boolean inBlock = false;
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).strip();
      if (line.startsWith("```")) {
        boolean notRun = !all && i > 0 && lines.get(i - 1).strip().matches("<!-- not-run: .+ -->");
        if (!inBlock && (notRun || !line.equals("```sh"))) {
          do {
            i++;
          } while (i < lines.size() && !lines.get(i).strip().startsWith("```"));
        } else {
          inBlock = !inBlock;
        }
        continue;
      }
      if (!inBlock) {
        continue;
      }
      int first = i + 1;
      while (line.endsWith("\\") && i + 1 < lines.size()) {
        i++;
        line = line.substring(0, line.length() - 1).strip() + " " + lines.get(i).strip();
      }
      Matcher command = COMMAND.matcher(line);
      if (command.matches()) {
        int exitCode = command.group(2) == null ? 0 : Integer.parseInt(command.group(2));
        commands.add(new DocumentedCommand(page, first, words(command.group(1)), exitCode));
      }
    }
    return commands;
  }

  static List<String> words(String text) {
    List<String> words = new ArrayList<>();
    Matcher word = WORD.matcher(text);
    while (word.find()) {
      words.add(
          word.group(1) != null
              ? word.group(1)
              : word.group(2) != null ? word.group(2) : word.group(3));
    }
    return words;
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Path copy = to.resolve(from.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(copy);
        } else {
          Files.copy(file, copy);
        }
      }
    }
  }
}
