package io.vecferry.store.elasticsearch;

import io.vecferry.plan.FailureClass;
import io.vecferry.plan.Finding;
import io.vecferry.record.IdKind;
import io.vecferry.record.VectorKind;
import io.vecferry.store.LoadNote;
import io.vecferry.store.ReservedKeys;
import io.vecferry.store.StoreException;
import io.vecferry.store.VectorFieldInfo;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Where the parts of a record are in a document.
 *
 * @param note what the migration that made the index noted; empty for any other index
 * @param columns the fields of vectors that are read
 * @param left fields of vectors that are not read and no metadata
 * @param documentField field with the document; empty for none
 */
record Layout(
    Optional<LoadNote> note, List<Column> columns, Set<String> left, String documentField) {
  /** Key of the note in a mapping's {@code _meta}. */
  static final String NOTE = ReservedKeys.PREFIX + "note";

  /** Key of the name of the document field there. */
  static final String DOCUMENT_FIELD = ReservedKeys.PREFIX + "document_field";

  /** Fields that hold documents when nothing is said. */
  static final List<String> USUAL_DOCUMENT_FIELDS = List.of("document", "text", "page_content");

  /**
   * A field of vectors.
   *
   * @param name its name in records
   */
  record Column(String name, VectorField field) {
    int dimension() {
      return field.dimension();
    }
  }

  static Layout of(IndexSet indices, Settings settings) {
    Optional<LoadNote> note =
        indices.indices().size() == 1
            ? indices.first().note(NOTE).flatMap(LoadNote::parse)
            : Optional.empty();
    Map<String, VectorField> fields = fields(indices);
    Set<String> left = new TreeSet<>();
    if (note.isPresent()) {
      fields.keySet().retainAll(note.get().vectorNames().keySet());
    } else if (settings.role().equals("source") && settings.vectorField() != null) {
      if (!fields.containsKey(settings.vectorField())) {
        throw new StoreException(
            FailureClass.INCOMPATIBLE,
            "source.options.vectorField: '"
                + indices.asked()
                + "' has no field of vectors '"
                + settings.vectorField()
                + "'. It has "
                + (fields.isEmpty() ? "none" : String.join(", ", fields.keySet()))
                + ".");
      }
      left.addAll(fields.keySet());
      left.remove(settings.vectorField());
      fields.keySet().removeAll(left);
    }
    List<Column> columns = new ArrayList<>();
    for (VectorField field : fields.values()) {
      String name = note.map(made -> made.vectorNames().get(field.path())).orElse(field.path());
      columns.add(new Column(name, field));
    }
    return new Layout(note, columns, left, documentField(indices, settings, note.isPresent()));
  }

  /** The fields of all indices by path; of a field that differs, the first. */
  private static Map<String, VectorField> fields(IndexSet indices) {
    Map<String, VectorField> fields = new LinkedHashMap<>();
    for (Index index : indices.indices()) {
      index
          .vectorFields()
          .forEach(
              (path, field) ->
                  fields.merge(path, field, (one, other) -> one.dimension() == 0 ? other : one));
    }
    return fields;
  }

  private static String documentField(IndexSet indices, Settings settings, boolean noted) {
    if (noted) {
      return indices.first().note(DOCUMENT_FIELD).orElse("");
    }
    if (settings.documentField() != null) {
      return settings.documentField().equals(Settings.NO_DOCUMENT) ? "" : settings.documentField();
    }
    return indices.first().documentField(USUAL_DOCUMENT_FIELDS).orElse("");
  }

  /** Fields that several indices of an alias have in different ways. */
  static List<Finding> conflicts(IndexSet indices) {
    List<Finding> findings = new ArrayList<>();
    Map<String, Map<String, List<String>>> shapes = new LinkedHashMap<>();
    for (Index index : indices.indices()) {
      index
          .vectorFields()
          .forEach(
              (path, field) -> {
                if (field.dimension() != 0) {
                  String shape =
                      field.dimension()
                          + " components of "
                          + field.element().name().toLowerCase(Locale.ROOT)
                          + (field.indexed()
                              ? " compared by " + field.similarity()
                              : " not indexed");
                  shapes
                      .computeIfAbsent(path, ignored -> new LinkedHashMap<>())
                      .computeIfAbsent(shape, ignored -> new ArrayList<>())
                      .add(index.name());
                }
              });
    }
    shapes.forEach(
        (path, byShape) -> {
          if (byShape.size() > 1) {
            StringBuilder message = new StringBuilder();
            byShape.forEach(
                (shape, names) ->
                    message
                        .append(message.isEmpty() ? "" : "; ")
                        .append(String.join(", ", names))
                        .append(": ")
                        .append(shape));
            findings.add(
                Finding.blocking(
                    "source.collection",
                    "the indices of '"
                        + indices.asked()
                        + "' do not agree on field '"
                        + path
                        + "': "
                        + message
                        + ".",
                    "Migrate them one by one."));
          }
        });
    return findings;
  }

  boolean mapped() {
    return note.isPresent();
  }

  IdMapping ids() {
    return new IdMapping(mapped(), idKinds());
  }

  Set<IdKind> idKinds() {
    return note.map(LoadNote::idKinds)
        .filter(kinds -> !kinds.isEmpty())
        .orElse(Set.of(IdKind.STRING));
  }

  Column column(String name) {
    return columns.stream()
        .filter(column -> column.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new StoreException(
                    FailureClass.INCOMPATIBLE,
                    "there is no field of vectors '"
                        + name
                        + "', only "
                        + columns.stream().map(Column::name).toList()));
  }

  /**
   * The fields of vectors as all stores describe them.
   *
   * @param optional for each column whether records may have no vector in it
   */
  List<VectorFieldInfo> describe(boolean[] optional, String unindexedMetric) {
    List<VectorFieldInfo> infos = new ArrayList<>();
    for (int i = 0; i < columns.size(); i++) {
      VectorField field = columns.get(i).field();
      if (field.dimension() == 0) {
        continue;
      }
      infos.add(
          new VectorFieldInfo(
              columns.get(i).name(),
              VectorKind.DENSE,
              field.element(),
              field.dimension(),
              field.metric(unindexedMetric),
              0,
              field.indexType(),
              IndexRules.spelled(field.indexParams()),
              optional[i]));
    }
    return infos;
  }
}
