package io.vecferry.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.temporal.payload.codec.PayloadCodecException;
import io.vecferry.archive.place.ArchiveRoot;
import io.vecferry.phase.Connections;
import io.vecferry.phase.SpecCheck;
import io.vecferry.spec.SpecProblem;
import io.vecferry.store.Secrets;
import io.vecferry.store.StoreException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.logging.Level;
import java.util.logging.Logger;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** The command line. Results go to standard output, progress and problems to standard error. */
@Command(
    name = "vecferry",
    description = "Moves vector collections between stores and proves that nothing was lost.",
    mixinStandardHelpOptions = true,
    versionProvider = Vecferry.Version.class,
    synopsisSubcommandLabel = "COMMAND",
    sortOptions = false,
    footer = {
      "  vecferry demo",
      "  vecferry init --output products.yaml",
      "  vecferry plan products.yaml",
      "  vecferry run products.yaml"
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:migrated and proved, or the command did what it should",
      "1:wrong usage, spec or connection; nothing was written",
      "2:not migrated: rolled back, the previous state is restored",
      "3:waits for a person, or a person skipped a part of the proof; compare: the target does not"
          + " pass",
      "4:the rollback is incomplete, a person must look"
    },
    subcommands = {
      DemoCommand.class,
      InitCommand.class,
      ValidateCommand.class,
      PlanCommand.class,
      RunCommand.class,
      StartCommand.class,
      ListCommand.class,
      StatusCommand.class,
      WatchCommand.class,
      FailuresCommand.class,
      VerbCommand.Pause.class,
      VerbCommand.Resume.class,
      VerbCommand.Retry.class,
      VerbCommand.Repair.class,
      VerbCommand.Skip.class,
      VerbCommand.Approve.class,
      VerbCommand.Reject.class,
      VerbCommand.Rollback.class,
      VerbCommand.Finalize.class,
      VerbCommand.Tune.class,
      VerbCommand.Cancel.class,
      ReportCommand.class,
      InspectCommand.class,
      CompareCommand.class,
      StoresCommand.class,
      ArchiveCommand.class,
      WorkerCommand.class,
      CodecServerCommand.class,
      CompletionCommand.class,
      HelpCommand.class
    })
public final class Vecferry {
  /** gRPC logs through the JDK; kept here because loggers that nobody holds lose their level. */
  private static final Logger GRPC_LOG = Logger.getLogger("io.grpc");

  private static final String LOG_FORMAT = "--log-format";

  @Option(
      names = "--archive",
      paramLabel = "DIR",
      scope = ScopeType.INHERIT,
      defaultValue = "${env:VECFERRY_ARCHIVE:-vecferry-archive}",
      converter = ArchiveRootConverter.class,
      description =
          "Folder of all archives, or s3://BUCKET/PREFIX (default: VECFERRY_ARCHIVE, or"
              + " vecferry-archive).")
  ArchiveRoot archiveRoot;

  @Option(
      names = "--connections",
      paramLabel = "FILE",
      scope = ScopeType.INHERIT,
      description = "Stores that specs may name (default: VECFERRY_CONNECTIONS, or none).")
  private Path connectionsFile;

  /** Looked at before commands are known, because the first logger decides. */
  @Option(
      names = LOG_FORMAT,
      paramLabel = "human|json",
      scope = ScopeType.INHERIT,
      defaultValue = "${env:VECFERRY_LOG_FORMAT:-human}",
      description =
          "Lines of the log for people or as JSON (default: VECFERRY_LOG_FORMAT, or human).")
  private LogFormat logFormat;

  private enum LogFormat {
    HUMAN,
    JSON
  }

  private Vecferry() {}

  private static final class ArchiveRootConverter
      implements CommandLine.ITypeConverter<ArchiveRoot> {
    @Override
    public ArchiveRoot convert(String location) {
      try {
        return ArchiveRoot.of(location);
      } catch (StoreException e) {
        throw new CommandLine.TypeConversionException(e.getMessage());
      }
    }
  }

  /** Runs a command and ends the process with its exit code. */
  public static void main(String[] arguments) {
    int code = execute(arguments);
    System.out.flush();
    System.exit(code);
  }

  /** Stores that specs may name to this process. */
  Connections connections() {
    Path file = connectionsFile();
    if (file == null) {
      return Connections.none();
    }
    List<SpecProblem> problems = new ArrayList<>();
    Connections connections = Connections.read(SpecFile.document(file), archiveRoot, problems);
    SpecFile.require(problems, file);
    return connections;
  }

  /** Ends with all problems of a spec; those with names of stores only where they are known. */
  void check(JsonNode document, Path file) {
    SpecFile.require(problems(document), file);
  }

  List<SpecProblem> problems(JsonNode document) {
    return SpecCheck.check(document, connectionsFile() == null ? null : connections());
  }

  private Path connectionsFile() {
    String variable = System.getenv("VECFERRY_CONNECTIONS");
    return connectionsFile != null || variable == null || variable.isEmpty()
        ? connectionsFile
        : Path.of(variable);
  }

  /** Runs a command and returns its exit code. */
  static int execute(String... arguments) {
    quietLogs(arguments);
    chooseLogFormat(arguments);
    return commandLine()
        .setExitCodeExceptionMapper(failure -> ExitCode.WRONG_USAGE)
        .setExecutionExceptionHandler(Vecferry::explain)
        .setParameterExceptionHandler(Vecferry::explainUsage)
        .execute(arguments);
  }

  /** All commands and their options. */
  static CommandLine commandLine() {
    CommandLine all =
        new CommandLine(new Vecferry())
            .setCaseInsensitiveEnumValuesAllowed(true)
            .setColorScheme(
                CommandLine.Help.defaultColorScheme(
                    Colour.inResults() ? CommandLine.Help.Ansi.ON : CommandLine.Help.Ansi.OFF));
    headExamples(all);
    return all;
  }

  private static void headExamples(CommandLine command) {
    CommandLine.Model.UsageMessageSpec usage = command.getCommandSpec().usageMessage();
    if (usage.footer().length > 0) {
      usage.footerHeading("%nExamples:%n");
    }
    command.getSubcommands().values().forEach(Vecferry::headExamples);
  }

  /**
   * A worker logs. A person at a terminal is shown progress and failures, and not the same again as
   * a log; VECFERRY_LOG brings it back.
   */
  private static void quietLogs(String[] arguments) {
    GRPC_LOG.setLevel(Level.SEVERE);
    boolean worker = Arrays.asList(arguments).contains("worker");
    if (!worker && System.getenv("VECFERRY_LOG") == null) {
      System.setProperty("VECFERRY_LOG", "error");
    }
  }

  private static void chooseLogFormat(String[] arguments) {
    String format = System.getenv("VECFERRY_LOG_FORMAT");
    for (int i = 0; i < arguments.length; i++) {
      if (arguments[i].startsWith(LOG_FORMAT + "=")) {
        format = arguments[i].substring(LOG_FORMAT.length() + 1);
      } else if (arguments[i].equals(LOG_FORMAT) && i + 1 < arguments.length) {
        format = arguments[i + 1];
      }
    }
    if (format != null) {
      System.setProperty("VECFERRY_LOG_FORMAT", format.toLowerCase(Locale.ROOT));
    }
  }

  private static int explain(
      Exception failure, CommandLine command, CommandLine.ParseResult ignored) throws Exception {
    if (failure instanceof UserError || failure instanceof StoreException) {
      command.getErr().println("vecferry: " + failure.getMessage());
      Guide.to(failure).ifPresent(place -> command.getErr().println("See " + place + "."));
      return ExitCode.WRONG_USAGE;
    }
    for (Throwable link = failure; link != null; link = link.getCause()) {
      if (link instanceof PayloadCodecException) {
        command.getErr().println("vecferry: " + link.getMessage());
        return ExitCode.WRONG_USAGE;
      }
    }
    throw (Exception) Secrets.hidden(failure);
  }

  private static int explainUsage(CommandLine.ParameterException failure, String[] arguments) {
    CommandLine command = failure.getCommandLine();
    command.getErr().println("vecferry: " + failure.getMessage());
    if (!CommandLine.UnmatchedArgumentException.printSuggestions(failure, command.getErr())) {
      command.getErr().println("Try '" + command.getCommandSpec().qualifiedName() + " --help'.");
    }
    return ExitCode.WRONG_USAGE;
  }

  /** The version in the manifest of the jar. */
  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = Vecferry.class.getPackage().getImplementationVersion();
      return new String[] {"vecferry " + (version == null ? "development" : version)};
    }
  }
}
