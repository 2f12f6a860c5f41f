package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.plan.FailureClass;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
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
    Process bash =
        new ProcessBuilder(
                "bash",
                "-c",
                "source vecferry.bash; COMP_LINE='"
                    + line
                    + "'; COMP_WORDS=($COMP_LINE); COMP_CWORD=$((${#COMP_WORDS[@]} - 1));"
                    + " _complete_vecferry; printf '%s\\n' \"${COMPREPLY[@]}\"")
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .start();
    return new String(bash.getInputStream().readAllBytes()).lines().map(String::strip).toList();
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
