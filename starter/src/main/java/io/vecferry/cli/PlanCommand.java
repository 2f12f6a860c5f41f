package io.vecferry.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.vecferry.archive.Archive;
import io.vecferry.archive.ArtifactStore;
import io.vecferry.phase.Planner;
import io.vecferry.plan.CanaryResult;
import io.vecferry.plan.FieldMapping;
import io.vecferry.plan.Finding;
import io.vecferry.plan.Forecast;
import io.vecferry.plan.MigrationPlan;
import io.vecferry.plan.PlannedField;
import io.vecferry.plan.PlannedSide;
import io.vecferry.plan.RecordProfile;
import io.vecferry.spec.MigrationSpec;
import io.vecferry.spec.SpecReader;
import io.vecferry.store.StoreException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

@Command(
    name = "plan",
    footer = {
      "  vecferry plan examples/fortunes/spec.yaml",
      "  vecferry plan products.yaml --deep --json"
    },
    mixinStandardHelpOptions = true,
    description =
        "Looks at both sides and says what the migration would do and need. Tries a few records"
            + " on the target and removes them; nothing else is written.")
final class PlanCommand implements Callable<Integer> {
  private static final int MOST_FIELDS = 40;

  @ParentCommand Vecferry root;

  @Parameters(paramLabel = "SPEC", description = "Spec, YAML or JSON.")
  Path file;

  @Option(names = "--json", description = "Print JSON.")
  boolean json;

  @Option(
      names = "--deep",
      description = "Look at every record of the source, not only at 2,000 of them.")
  boolean deep;

  @Override
  public Integer call() {
    JsonNode document = SpecFile.read(file);
    root.check(document, file);
    MigrationPlan plan = plan(SpecReader.read(document).spec());
    if (json) {
      System.out.println(MigrationCommand.json(plan));
    } else {
      print(plan);
    }
    return plan.blocking().isEmpty() ? ExitCode.OK : ExitCode.WRONG_USAGE;
  }

  private MigrationPlan plan(MigrationSpec spec) {
    try {
      ArtifactStore store = root.archiveRoot.store();
      MigrationPlan plan =
          new Planner(false, deep)
              .plan(
                  root.connections().resolve(spec),
                  Archive.find(store, spec.name()).location(),
                  store.freeBytes(),
                  "",
                  false,
                  System.currentTimeMillis());
      return Planner.withArchivePlace(plan, store, spec);
    } catch (StoreException e) {
      throw new UserError(e.getMessage());
    }
  }

  private static void print(MigrationPlan plan) {
    plan.findings().stream()
        .sorted(Comparator.comparing(Finding::severity))
        .forEach(finding -> System.out.println(finding.severity() + "  " + finding));
    side("Source", plan.source());
    side("Target", plan.target());
    records(plan.source().profile());
    System.out.println(
        String.format(
            Locale.ROOT,
            "Work     %,d records in %,d parts of at most %,d, %d partitions, %d at once%s",
            plan.source().rows(),
            plan.estimate().parts(),
            plan.partRows(),
            plan.partitions().size(),
            plan.parallelism(),
            plan.childWorkflows() ? ", each partition in a workflow of its own" : ""));
    System.out.println(
        String.format(Locale.ROOT, "Time     about %,d s", plan.estimate().seconds()));
    for (Forecast.Need need : plan.forecast().needs()) {
      System.out.println(
          String.format(
              Locale.ROOT,
              "Needs    %-16s %s%s",
              need.name(),
              need.words(need.needed()),
              need.available() < 0 ? "" : " of " + need.words(need.available())));
    }
    System.out.println("Archive  " + plan.archive());
    canary(plan);
    mapping(plan.mapping());
    list("Timeline", plan.forecast().timeline());
    list("Name", plan.targetPlan());
    list("Rollback", plan.rollbackPlan());
    System.out.println(
        plan.blocking().isEmpty()
            ? "Nothing blocks this migration."
            : "This migration cannot start.");
  }

  private static void records(RecordProfile profile) {
    if (profile == null || profile.rows() == 0) {
      return;
    }
    System.out.println(
        String.format(
            Locale.ROOT,
            "Records  %s%,d looked at; longest id %,d, document %s, metadata %,d bytes",
            profile.complete() ? "all " : "",
            profile.rows(),
            profile.longestId(),
            profile.longestDocument() < 0
                ? "none"
                : String.format(Locale.ROOT, "%,d", profile.longestDocument()),
            profile.longestMetadata()));
    if (profile.vectors() > 0) {
      System.out.println(
          String.format(
              Locale.ROOT,
              "         lengths of vectors from %.4g to %.4g; %,d of %,d have unit length, %,d are"
                  + " zero",
              profile.smallestNorm(),
              profile.largestNorm(),
              profile.unitLength(),
              profile.vectors(),
              profile.zero()));
    }
  }

  private static void mapping(List<FieldMapping> mapping) {
    List<String> lines = new ArrayList<>();
    for (FieldMapping field : mapping.subList(0, Math.min(MOST_FIELDS, mapping.size()))) {
      lines.add(field.source() + " -> " + field.target() + ": " + field.how());
    }
    if (mapping.size() > MOST_FIELDS) {
      lines.add((mapping.size() - MOST_FIELDS) + " more, see --json");
    }
    list("Mapping", lines);
  }

  private static void list(String title, List<String> lines) {
    if (!lines.isEmpty()) {
      System.out.println(title);
      lines.forEach(line -> System.out.println("  - " + line));
    }
  }

  private static void canary(MigrationPlan plan) {
    CanaryResult canary = plan.forecast().canary();
    if (canary == null) {
      return;
    }
    System.out.println(
        String.format(
            Locale.ROOT,
            "Canary   %,d records of the source and %,d made up; %s; %d of %d found by their own"
                + " vectors",
            canary.rows(),
            canary.madeRows(),
            canary.exact()
                ? "every bit came back"
                : String.format(
                    Locale.ROOT,
                    "%,d with every bit, %,d within %.2g",
                    canary.bitExactRows(),
                    canary.withinToleranceRows(),
                    canary.largestDeviation()),
            canary.found(),
            canary.searched()));
    System.out.println(
        String.format(
            Locale.ROOT,
            "         read %,.0f/s, written %,.0f/s, fetched %,.0f/s, ready after %.1f s",
            canary.readRowsPerSecond(),
            canary.writeRowsPerSecond(),
            canary.fetchRowsPerSecond(),
            canary.finishSeconds()));
  }

  private static void side(String title, PlannedSide side) {
    System.out.println(
        String.format(Locale.ROOT, "%-8s %s  %s", title, side.store(), side.collection()));
    for (PlannedField field : side.vectors()) {
      System.out.println(
          String.format(
              Locale.ROOT,
              "         vectors %s: %s, %s, %s",
              field.name().isEmpty() ? "(unnamed)" : field.name(),
              Shape.of(field.kind(), field.element(), field.dimension()),
              field.metric(),
              field.indexType().isEmpty() ? "default index" : field.indexType()));
    }
  }
}
