package io.vecferry.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.vecferry.phase.Planner;
import io.vecferry.phase.SpecCheck;
import io.vecferry.plan.Finding;
import io.vecferry.plan.MigrationPlan;
import io.vecferry.plan.PlannedField;
import io.vecferry.plan.PlannedSide;
import io.vecferry.spec.MigrationSpec;
import io.vecferry.spec.SpecReader;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

@Command(
    name = "plan",
    mixinStandardHelpOptions = true,
    description =
        "Looks at both sides and says what the migration would do and need. Writes nothing.")
final class PlanCommand implements Callable<Integer> {
  @ParentCommand Vecferry root;

  @Parameters(paramLabel = "SPEC", description = "Spec, YAML or JSON.")
  Path file;

  @Option(names = "--json", description = "Print JSON.")
  boolean json;

  @Override
  public Integer call() {
    JsonNode document = SpecFile.read(file);
    SpecFile.require(SpecCheck.check(document), file);
    MigrationSpec spec = SpecReader.read(document).spec();
    MigrationPlan plan =
        new Planner(false)
            .plan(
                spec,
                root.archiveRoot.resolve(spec.name()).toAbsolutePath().toString(),
                "",
                false,
                System.currentTimeMillis());
    if (json) {
      System.out.println(MigrationCommand.json(plan));
    } else {
      print(plan);
    }
    return plan.blocking().isEmpty() ? ExitCode.OK : ExitCode.WRONG_USAGE;
  }

  private static void print(MigrationPlan plan) {
    for (Finding finding : plan.findings()) {
      System.out.println(finding.severity() + "  " + finding);
    }
    side("Source", plan.source());
    side("Target", plan.target());
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
        String.format(
            Locale.ROOT,
            "Needs    %,d MB of archive, %,d MB on the target, %,d MB of worker heap, %,d history"
                + " events, about %,d s",
            plan.estimate().archiveBytes() >> 20,
            plan.estimate().targetBytes() >> 20,
            Math.max(256, plan.estimate().workerMemoryBytes() >> 20),
            plan.estimate().historyEvents(),
            plan.estimate().seconds()));
    System.out.println("Archive  " + plan.archive());
    if (!plan.targetPlan().isEmpty()) {
      System.out.println("Name");
      plan.targetPlan().forEach(step -> System.out.println("  - " + step));
    }
    System.out.println("Rollback");
    plan.rollbackPlan().forEach(step -> System.out.println("  - " + step));
    System.out.println(
        plan.blocking().isEmpty()
            ? "Nothing blocks this migration."
            : "This migration cannot start.");
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
