package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.vecferry.plan.FailureClass;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** What the command line says about itself. */
@Timeout(60)
class HelpTest {
  private static final String PROGRAM = "  vecferry ";

  @TempDir Path folder;

  /** The first command of all tests has everything installed, which is no matter of help. */
  @BeforeAll
  static void install() {
    Cli.in(Cli.home());
  }

  private static Stream<CommandLine> commands(CommandLine command) {
    return Stream.concat(
        Stream.of(command), command.getSubcommands().values().stream().flatMap(HelpTest::commands));
  }

  private static List<CommandLine> commands() {
    return commands(Vecferry.commandLine())
        .filter(one -> !one.getCommandName().equals("help"))
        .toList();
  }

  /** An example that is not understood is worse than none. */
  @Test
  void everyCommandHasExamplesThatAreUnderstood() {
    for (CommandLine command : commands()) {
      String help = command.getUsageMessage(CommandLine.Help.Ansi.OFF);
      assertThat(help).contains("Examples:" + System.lineSeparator() + PROGRAM);
      for (String example : command.getCommandSpec().usageMessage().footer()) {
        List<String> words =
            DocsTest.words(example.replaceFirst("source <\\((.*)\\)", "$1")).stream()
                .takeWhile(word -> !word.startsWith(">"))
                .toList();
        assertThat(words.get(0)).isEqualTo("vecferry");
        Vecferry.commandLine().parseArgs(words.subList(1, words.size()).toArray(String[]::new));
      }
    }
  }

  @Test
  void theReferenceHasEveryOption() throws IOException {
    String docs = "";
    try (Stream<Path> pages = Files.list(Cli.home().resolve("docs"))) {
      for (Path page : pages.filter(one -> one.toString().endsWith(".md")).toList()) {
        docs += Files.readString(page);
      }
    }
    List<String> missing = new ArrayList<>();
    for (CommandLine command : commands()) {
      for (OptionSpec option : command.getCommandSpec().options()) {
        if (!option.inherited() && !docs.contains(option.longestName())) {
          missing.add(command.getCommandName() + " " + option.longestName());
        }
      }
    }
    assertThat(missing).isEmpty();
  }

  @Test
  void errorsPointToSectionsThatExist() throws IOException {
    List<String> places =
        Stream.concat(
                Arrays.stream(Guide.values()).map(Guide::place),
                Arrays.stream(FailureClass.values()).map(Guide::to))
            .toList();
    for (String place : places) {
      String[] parts = place.split("#");
      List<String> anchors =
          Files.readAllLines(Cli.home().resolve(parts[0])).stream()
              .filter(line -> line.startsWith("#"))
              .map(line -> line.replaceFirst("#+ ", "").toLowerCase(Locale.ROOT).replace(' ', '-'))
              .toList();
      if (parts.length > 1) {
        assertThat(anchors).as(place).contains(parts[1]);
      }
    }
  }

  @Test
  void bashCompletesCommandsAndOptions() throws Exception {
    Cli.Result script = Cli.in(folder).run("completion", "bash");
    Files.writeString(folder.resolve("vecferry.bash"), script.out());
    assertThat(bash("vecferry va")).contains("validate");
    assertThat(bash("vecferry list --st")).contains("--state", "--store");
  }

  private List<String> bash(String line) throws Exception {
    return shell(
        "bash",
        "-c",
        "source vecferry.bash; COMP_LINE='"
            + line
            + "'; COMP_WORDS=($COMP_LINE); COMP_CWORD=$((${#COMP_WORDS[@]} - 1));"
            + " _complete_vecferry; printf '%s\\n' \"${COMPREPLY[@]}\"");
  }

  /** An interactive zsh on a terminal of its own, in which somebody presses the tab key. */
  @Test
  void zshCompletesCommandsAndOptions() throws Exception {
    assumeInstalled("zsh");
    Cli.Result script = Cli.in(folder).run("completion", "zsh");
    Files.writeString(folder.resolve("vecferry.zsh"), script.out());
    Files.writeString(
        folder.resolve("press-tab.zsh"),
        """
        zmodload zsh/zpty
        zpty shell zsh -f -i
        zpty -w shell "autoload -U compinit; compinit -u -D; source vecferry.zsh; print REA''DY"
        zpty -r shell shown '*READY*'
        zpty -n -w shell $'vecferry vali\\t--versi\\t'
        zpty -r shell shown '*validate*--version*' && print -r completed || print -r -- "$shown"
        """);
    assertThat(shell("timeout", "30", "zsh", "-f", "press-tab.zsh")).contains("completed");
  }

  @Test
  void fishCompletesCommandsAndOptions() throws Exception {
    assumeInstalled("fish");
    Cli.Result script = Cli.in(folder).run("completion", "fish");
    Files.writeString(folder.resolve("vecferry.fish"), script.out());
    assertThat(fish("vecferry va"))
        .singleElement(InstanceOfAssertFactories.STRING)
        .startsWith("validate\t");
    assertThat(fish("vecferry list --st"))
        .anyMatch(line -> line.startsWith("--state\t"))
        .anyMatch(line -> line.startsWith("--store\t"));
    assertThat(fish("vecferry archive ver"))
        .singleElement(InstanceOfAssertFactories.STRING)
        .startsWith("verify\t");
  }

  private List<String> fish(String line) throws Exception {
    // It warns where it has no home.
    String complete = "source vecferry.fish; complete -C '" + line + "'";
    return shell("sh", "-c", "timeout 30 fish --no-config -c \"$0\" 2>fish.err", complete);
  }

  /** What our CI installs is there; elsewhere people need not have each shell. */
  private static void assumeInstalled(String program) throws Exception {
    boolean installed =
        new ProcessBuilder("sh", "-c", "command -v " + program)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start()
                .waitFor()
            == 0;
    assumeTrue(installed || "true".equals(System.getenv("CI")), "no " + program);
  }

  /** The lines that a command prints, in the folder of the test. */
  private List<String> shell(String... command) throws Exception {
    Process shell =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    return new String(shell.getInputStream().readAllBytes()).lines().map(String::strip).toList();
  }

  /** Every line of what fish reads is a command of its own, with a quoted description. */
  @Test
  void fishIsToldOfEveryCommand() {
    String script = CompletionCommand.fish(Vecferry.commandLine());
    assertThat(script.lines())
        .allMatch(
            line -> line.matches("complete -c vecferry -n ('[^']*'|\\S+) [^']*( -d '[^']*')?"));
    for (CommandLine command : commands()) {
      if (command.getParent() != null) {
        assertThat(script).contains(" -a " + command.getCommandName() + " ");
      }
    }
  }
}
