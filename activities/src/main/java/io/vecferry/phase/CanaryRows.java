package io.vecferry.phase;

import io.vecferry.record.DenseVectors;
import io.vecferry.record.ElementType;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.record.VectorColumn;
import io.vecferry.record.VectorKind;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.Metric;
import io.vecferry.store.VectorFieldInfo;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/**
 * Records that have broken somebody's migration, fitted to a source: each is a real record of it
 * under another id, with one thing changed. What the source cannot have, as texts for ids where all
 * ids are numbers, does not occur.
 */
final class CanaryRows {
  private static final String KEY = "vecferry_canary";

  /** Ids by kind, with what is special about them. */
  private static final Map<IdKind, Map<String, String>> IDS =
      Map.of(
          IdKind.INT64,
          Map.of(
              "9223372036854775807", "the largest id", "-9223372036854775808", "the smallest id"),
          IdKind.UINT64,
          Map.of("18446744073709551615", "an id beyond int64"),
          IdKind.UUID,
          Map.of("4d1d1a65-5215-4078-b025-e8d1dcc21d3c", "a UUID"),
          IdKind.STRING,
          Map.of(
              "007", "an id with leading zeros",
              "4D1D1A65-5215-4078-B025-E8D1DCC21D3D", "a UUID in capitals",
              "q\"uo'te\\\n\tend", "an id with quotes and a line break",
              "emoji \uD83D\uDE80 é", "an id with an emoji"));

  /** Members of metadata, with what is special about them. */
  private static final Map<String, String> METADATA =
      Map.of(
          "\"" + KEY + "\":9223372036854775807,\"" + KEY + "_min\":-9223372036854775808",
          "the largest integers",
          "\"" + KEY + "\":123456789012345678901234567890",
          "an integer beyond 64 bits",
          "\"" + KEY + "\":1,\"" + KEY + "_float\":1.0,\"" + KEY + "_spelled\":1E+05",
          "integers beside floats",
          "\"" + KEY + "\":5e-324,\"" + KEY + "_third\":0.3333333333333333",
          "doubles of full precision",
          "\"" + KEY + "\":{\"a\":[1,[2.5,{\"b\":null}],{}],\"empty\":[]},\"" + KEY + "_t\":true",
          "nested metadata",
          "\"" + KEY + ".b\":1,\"$" + KEY + "\":2,\"\uD83D\uDE00" + KEY + "\":null",
          "unusual keys",
          "\"" + KEY + "\":\"\\\"\\\\ \\n\uD83D\uDE00\"",
          "a text with quotes and a line break");

  private final List<Row> rows = new ArrayList<>();
  private final Set<String> taken = new HashSet<>();
  private final List<RecordBatch> sample;
  private final VectorFieldInfo field;

  /**
   * A made-up record.
   *
   * @param what what is special about it
   * @param base row of the first batch that it is like
   */
  private record Row(
      String what,
      int base,
      IdKind kind,
      String id,
      UnaryOperator<String> document,
      UnaryOperator<String> metadata,
      UnaryOperator<float[]> vector) {}

  /**
   * @param schema the collection that they are for
   * @param sample real records, at least one
   */
  CanaryRows(LoadSchema schema, List<RecordBatch> sample) {
    this.field = schema.vectors().get(0);
    this.sample = sample;
    for (RecordBatch batch : sample) {
      for (int row = 0; row < batch.rows(); row++) {
        taken.add(batch.ids().get(row));
      }
    }
    schema.idKinds().stream()
        .sorted()
        .forEach(kind -> new TreeMap<>(IDS.get(kind)).forEach((id, what) -> add(what, kind, id)));
    if (schema.profile().longestDocument() >= 0) {
      change("an empty document", text -> "", null, null);
      change("a document with line breaks", text -> "line\nbreak \uD83D\uDE00\r\n", null, null);
    }
    if (!schema.profile().keys().isEmpty()) {
      new TreeMap<>(METADATA)
          .forEach((members, what) -> change(what, null, text -> with(text, members), null));
    }
    if (field.element() == ElementType.FLOAT32 && field.kind() == VectorKind.DENSE) {
      change("a negative zero", null, null, vector -> withSmallest(vector, -0.0f));
      change("a denormal float", null, null, vector -> withSmallest(vector, Float.MIN_VALUE));
      if (field.metric() == Metric.L2) {
        change("a zero vector", null, null, vector -> new float[vector.length]);
      }
    }
  }

  private void add(String what, IdKind kind, String id) {
    if (taken.add(id)) {
      rows.add(new Row(what, base(), kind, id, text -> text, text -> text, vector -> vector));
    }
  }

  private int base() {
    return rows.size() % sample.get(0).rows();
  }

  private void change(
      String what,
      UnaryOperator<String> document,
      UnaryOperator<String> metadata,
      UnaryOperator<float[]> vector) {
    IdKind kind = sample.get(0).ids().kind(0);
    String id = freeId(kind);
    taken.add(id);
    rows.add(
        new Row(
            what,
            base(),
            kind,
            id,
            document == null ? text -> text : document,
            metadata == null ? text -> text : metadata,
            vector == null ? values -> values : vector));
  }

  private String freeId(IdKind kind) {
    for (int number = 1; ; number++) {
      String id =
          switch (kind) {
            case INT64 -> Long.toString(Long.MAX_VALUE - number);
            case UINT64 -> Long.toUnsignedString(-1L - number);
            case UUID -> String.format("4d1d1a65-5215-4078-b025-%012x", number);
            case STRING -> KEY + "-" + number;
          };
      if (!taken.contains(id)) {
        return id;
      }
    }
  }

  private static String with(String metadata, String members) {
    if (metadata == null || metadata.equals("{}")) {
      return "{" + members + "}";
    }
    return metadata.contains(KEY)
        ? metadata
        : metadata.substring(0, metadata.length() - 1) + "," + members + "}";
  }

  /** Replaces the component that matters least; a vector of one component stays as it is. */
  private static float[] withSmallest(float[] vector, float value) {
    int smallest = 0;
    for (int i = 1; i < vector.length; i++) {
      if (Math.abs(vector[i]) < Math.abs(vector[smallest])) {
        smallest = i;
      }
    }
    float[] changed = vector.clone();
    changed[smallest] = value;
    float length = 0;
    for (float component : changed) {
      length += component * component;
    }
    return length > Float.MIN_NORMAL ? changed : vector;
  }

  /** The records. */
  RecordBatch batch() {
    RecordBatch first = sample.get(0);
    int[] bases = rows.stream().mapToInt(Row::base).toArray();
    RecordBatch like = first.select(bases);
    TextColumn.Builder ids = new TextColumn.Builder(rows.size());
    TextColumn.Builder documents = new TextColumn.Builder(rows.size());
    TextColumn.Builder metadata = new TextColumn.Builder(rows.size());
    for (int i = 0; i < rows.size(); i++) {
      Row row = rows.get(i);
      ids.add(row.id());
      documents.add(row.document().apply(like.documents().get(i)));
      metadata.add(row.metadata().apply(like.metadata().get(i)));
    }
    List<VectorColumn> vectors = new ArrayList<>(like.vectors());
    if (vectors.get(0) instanceof DenseVectors dense) {
      vectors.set(0, changed(dense));
    }
    IdKind[] kinds = rows.stream().map(Row::kind).toArray(IdKind[]::new);
    return new RecordBatch(
        new IdColumn(ids.build(), kinds), vectors, documents.build(), metadata.build());
  }

  private DenseVectors changed(DenseVectors dense) {
    int dimension = dense.dimension();
    float[] values = dense.values().clone();
    for (int i = 0; i < rows.size(); i++) {
      if (!dense.isNull(i)) {
        float[] vector = Arrays.copyOfRange(values, i * dimension, (i + 1) * dimension);
        System.arraycopy(rows.get(i).vector().apply(vector), 0, values, i * dimension, dimension);
      }
    }
    return new DenseVectors(dense.name(), dimension, values, dense.nulls());
  }

  /** What is special about a record, by its id. */
  Map<String, String> descriptions() {
    Map<String, String> descriptions = new HashMap<>();
    rows.forEach(row -> descriptions.put(row.id(), row.what()));
    return descriptions;
  }
}
