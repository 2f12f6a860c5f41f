package io.vecferry.phase;

import io.vecferry.plan.Finding;
import io.vecferry.plan.PlannedSide;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdKind;
import io.vecferry.record.MultiVectors;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.SparseVectors;
import io.vecferry.record.VectorColumn;
import io.vecferry.store.VectorFieldInfo;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Which vector field of a source goes into which field of the collection that it is merged with:
 * the one with its name, or the only one where each side has one.
 */
final class MergedFields {
  private MergedFields() {}

  /** Finds what keeps records of both sides from standing in one collection. */
  static void check(
      List<VectorFieldInfo> source, List<VectorFieldInfo> target, List<Finding> findings) {
    for (VectorFieldInfo field : source) {
      Optional<VectorFieldInfo> there = partner(field, source, target);
      if (there.isEmpty()) {
        findings.add(
            blocking(
                "the source has the vector field '"
                    + field.name()
                    + "', the target has "
                    + target.stream().map(other -> "'" + other.name() + "'").toList()
                    + "."));
        continue;
      }
      String here = shape(field);
      String other = shape(there.get());
      if (!here.equals(other)) {
        findings.add(
            blocking(
                "the vector field '"
                    + field.name()
                    + "' of the source is "
                    + here
                    + ", '"
                    + there.get().name()
                    + "' of the target is "
                    + other
                    + "."));
      }
    }
    if (target.size() > source.size()) {
      findings.add(
          blocking(
              "the target has "
                  + target.size()
                  + " vector fields, the source has "
                  + source.size()
                  + "."));
    }
  }

  private static Finding blocking(String message) {
    return Finding.blocking(
        "target.ifExists",
        "merge needs the same vector fields on both sides: " + message,
        "Merge with a collection that has them, or use replace.");
  }

  private static String shape(VectorFieldInfo field) {
    return field.kind()
        + " "
        + field.element()
        + " of dimension "
        + field.dimension()
        + " compared by "
        + field.metric().spelling();
  }

  private static Optional<VectorFieldInfo> partner(
      VectorFieldInfo field, List<VectorFieldInfo> source, List<VectorFieldInfo> target) {
    if (source.size() == 1 && target.size() == 1) {
      return Optional.of(target.get(0));
    }
    return target.stream().filter(other -> other.name().equals(field.name())).findFirst();
  }

  /** The fields of the target, which a record may lack where a record of the source may. */
  static List<VectorFieldInfo> withOptional(
      List<VectorFieldInfo> target, List<VectorFieldInfo> source) {
    List<VectorFieldInfo> fields = new ArrayList<>();
    for (VectorFieldInfo field : target) {
      boolean lacking =
          source.stream()
              .filter(other -> partner(other, source, target).orElse(null) == field)
              .anyMatch(VectorFieldInfo::optional);
      fields.add(
          new VectorFieldInfo(
              field.name(),
              field.kind(),
              field.element(),
              field.dimension(),
              field.metric(),
              field.metricArgument(),
              field.indexType(),
              field.indexParams(),
              field.optional() || lacking));
    }
    return fields;
  }

  static Set<IdKind> idKinds(PlannedSide target, Set<IdKind> source) {
    EnumSet<IdKind> kinds = EnumSet.noneOf(IdKind.class);
    kinds.addAll(source);
    target.idKinds().stream().map(IdKind::valueOf).forEach(kinds::add);
    return kinds;
  }

  /** Records of the source as the merged collection has them. */
  static RecordBatch asLoaded(RecordBatch batch, List<String> targetFields) {
    List<VectorColumn> columns = new ArrayList<>();
    for (String name : targetFields) {
      VectorColumn column =
          batch.vectors().size() == 1
              ? batch.vectors().get(0)
              : batch.vectors().stream()
                  .filter(candidate -> candidate.name().equals(name))
                  .findFirst()
                  .orElseThrow();
      columns.add(named(column, name));
    }
    return new RecordBatch(batch.ids(), columns, batch.documents(), batch.metadata());
  }

  private static VectorColumn named(VectorColumn column, String name) {
    if (column instanceof DenseVectors dense) {
      return new DenseVectors(name, dense.dimension(), dense.values(), dense.nulls());
    }
    if (column instanceof SparseVectors sparse) {
      return new SparseVectors(
          name, sparse.offsets(), sparse.indices(), sparse.values(), sparse.nulls());
    }
    MultiVectors multi = (MultiVectors) column;
    return new MultiVectors(
        name, multi.dimension(), multi.offsets(), multi.values(), multi.nulls());
  }
}
