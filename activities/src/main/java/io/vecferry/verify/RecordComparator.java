package io.vecferry.verify;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdColumn;
import io.vecferry.record.MetadataJson;
import io.vecferry.record.MultiVectors;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.SparseVectors;
import io.vecferry.record.TextColumn;
import io.vecferry.record.VectorColumn;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Compares fetched records with the archived ones, row by row, over any number of batches, and
 * keeps the counts. Floats are compared by their bits first; where bits differ, a component is
 * right when it deviates by at most {@code tolerance * max(1, |expected|)}. A NaN is right only
 * where a NaN is expected; so is an infinity. Indices of sparse vectors must be the same; an absent
 * vector is not an empty one. Metadata is compared by its bytes first and then as JSON: the order
 * of keys does not matter, the order in arrays does; {@code 1} and {@code 1.0} differ, and so do a
 * null and a missing key. Not thread-safe.
 */
public final class RecordComparator {
  /** Differences that are kept. */
  public static final int KEPT = 100;

  private final double tolerance;
  private final boolean checkVectors;
  private final boolean checkMetadata;
  private final Consumer<Difference> all;
  private final List<Difference> first = new ArrayList<>();
  private final Map<Difference.Kind, Long> kinds = new EnumMap<>(Difference.Kind.class);
  private long rows;
  private long bitExactRows;
  private long withinToleranceRows;
  private long differentRows;
  private long missingRows;
  private double largestAbsolute;
  private double largestRelative;
  private boolean lastVectorExact;
  private long lastWrongVector;

  /** Keeps the first {@value #KEPT} differences; counts are complete. */
  public RecordComparator(double tolerance, boolean checkVectors, boolean checkMetadata) {
    this(tolerance, checkVectors, checkMetadata, difference -> {});
  }

  /**
   * @param tolerance largest deviation of a component, relative to {@code max(1, |expected|)}
   * @param checkVectors whether vectors are compared
   * @param checkMetadata whether metadata and documents are compared
   * @param all gets every difference, with its values in full
   */
  public RecordComparator(
      double tolerance, boolean checkVectors, boolean checkMetadata, Consumer<Difference> all) {
    if (!(tolerance >= 0)) {
      throw new IllegalArgumentException("tolerance " + tolerance);
    }
    this.tolerance = tolerance;
    this.checkVectors = checkVectors;
    this.checkMetadata = checkMetadata;
    this.all = all;
  }

  /**
   * What was found.
   *
   * @param rows records expected
   * @param bitExactRows records whose vectors have exactly the expected bits; metadata and
   *     documents as asked for; none where vectors are not compared
   * @param withinToleranceRows records whose vectors deviate within the tolerance; none where they
   *     are not compared
   * @param differentRows records that differ
   * @param missingRows records that are not there
   * @param largestAbsolute largest deviation of a finite component
   * @param largestRelative the same relative to {@code max(1, |expected|)}
   * @param kinds records by what is wrong with them; one may count under several
   * @param differences the first differences, in the order in which they were found
   */
  public record Result(
      long rows,
      long bitExactRows,
      long withinToleranceRows,
      long differentRows,
      long missingRows,
      double largestAbsolute,
      double largestRelative,
      Map<Difference.Kind, Long> kinds,
      List<Difference> differences) {

    /** Whether every record is there and right. */
    public boolean isEqual() {
      return differentRows == 0 && missingRows == 0;
    }
  }

  /** What was found in all batches so far. */
  public Result result() {
    return new Result(
        rows,
        bitExactRows,
        withinToleranceRows,
        differentRows,
        missingRows,
        largestAbsolute,
        largestRelative,
        Map.copyOf(kinds),
        List.copyOf(first));
  }

  /**
   * Compares a batch.
   *
   * @param expected the archived records
   * @param actual the records that were found when asked for the ids of {@code expected}: in the
   *     same order, absent ones left out
   * @return the rows of {@code expected} that are missing or differ, ascending
   */
  public int[] compare(RecordBatch expected, RecordBatch actual) {
    IntStream.Builder wrong = IntStream.builder();
    int next = 0;
    for (int row = 0; row < expected.rows(); row++) {
      rows++;
      if (next < actual.rows() && expected.ids().sameAt(row, actual.ids(), next)) {
        if (!compareRow(expected, row, actual, next++)) {
          wrong.add(row);
        }
      } else if (next < actual.rows()
          && expected.ids().texts().sameAt(row, actual.ids().texts(), next)) {
        differentRows++;
        wrong.add(row);
        add(
            expected.ids(),
            row,
            Difference.Kind.ID,
            "",
            expected.ids().kind(row).name(),
            actual.ids().kind(next).name());
        next++;
      } else {
        missingRows++;
        wrong.add(row);
        add(expected.ids(), row, Difference.Kind.MISSING, "", "present", "absent");
      }
    }
    for (; next < actual.rows(); next++) {
      differentRows++;
      add(
          actual.ids(),
          next,
          Difference.Kind.ID,
          "",
          "not asked for, or in another order",
          actual.ids().get(next));
    }
    return wrong.build().toArray();
  }

  private boolean compareRow(RecordBatch expected, int row, RecordBatch actual, int actualRow) {
    boolean right = true;
    boolean exact = true;
    if (checkVectors) {
      for (VectorColumn column : expected.vectors()) {
        Verdict verdict = compareVector(column, row, actual, actualRow);
        if (verdict != null) {
          add(
              expected.ids(),
              row,
              Difference.Kind.VECTOR,
              verdict.field,
              verdict.expected,
              verdict.actual);
          right = false;
        }
        exact &= lastVectorExact;
      }
    }
    if (checkMetadata) {
      if (!expected.documents().sameAt(row, actual.documents(), actualRow)) {
        add(
            expected.ids(),
            row,
            Difference.Kind.DOCUMENT,
            "",
            expected.documents().get(row),
            actual.documents().get(actualRow));
        right = false;
      }
      right &= compareMetadata(expected, row, actual, actualRow);
    }
    if (!right) {
      differentRows++;
    } else if (checkVectors && exact) {
      bitExactRows++;
    } else if (checkVectors) {
      withinToleranceRows++;
    }
    return right;
  }

  private record Verdict(String field, String expected, String actual) {}

  private Verdict compareVector(VectorColumn expected, int row, RecordBatch batch, int actualRow) {
    lastVectorExact = false;
    VectorColumn actual = null;
    for (VectorColumn column : batch.vectors()) {
      if (column.name().equals(expected.name())) {
        actual = column;
      }
    }
    if (actual == null || !shape(actual).equals(shape(expected))) {
      return new Verdict(
          expected.name(), shape(expected), actual == null ? "no such field" : shape(actual));
    }
    if (expected.isNull(row) || actual.isNull(actualRow)) {
      lastVectorExact = expected.isNull(row) && actual.isNull(actualRow);
      return lastVectorExact
          ? null
          : new Verdict(expected.name(), presence(expected, row), presence(actual, actualRow));
    }
    if (expected instanceof DenseVectors dense) {
      int start = row * dense.dimension();
      int component =
          worst(
              dense.values(),
              start,
              ((DenseVectors) actual).values(),
              actualRow * dense.dimension(),
              dense.dimension());
      return component < 0
          ? null
          : verdict(
              "%s[%d]".formatted(dense.name(), component),
              dense.values()[start + component],
              ((DenseVectors) actual).values()[actualRow * dense.dimension() + component]);
    }
    return expected instanceof SparseVectors sparse
        ? compareSparse(sparse, row, (SparseVectors) actual, actualRow)
        : compareMulti((MultiVectors) expected, row, (MultiVectors) actual, actualRow);
  }

  private Verdict compareSparse(
      SparseVectors expected, int row, SparseVectors actual, int actualRow) {
    int start = expected.offsets()[row];
    int end = expected.offsets()[row + 1];
    int actualStart = actual.offsets()[actualRow];
    int actualEnd = actual.offsets()[actualRow + 1];
    int differs =
        Arrays.mismatch(expected.indices(), start, end, actual.indices(), actualStart, actualEnd);
    if (differs >= 0) {
      return otherIndex(expected, start + differs, end, actual, actualStart + differs, actualEnd);
    }
    int entry = worst(expected.values(), start, actual.values(), actualStart, end - start);
    return entry < 0
        ? null
        : verdict(
            indexed(expected, start + entry),
            expected.values()[start + entry],
            actual.values()[actualStart + entry]);
  }

  /** Names the lower one of two entries, which the other side does not have. */
  private static Verdict otherIndex(
      SparseVectors expected, int entry, int end, SparseVectors actual, int found, int foundEnd) {
    boolean missing =
        entry < end
            && (found == foundEnd
                || Integer.compareUnsigned(expected.indices()[entry], actual.indices()[found]) < 0);
    return missing
        ? new Verdict(indexed(expected, entry), Float.toString(expected.values()[entry]), "absent")
        : new Verdict(indexed(actual, found), "absent", Float.toString(actual.values()[found]));
  }

  private static String indexed(SparseVectors column, int entry) {
    return "%s[%s]".formatted(column.name(), Integer.toUnsignedString(column.indices()[entry]));
  }

  private Verdict compareMulti(MultiVectors expected, int row, MultiVectors actual, int actualRow) {
    int dimension = expected.dimension();
    int count = expected.offsets()[row + 1] - expected.offsets()[row];
    if (actual.offsets()[actualRow + 1] - actual.offsets()[actualRow] != count) {
      return new Verdict(expected.name(), presence(expected, row), presence(actual, actualRow));
    }
    int start = expected.offsets()[row] * dimension;
    int actualStart = actual.offsets()[actualRow] * dimension;
    int component =
        worst(expected.values(), start, actual.values(), actualStart, count * dimension);
    return component < 0
        ? null
        : verdict(
            "%s[%d][%d]".formatted(expected.name(), component / dimension, component % dimension),
            expected.values()[start + component],
            actual.values()[actualStart + component]);
  }

  private static Verdict verdict(String field, float expected, float actual) {
    return new Verdict(field, Float.toString(expected), Float.toString(actual));
  }

  /** What all rows of a column have in common. */
  private static String shape(VectorColumn column) {
    if (column instanceof DenseVectors dense) {
      return "dimension " + dense.dimension();
    }
    return column instanceof MultiVectors multi
        ? "several vectors of dimension " + multi.dimension()
        : "sparse vectors";
  }

  private static String presence(VectorColumn column, int row) {
    if (column.isNull(row)) {
      return "no vector";
    }
    if (column instanceof SparseVectors sparse) {
      return "%d entries".formatted(sparse.offsets()[row + 1] - sparse.offsets()[row]);
    }
    return column instanceof MultiVectors multi
        ? "%d vectors".formatted(multi.offsets()[row + 1] - multi.offsets()[row])
        : "a vector";
  }

  /** The component that deviates most, -1 when none deviates by more than the tolerance. */
  private int worst(float[] expected, int start, float[] actual, int actualStart, int length) {
    int worst = -1;
    double worstDeviation = tolerance;
    boolean exact = true;
    int component = mismatch(expected, start, actual, actualStart, 0, length);
    while (component >= 0) {
      float wanted = expected[start + component];
      float found = actual[actualStart + component];
      if (Float.floatToRawIntBits(wanted) != Float.floatToRawIntBits(found)) {
        exact = false;
        double deviation = deviation(wanted, found);
        if (deviation > worstDeviation) {
          worst = component;
          worstDeviation = deviation;
        }
      }
      component = mismatch(expected, start, actual, actualStart, component + 1, length);
    }
    lastVectorExact = exact;
    return worst;
  }

  // All NaNs are equal here; no store promises to keep the payload of a NaN.
  private static int mismatch(
      float[] expected, int start, float[] actual, int actualStart, int from, int length) {
    int found =
        Arrays.mismatch(
            expected,
            start + from,
            start + length,
            actual,
            actualStart + from,
            actualStart + length);
    return found < 0 ? -1 : found + from;
  }

  private double deviation(float expected, float actual) {
    if (!Float.isFinite(expected) || !Float.isFinite(actual)) {
      return Double.POSITIVE_INFINITY;
    }
    double absolute = Math.abs((double) expected - actual);
    double relative = absolute / Math.max(1, Math.abs((double) expected));
    largestAbsolute = Math.max(largestAbsolute, absolute);
    largestRelative = Math.max(largestRelative, relative);
    return relative;
  }

  private boolean compareMetadata(
      RecordBatch expected, int row, RecordBatch actual, int actualRow) {
    TextColumn ours = expected.metadata();
    TextColumn theirs = actual.metadata();
    if (ours.sameAt(row, theirs, actualRow)) {
      return true;
    }
    String expectedText = ours.get(row);
    String actualText = theirs.get(actualRow);
    if (expectedText != null && actualText != null) {
      try {
        Object expectedValue = parse(expectedText);
        Object actualValue = parse(actualText);
        if (expectedValue.equals(actualValue)) {
          return true;
        }
        if (expectedValue instanceof Map<?, ?> left && actualValue instanceof Map<?, ?> right) {
          return !addFirstKey(expected.ids(), row, left, right);
        }
      } catch (IOException e) {
        actualText = actualText + " (" + e.getMessage() + ")";
      }
    }
    add(expected.ids(), row, Difference.Kind.METADATA, "", expectedText, actualText);
    return false;
  }

  private boolean addFirstKey(IdColumn ids, int row, Map<?, ?> left, Map<?, ?> right) {
    Map<Object, Object> keys = new LinkedHashMap<>(left);
    right.forEach(keys::putIfAbsent);
    for (Object key : keys.keySet()) {
      if (!Objects.equals(left.get(key), right.get(key))) {
        add(
            ids,
            row,
            Difference.Kind.METADATA,
            key.toString(),
            left.containsKey(key) ? left.get(key).toString() : "absent",
            right.containsKey(key) ? right.get(key).toString() : "absent");
        return true;
      }
    }
    return false;
  }

  /** A scalar as it is spelled; its type is kept apart so that a text "1" is not the number 1. */
  private record Scalar(JsonToken type, String text) {
    @Override
    public String toString() {
      return type == JsonToken.VALUE_STRING ? '"' + text + '"' : text;
    }
  }

  private static Object parse(String json) throws IOException {
    try (JsonParser parser = MetadataJson.FACTORY.createParser(json)) {
      if (parser.nextToken() == null) {
        throw new IOException("empty JSON");
      }
      Object value = parse(parser);
      if (parser.nextToken() != null) {
        throw new IOException("text after the JSON value");
      }
      return value;
    }
  }

  private static Object parse(JsonParser parser) throws IOException {
    JsonToken token = parser.currentToken();
    if (token == JsonToken.START_OBJECT) {
      Map<String, Object> map = new LinkedHashMap<>();
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String key = parser.currentName();
        parser.nextToken();
        map.put(key, parse(parser));
      }
      return map;
    }
    if (token == JsonToken.START_ARRAY) {
      List<Object> list = new ArrayList<>();
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        list.add(parse(parser));
      }
      return list;
    }
    return new Scalar(token, parser.getText());
  }

  private void add(
      IdColumn ids, int row, Difference.Kind kind, String field, String expected, String actual) {
    // Several vectors of one record may differ.
    if (kind != Difference.Kind.VECTOR || lastWrongVector != rows) {
      kinds.merge(kind, 1L, Long::sum);
    }
    if (kind == Difference.Kind.VECTOR) {
      lastWrongVector = rows;
    }
    Difference found = new Difference(ids.get(row), kind, field, expected, actual);
    all.accept(found);
    if (first.size() < KEPT) {
      first.add(found.shortened());
    }
  }
}
