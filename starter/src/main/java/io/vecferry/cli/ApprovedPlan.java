package io.vecferry.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vecferry.plan.MigrationPlan;
import io.vecferry.plan.PlanBasis;
import io.vecferry.workflow.Payloads;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** The option that names a plan which somebody has approved. */
final class ApprovedPlan {
  @Option(
      names = "--plan",
      paramLabel = "FILE",
      description =
          "What plan --json has written. The migration starts only when that is still what would be"
              + " planned.")
  Path file;

  /** Puts what the plan was made for into the document, for the migration to compare. */
  void addTo(JsonNode document) {
    if (file == null) {
      return;
    }
    MigrationPlan plan = read();
    if (plan.specHash() == null || plan.source() == null) {
      throw new UserError(file + " is no plan. Make one with: vecferry plan SPEC --json > " + file);
    }
    if (!plan.blocking().isEmpty()) {
      throw new UserError(
          file + " is a plan of a migration that cannot start: " + plan.blocking().get(0));
    }
    ((ObjectNode) document).set("approvedPlan", Payloads.MAPPER.valueToTree(PlanBasis.of(plan)));
  }

  private MigrationPlan read() {
    if (!Files.isRegularFile(file)) {
      throw new UserError("There is no file " + file + ". Name one that plan --json has written.");
    }
    try {
      return Payloads.MAPPER.readValue(file.toFile(), MigrationPlan.class);
    } catch (IOException e) {
      throw new UserError(file + " is no plan: " + e.getMessage());
    }
  }
}
