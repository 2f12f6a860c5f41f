package io.vecferry.store;

import io.vecferry.plan.FieldMapping;
import io.vecferry.plan.RecordProfile;
import io.vecferry.record.IdKind;
import io.vecferry.record.VectorKind;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/** Puts together what a store says where the fields of a load go. Not thread-safe. */
public final class MappingRows {
  private final LoadSchema schema;
  private final List<FieldMapping> rows = new ArrayList<>();

  public MappingRows(LoadSchema schema) {
    this.schema = schema;
  }

  /**
   * What a vector field is called on the target.
   *
   * @param names for each field of the target its name in the records
   */
  public static String called(Map<String, String> names, VectorFieldInfo field) {
    return names.entrySet().stream()
        .filter(name -> name.getValue().equals(field.name()))
        .map(Map.Entry::getKey)
        .findFirst()
        .orElseThrow();
  }

  /**
   * Adds the id.
   *
   * @param kinds that the target has as they are
   * @param otherwise what becomes of ids of other kinds
   */
  public MappingRows id(String target, Set<IdKind> kinds, String otherwise) {
    String source =
        "id, "
            + String.join(
                " or ",
                schema.idKinds().stream()
                    .sorted()
                    .map(kind -> kind.name().toLowerCase(Locale.ROOT))
                    .toList());
    rows.add(
        new FieldMapping(
            source, target, kinds.containsAll(schema.idKinds()) ? FieldMapping.EXACT : otherwise));
    return this;
  }

  /**
   * Adds the vector fields.
   *
   * @param deviation of the dense ones, as {@link VectorStore#deviation} says
   */
  public MappingRows vectors(Function<VectorFieldInfo, String> target, double deviation) {
    for (VectorFieldInfo field : schema.vectors()) {
      String source =
          (field.name().isEmpty() ? "vectors" : "vectors " + field.name())
              + ", "
              + (field.kind() == VectorKind.SPARSE
                  ? "sparse"
                  : (field.kind() == VectorKind.MULTI ? "several of " : "")
                      + field.dimension()
                      + " "
                      + field.element().name().toLowerCase(Locale.ROOT))
              + ", "
              + field.metric().spelling();
      rows.add(
          new FieldMapping(
              source,
              target.apply(field),
              deviation == 0 || field.kind() == VectorKind.SPARSE
                  ? FieldMapping.EXACT
                  : String.format(Locale.ROOT, "within %.0e of a component", deviation)));
    }
    return this;
  }

  /** Adds the document, unless it is known that no record has one. */
  public MappingRows document(String target) {
    RecordProfile profile = schema.profile();
    if (!profile.complete() || profile.longestDocument() >= 0) {
      rows.add(
          new FieldMapping(
              "document"
                  + (profile.longestDocument() < 0
                      ? ""
                      : String.format(Locale.ROOT, ", up to %,d bytes", profile.longestDocument())),
              target,
              FieldMapping.EXACT));
    }
    return this;
  }

  /** Adds the metadata keys that were met, in the order of their names. */
  public MappingRows keys(
      Function<RecordProfile.Key, String> target, Function<RecordProfile.Key, String> how) {
    List<RecordProfile.Key> sorted = new ArrayList<>(schema.profile().keys());
    sorted.sort(Comparator.comparing(RecordProfile.Key::name));
    for (RecordProfile.Key key : sorted) {
      rows.add(
          new FieldMapping(
              "metadata "
                  + key.name()
                  + ", "
                  + String.join(" or ", key.types())
                  + (key.rows() < schema.profile().rows() ? ", not in all" : ""),
              target.apply(key),
              how.apply(key)));
    }
    return this;
  }

  /** Everything that was added. */
  public List<FieldMapping> rows() {
    return List.copyOf(rows);
  }
}
