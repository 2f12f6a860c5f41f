package io.vecferry.cli;

import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Parameters;

@Command(
    name = "completion",
    mixinStandardHelpOptions = true,
    description = "Prints what a shell needs to complete commands and options.",
    footer = {
      "  vecferry completion fish > ~/.config/fish/completions/vecferry.fish",
      "  source <(vecferry completion bash)",
      "  source <(vecferry completion zsh)"
    })
final class CompletionCommand implements Callable<Integer> {
  private static final String PROGRAM = "vecferry";

  /** Shells that are known. */
  enum Shell {
    BASH,
    ZSH,
    FISH;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  @Parameters(paramLabel = "SHELL", description = "${COMPLETION-CANDIDATES}.")
  Shell shell;

  @Override
  public Integer call() {
    CommandLine all = Vecferry.commandLine();
    // What is for bash, zsh understands too, and says so to itself.
    System.out.print(shell == Shell.FISH ? fish(all) : AutoComplete.bash(PROGRAM, all));
    return ExitCode.OK;
  }

  static String fish(CommandLine all) {
    StringBuilder script = new StringBuilder();
    script.append("complete -c " + PROGRAM + " -n __fish_use_subcommand -f\n");
    all.getSubcommands()
        .forEach(
            (name, command) -> {
              complete(
                  script,
                  "__fish_use_subcommand",
                  "-a " + name,
                  command.getCommandSpec().usageMessage().description());
              String within = "'__fish_seen_subcommand_from " + name + "'";
              options(script, within, command);
              command
                  .getSubcommands()
                  .forEach(
                      (inner, subcommand) -> {
                        complete(
                            script,
                            within,
                            "-a " + inner,
                            subcommand.getCommandSpec().usageMessage().description());
                        options(script, "'__fish_seen_subcommand_from " + inner + "'", subcommand);
                      });
            });
    return script.toString();
  }

  private static void options(StringBuilder script, String within, CommandLine command) {
    for (OptionSpec option : command.getCommandSpec().options()) {
      String names =
          option.longestName().startsWith("--")
              ? "-l " + option.longestName().substring(2)
              : "-s " + option.longestName().substring(1);
      complete(
          script, within, option.arity().max() > 0 ? names + " -r" : names, option.description());
    }
  }

  private static void complete(
      StringBuilder script, String within, String what, String[] description) {
    String words =
        Arrays.stream(description).limit(1).collect(Collectors.joining()).replace("'", "");
    script.append(
        "complete -c " + PROGRAM + " -n " + within + " " + what + " -d '" + words + "'\n");
  }
}
