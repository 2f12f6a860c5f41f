package io.vecferry.plan;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What a plan was made for. A run that is given an approved plan refuses when this is no longer so.
 *
 * @param specHash hash of the spec
 * @param sourceStore flavour and version
 * @param sourceVectors vector fields of the source
 * @param sourceIdKinds kinds of its ids
 * @param sourceRows its records
 * @param targetVectors vector fields of the collection that is to be loaded
 * @param before what readers of the target's name get; empty when the name is free
 * @param beforeVectors its vector fields
 * @param beforeRows its records
 */
public record PlanBasis(
    String specHash,
    String sourceStore,
    List<PlannedField> sourceVectors,
    List<String> sourceIdKinds,
    long sourceRows,
    List<PlannedField> targetVectors,
    String before,
    List<PlannedField> beforeVectors,
    long beforeRows) {
  /** By how much, in percent, a number of records may differ from the plan. */
  public static final int GROWTH_PERCENT = 10;

  private static final JsonMapper MAPPER =
      JsonMapper.builder().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).build();

  public PlanBasis {
    sourceVectors = copy(sourceVectors);
    sourceIdKinds = copy(sourceIdKinds);
    targetVectors = copy(targetVectors);
    beforeVectors = copy(beforeVectors);
  }

  private static <T> List<T> copy(List<T> list) {
    return list == null ? List.of() : List.copyOf(list);
  }

  /** What a plan was made for. */
  public static PlanBasis of(MigrationPlan plan) {
    Optional<PlannedSide> existing =
        Optional.ofNullable(plan.existing()).map(ExistingTarget::collection);
    return new PlanBasis(
        plan.specHash(),
        plan.source().store(),
        plan.source().vectors(),
        plan.source().idKinds(),
        plan.source().rows(),
        plan.target().vectors(),
        plan.nameSwitch() == null ? "" : plan.nameSwitch().before(),
        existing.map(PlannedSide::vectors).orElse(List.of()),
        existing.map(PlannedSide::rows).orElse(0L));
  }

  /** Reads one from JSON; empty when it is none. */
  public static Optional<PlanBasis> read(JsonNode node) {
    try {
      return Optional.ofNullable(MAPPER.treeToValue(node, PlanBasis.class))
          .filter(basis -> basis.specHash != null);
    } catch (JsonProcessingException e) {
      return Optional.empty();
    }
  }

  /** In what a plan that is made now differs, in words. */
  public List<String> differences(PlanBasis now) {
    List<String> differences = new ArrayList<>();
    if (!specHash.equals(now.specHash)) {
      differences.add("the spec is another one.");
    }
    add(differences, "the source is in", sourceStore, now.sourceStore);
    addFields(differences, "the source", sourceVectors, now.sourceVectors);
    add(differences, "ids of the source are", sourceIdKinds, now.sourceIdKinds);
    addRows(differences, "the source", sourceRows, now.sourceRows);
    addFields(differences, "the target", targetVectors, now.targetVectors);
    add(differences, "readers of the target get", orNothing(before), orNothing(now.before));
    addFields(differences, "what the target replaces", beforeVectors, now.beforeVectors);
    addRows(differences, "what the target replaces", beforeRows, now.beforeRows);
    return differences;
  }

  private static String orNothing(String name) {
    return name == null || name.isEmpty() ? "nothing" : name;
  }

  private static void add(List<String> differences, String what, Object planned, Object now) {
    if (!planned.equals(now)) {
      differences.add(what + " " + now + ", it was " + planned + " in the plan.");
    }
  }

  private static void addFields(
      List<String> differences, String what, List<PlannedField> planned, List<PlannedField> now) {
    if (!planned.equals(now)) {
      differences.add(
          what + " has the vectors " + words(now) + ", in the plan it had " + words(planned) + ".");
    }
  }

  private static List<String> words(List<PlannedField> fields) {
    return fields.stream()
        .map(
            field ->
                String.format(
                    "'%s' (%s %s %d, %s, %s %s)",
                    field.name(),
                    field.kind(),
                    field.element(),
                    field.dimension(),
                    field.metric(),
                    field.indexType().isEmpty() ? "default index" : field.indexType(),
                    field.indexParams()))
        .toList();
  }

  private static void addRows(List<String> differences, String what, long planned, long now) {
    if (Math.abs(now - planned) * 100 > planned * GROWTH_PERCENT) {
      differences.add(
          String.format(
              Locale.ROOT,
              "%s has %,d records, in the plan it had %,d; %d %% more or less are allowed.",
              what,
              now,
              planned,
              GROWTH_PERCENT));
    }
  }
}
