package io.vecferry.verify;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.vecferry.plan.RecordProfile;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.MetadataJson;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.record.VectorColumn;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** Collects what records are like. Not thread-safe. */
public final class RecordProfiler {
  private final Map<String, Key> keys = new LinkedHashMap<>();
  private long rows;
  private int longestId;
  private int longestDocument = -1;
  private int longestMetadata;
  private double smallestNorm = Double.POSITIVE_INFINITY;
  private double largestNorm;
  private long vectors;
  private long unitLength;
  private long zero;
  private long raggedBytes;

  private static final class Key {
    private final TreeSet<String> types = new TreeSet<>();
    private long rows;
    private int longest;
  }

  /** Looks at some records. */
  public void add(RecordBatch batch) {
    rows += batch.rows();
    for (int row = 0; row < batch.rows(); row++) {
      longestId = Math.max(longestId, batch.ids().texts().length(row));
      if (!batch.documents().isNull(row)) {
        longestDocument = Math.max(longestDocument, batch.documents().length(row));
      }
      if (!batch.metadata().isNull(row)) {
        longestMetadata = Math.max(longestMetadata, batch.metadata().length(row));
        addKeys(batch.metadata(), row);
      }
    }
    for (VectorColumn column : batch.vectors()) {
      if (column instanceof DenseVectors dense) {
        addNorms(dense);
      } else {
        raggedBytes += column.bytes();
      }
    }
  }

  /**
   * What was found.
   *
   * @param complete whether these were all records of the source
   */
  public RecordProfile profile(boolean complete) {
    List<RecordProfile.Key> found =
        keys.entrySet().stream()
            .map(
                entry ->
                    new RecordProfile.Key(
                        entry.getKey(),
                        entry.getValue().rows,
                        List.copyOf(entry.getValue().types),
                        entry.getValue().longest))
            .toList();
    return new RecordProfile(
        rows,
        complete,
        longestId,
        longestDocument,
        longestMetadata,
        largestNorm == 0 ? 0 : smallestNorm,
        largestNorm,
        found,
        vectors,
        unitLength,
        zero);
  }

  /** Bytes per record of vectors that differ in length from record to record, on average. */
  public long raggedBytesPerRow() {
    return rows == 0 ? 0 : (raggedBytes + rows - 1) / rows;
  }

  private void addNorms(DenseVectors column) {
    for (int row = 0; row < column.rows(); row++) {
      if (!column.isNull(row)) {
        double norm = norm(column, row);
        smallestNorm = Math.min(smallestNorm, norm);
        largestNorm = Math.max(largestNorm, norm);
        vectors++;
        unitLength += Math.abs(norm - 1) <= RecordProfile.UNIT_TOLERANCE ? 1 : 0;
        zero += norm == 0 ? 1 : 0;
      }
    }
  }

  /** Length of a vector. */
  static double norm(DenseVectors column, int row) {
    double sum = 0;
    int start = row * column.dimension();
    for (int i = start; i < start + column.dimension(); i++) {
      sum += (double) column.values()[i] * column.values()[i];
    }
    return Math.sqrt(sum);
  }

  private void addKeys(TextColumn metadata, int row) {
    try (JsonParser parser =
        MetadataJson.SCANNER.createParser(
            metadata.bytes(), metadata.start(row), metadata.length(row))) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        return;
      }
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String name = parser.currentName();
        JsonToken token = parser.nextToken();
        long start = parser.currentTokenLocation().getByteOffset();
        parser.skipChildren();
        // A text is skipped lazily; its end is known once it was looked at.
        if (token == JsonToken.VALUE_STRING) {
          parser.getTextLength();
        }
        if (keys.size() < RecordProfile.MOST_KEYS || keys.containsKey(name)) {
          Key key = keys.computeIfAbsent(name, ignored -> new Key());
          key.rows++;
          key.types.add(typeOf(token));
          long end = parser.currentLocation().getByteOffset();
          key.longest = (int) Math.max(key.longest, end - start);
        }
      }
    } catch (IOException e) {
      // Bad metadata is named by the validation of the export, which looks at every record.
      return;
    }
  }

  private static String typeOf(JsonToken token) {
    return switch (token) {
      case START_OBJECT -> "object";
      case START_ARRAY -> "array";
      case VALUE_STRING -> "text";
      case VALUE_NUMBER_INT -> "integer";
      case VALUE_NUMBER_FLOAT -> "number";
      case VALUE_TRUE, VALUE_FALSE -> "boolean";
      default -> "null";
    };
  }
}
