package io.vecferry.phase;

import io.vecferry.archive.PartSchema;
import io.vecferry.plan.FailureClass;
import io.vecferry.quality.CollectionReference;
import io.vecferry.quality.QualityCheck;
import io.vecferry.quality.QualityResult;
import io.vecferry.record.VectorKind;
import io.vecferry.spec.MigrationSpec;
import io.vecferry.store.CollectionInfo;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import io.vecferry.store.VectorFieldInfo;
import io.vecferry.store.VectorStore;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Compares two collections that exist and have the same ids: what they answer, and how fast. Right
 * answers come from exact search over the records of the source, which are read for it. Writes
 * nothing.
 */
public final class SideBySide {
  /** FAISS indexes that compare a query with every vector, as FAISS spells them. */
  private static final Pattern ALL_COMPARED = Pattern.compile("(IDMap2?,)?((Binary)?Flat|SQ\\w+)");

  private SideBySide() {}

  /** A collection that was compared, and its field that was searched. */
  public record Side(String store, String collection, long rows, String field, String metric) {
    static Side of(CollectionInfo info, VectorFieldInfo field) {
      return new Side(
          info.store(), info.collection(), info.rows(), field.name(), field.metric().spelling());
    }
  }

  /**
   * What was found.
   *
   * @param requiredRecall recall that the target had to reach
   * @param scoreTolerance largest score difference that is allowed
   * @param passed whether the target answers well enough
   * @param explanation which side is right, and what would help the target
   * @param notes what has to be known to read the figures
   */
  public record Result(
      Side source,
      Side target,
      QualityResult quality,
      double requiredRecall,
      double scoreTolerance,
      boolean passed,
      String explanation,
      List<String> notes) {}

  /**
   * Compares source and target of a spec.
   *
   * @param clients most clients that search at once
   * @param clientNanos how long each side is searched by each number of clients
   * @throws StoreException when a side cannot be searched, or the two cannot be compared
   */
  public static Result compare(MigrationSpec spec, int clients, long clientNanos) {
    try (VectorStore source =
            Stores.get(spec.source().type())
                .open(new StoreSettings("source", spec.source().settings()));
        VectorStore target =
            Stores.get(spec.target().type())
                .open(new StoreSettings("target", spec.target().settings()))) {
      return compare(spec, source, target, clients, clientNanos);
    }
  }

  private static Result compare(
      MigrationSpec spec, VectorStore source, VectorStore target, int clients, long clientNanos) {
    if (!target.exists()) {
      throw new StoreException(
          FailureClass.MISSING,
          "target: "
              + spec.target().settings().path("path").asText("")
              + spec.target().settings().path("collection").asText("")
              + " is not there. Two collections that exist are compared: run the migration first,"
              + " or name another one.");
    }
    MigrationSpec.Quality wanted = spec.quality();
    CollectionInfo sourceInfo = source.describe();
    CollectionInfo targetInfo = target.describe();
    VectorFieldInfo field = searched(sourceInfo);
    VectorFieldInfo other = counterpart(field, targetInfo);
    List<String> notes = notes(sourceInfo, targetInfo, field, other);
    if (spec.source().type().equals("faiss") && source.searchesExactly(field.name())) {
      ownSearch("source", field.indexType()).ifPresent(notes::add);
    }
    if (spec.target().type().equals("faiss") && target.searchesExactly(other.name())) {
      ownSearch("target", other.indexType()).ifPresent(notes::add);
    }
    QualityCheck check =
        new QualityCheck(
            new CollectionReference(source, field, Runtime.getRuntime().availableProcessors()),
            new PartSchema.VectorField(
                field.name(),
                field.kind(),
                field.element(),
                field.dimension(),
                field.metric(),
                field.metricArgument(),
                field.optional()));
    QualityCheck.Side targetSide = new QualityCheck.Side(target, other.name(), other.metric());
    QualityCheck.SourceAnswers asked =
        check
            .askSource(
                source,
                new QualityCheck.Question(
                    wanted.sampleSize(),
                    wanted.queries() == null ? null : Path.of(wanted.queries()),
                    wanted.topK(),
                    targetSide))
            .orElseThrow(
                () ->
                    new StoreException(
                        FailureClass.INCOMPATIBLE,
                        "there is nothing to ask: quality.sampleSize is 0, or no record of the"
                            + " source has a vector."));
    QualityResult result =
        check.compare(
            asked,
            source,
            targetSide,
            new QualityCheck.Measures(
                wanted.iterations(), Long.MAX_VALUE / 4, wanted.minRecall(), clients, clientNanos));
    return new Result(
        Side.of(sourceInfo, field),
        Side.of(targetInfo, other),
        result,
        result.requiredRecall(wanted.minRecall()),
        wanted.scoreTolerance(),
        result.passes(wanted.minRecall(), wanted.scoreTolerance()),
        result.explanation(wanted.minRecall()),
        notes);
  }

  private static VectorFieldInfo searched(CollectionInfo source) {
    return source.vectors().stream()
        .filter(field -> field.kind() == VectorKind.DENSE)
        .findFirst()
        .orElseThrow(
            () ->
                new StoreException(
                    FailureClass.INCOMPATIBLE,
                    "source: " + source.collection() + " has no dense vectors to search."));
  }

  /** The field of the same name, or the only one. */
  private static VectorFieldInfo counterpart(VectorFieldInfo field, CollectionInfo target) {
    List<VectorFieldInfo> dense =
        target.vectors().stream().filter(info -> info.kind() == VectorKind.DENSE).toList();
    VectorFieldInfo found =
        dense.stream()
            .filter(info -> info.name().equals(field.name()) || dense.size() == 1)
            .findFirst()
            .orElseThrow(
                () ->
                    new StoreException(
                        FailureClass.INCOMPATIBLE,
                        "target: "
                            + target.collection()
                            + " has no field of dense vectors '"
                            + field.name()
                            + "' as the source has; it has "
                            + dense.stream().map(VectorFieldInfo::name).toList()
                            + "."));
    if (found.dimension() != field.dimension()) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE,
          "target: vectors of "
              + target.collection()
              + " have "
              + found.dimension()
              + " components, those of the source "
              + field.dimension()
              + ".");
    }
    if (found.metric() != field.metric()
        && !(Planner.UNIT_EQUIVALENT.contains(found.metric())
            && Planner.UNIT_EQUIVALENT.contains(field.metric()))) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE,
          "target: "
              + target.collection()
              + " compares by "
              + found.metric().spelling()
              + ", the source by "
              + field.metric().spelling()
              + ", which have different neighbours.");
    }
    return found;
  }

  /** Where FAISS itself would compare with every vector too, there is nothing to say. */
  static Optional<String> ownSearch(String side, String indexType) {
    return ALL_COMPARED.matcher(indexType).matches()
        ? Optional.empty()
        : Optional.of(
            "The FAISS index "
                + indexType
                + " of the "
                + side
                + " is searched exactly by vecferry; that says nothing about what FAISS itself"
                + " would find with it, or how fast.");
  }

  private static List<String> notes(
      CollectionInfo source, CollectionInfo target, VectorFieldInfo field, VectorFieldInfo other) {
    List<String> notes = new ArrayList<>();
    if (source.rows() != target.rows()) {
      notes.add(
          String.format(
              Locale.ROOT,
              "The source has %,d records, the target %,d. What is on one side only counts as a"
                  + " wrong or missing answer of the target.",
              source.rows(),
              target.rows()));
    }
    if (field.metric() != other.metric()) {
      notes.add(
          "The source compares by "
              + field.metric().spelling()
              + ", the target by "
              + other.metric().spelling()
              + ": both have the same neighbours only where all vectors have unit length.");
    }
    return notes;
  }
}
