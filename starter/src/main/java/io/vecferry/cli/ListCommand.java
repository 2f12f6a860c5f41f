package io.vecferry.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.vecferry.archive.Archive;
import io.vecferry.client.MigrationSummary;
import io.vecferry.spec.SpecValues;
import io.vecferry.worker.TemporalSettings;
import io.vecferry.workflow.MigrationStatus;
import io.vecferry.workflow.Payloads;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

@Command(
    name = "list",
    mixinStandardHelpOptions = true,
    description = {
      "Lists migrations, the newest first: of the configured Temporal service, or those that have an"
          + " archive here."
    },
    footer = {
      "  vecferry list",
      "  vecferry list --state NEEDS_ATTENTION",
      "  vecferry list --store milvus --since 7d --json"
    })
final class ListCommand implements Callable<Integer> {
  @ParentCommand Vecferry root;

  @Option(
      names = "--state",
      paramLabel = "STATE",
      description =
          "Only these, as RUNNING, PAUSED, WAITING_FOR_APPROVAL, NEEDS_ATTENTION, MIGRATED,"
              + " ROLLED_BACK.")
  String state;

  @Option(names = "--phase", paramLabel = "PHASE", description = "Only those in it, as IMPORT.")
  String phase;

  @Option(
      names = "--store",
      paramLabel = "TEXT",
      description = "Only those whose source or target has this in its address or name.")
  String store;

  @Option(
      names = "--since",
      paramLabel = "AGE",
      description = "Only those that were started in this time, as 30m, 12h, 7d.")
  String since;

  @Option(
      names = "--limit",
      paramLabel = "N",
      defaultValue = "100",
      description = "At most so many (default: ${DEFAULT-VALUE}).")
  int limit;

  @Option(names = "--json", description = "Print JSON.")
  boolean json;

  @Override
  public Integer call() {
    long after = since == null ? 0 : System.currentTimeMillis() - millis(since);
    List<MigrationSummary> found;
    Optional<TemporalSettings> configured = TemporalSettings.load();
    if (configured.isPresent()) {
      try (Temporal service = Temporal.connect(configured.get())) {
        found = chosen(service.client().list(after));
      }
    } else {
      found = chosen(here().stream().filter(one -> one.startedMillis() >= after));
    }
    if (json) {
      System.out.println(MigrationCommand.json(found));
    } else if (found.isEmpty()) {
      System.out.println("No migration.");
    } else {
      print(found);
    }
    return ExitCode.OK;
  }

  private List<MigrationSummary> chosen(Stream<MigrationSummary> all) {
    return all.filter(one -> state == null || one.state().equalsIgnoreCase(word(state)))
        .filter(one -> phase == null || one.phase().equalsIgnoreCase(word(phase)))
        .filter(one -> store == null || has(one.source(), store) || has(one.target(), store))
        .limit(limit)
        .toList();
  }

  private static String word(String given) {
    return given.replace('-', '_').replace(' ', '_');
  }

  private static boolean has(String text, String part) {
    return text.toLowerCase(Locale.ROOT).contains(part.toLowerCase(Locale.ROOT));
  }

  private static long millis(String age) {
    return SpecValues.duration(age)
        .orElseThrow(
            () ->
                new UserError(
                    "--since must be a time such as 30m, 12h or 7d, got \"" + age + "\"."))
        .toMillis();
  }

  /** Those that have an archive in the folder of all archives. */
  private List<MigrationSummary> here() {
    Path archives =
        root.archiveRoot
            .folder()
            .orElseThrow(
                () ->
                    new UserError(
                        "Migrations with archives in "
                            + root.archiveRoot
                            + " are listed by their Temporal service. Set TEMPORAL_ADDRESS.",
                        Guide.TEMPORAL));
    if (!Files.isDirectory(archives)) {
      return List.of();
    }
    List<MigrationSummary> found = new ArrayList<>();
    try (Stream<Path> folders = Files.list(archives)) {
      for (Path folder : folders.filter(one -> Files.exists(one.resolve(Archive.PLAN))).toList()) {
        found.add(summary(folder));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    found.sort(Comparator.comparingLong(MigrationSummary::startedMillis).reversed());
    return found;
  }

  private MigrationSummary summary(Path folder) throws IOException {
    String name = folder.getFileName().toString();
    JsonNode plan = Payloads.MAPPER.readTree(folder.resolve(Archive.PLAN).toFile());
    String source = plan.at("/source/collection").asText();
    String target = plan.at("/target/collection").asText();
    StatusCommand command = new StatusCommand();
    command.root = root;
    command.name = name;
    try {
      MigrationStatus status = command.status();
      return new MigrationSummary(
          name,
          status.outcome() == null ? status.state().name() : status.outcome().name(),
          status.phase() == null ? "" : status.phase().name(),
          (long) (Progress.share(status) * 100),
          source,
          target,
          status.startedMillis());
    } catch (UserError nothingRuns) {
      return new MigrationSummary(
          name,
          "STOPPED",
          "",
          null,
          source,
          target,
          Files.getLastModifiedTime(folder.resolve(Archive.PLAN)).toMillis());
    }
  }

  private static void print(List<MigrationSummary> found) {
    int width = found.stream().mapToInt(one -> one.name().length()).max().orElse(0);
    for (MigrationSummary one : found) {
      System.out.println(
          String.format(
                  Locale.ROOT,
                  "%-" + width + "s  %-19s  %-15s %4s  %s  %s",
                  one.name(),
                  one.state(),
                  one.phase(),
                  one.progress() == null ? "" : one.progress() + "%",
                  one.startedMillis() == 0 ? "" : Instant.ofEpochMilli(one.startedMillis()),
                  one.source().isEmpty() ? "" : one.source() + " -> " + one.target())
              .stripTrailing());
    }
  }
}
