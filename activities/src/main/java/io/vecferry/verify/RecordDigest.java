package io.vecferry.verify;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.MetadataJson;
import io.vecferry.record.MultiVectors;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.SparseVectors;
import io.vecferry.record.TextColumn;
import io.vecferry.record.VectorColumn;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A SHA-256 of what a record holds beside its id: every bit of its vectors, its document, and its
 * metadata, whose keys count in any order. Two records have the same one exactly when {@link
 * RecordComparator} finds them equal to the bit. Not thread-safe.
 */
final class RecordDigest {
  static final int BYTES = 32;

  private final MessageDigest digest;
  private ByteBuffer buffer = ByteBuffer.allocate(1 << 12);

  RecordDigest() {
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The columns of a batch in the order in which they are looked at. */
  static List<VectorColumn> columns(RecordBatch batch) {
    return batch.vectors().stream().sorted(Comparator.comparing(VectorColumn::name)).toList();
  }

  /**
   * The digest of a row.
   *
   * @param columns from {@link #columns}
   */
  byte[] of(RecordBatch batch, List<VectorColumn> columns, int row) {
    for (VectorColumn column : columns) {
      if (!column.isNull(row)) {
        add(column.name().getBytes(StandardCharsets.UTF_8));
        add(column, row);
      }
    }
    // Behind the last name, whose length is never negative.
    addNumber(-1);
    addText(batch.documents(), row);
    addMetadata(batch.metadata(), row);
    return digest.digest();
  }

  private void add(VectorColumn column, int row) {
    if (column instanceof DenseVectors dense) {
      add(dense.values(), row * dense.dimension(), dense.dimension());
    } else if (column instanceof MultiVectors multi) {
      int start = multi.offsets()[row];
      add(
          multi.values(),
          start * multi.dimension(),
          (multi.offsets()[row + 1] - start) * multi.dimension());
    } else if (column instanceof SparseVectors sparse) {
      int start = sparse.offsets()[row];
      int entries = sparse.offsets()[row + 1] - start;
      add(sparse.values(), start, entries);
      ByteBuffer bytes = room(4 * entries);
      for (int i = start; i < start + entries; i++) {
        bytes.putInt(sparse.indices()[i]);
      }
      digest.update(bytes.flip());
    }
  }

  private void add(float[] values, int start, int count) {
    addNumber(count);
    ByteBuffer bytes = room(4 * count);
    for (int i = start; i < start + count; i++) {
      // No store promises to keep the payload of a NaN.
      bytes.putInt(Float.floatToIntBits(values[i]));
    }
    digest.update(bytes.flip());
  }

  private void addText(TextColumn texts, int row) {
    if (texts.isNull(row)) {
      addNumber(-1);
    } else {
      addNumber(texts.length(row));
      digest.update(texts.bytes(), texts.start(row), texts.length(row));
    }
  }

  private void addMetadata(TextColumn metadata, int row) {
    if (metadata.isNull(row)) {
      addNumber(-1);
      return;
    }
    StringBuilder canonical = new StringBuilder();
    try (JsonParser parser = MetadataJson.FACTORY.createParser(metadata.get(row))) {
      parser.nextToken();
      write(parser, canonical);
    } catch (IOException e) {
      // No JSON is equal to the same text only.
      addText(metadata, row);
      return;
    }
    add(canonical.toString().getBytes(StandardCharsets.UTF_8));
  }

  /** Writes a value so that equal ones, with keys in whatever order, are the same text. */
  private static void write(JsonParser parser, StringBuilder out) throws IOException {
    JsonToken token = parser.currentToken();
    if (token == JsonToken.START_OBJECT) {
      Map<String, String> members = new TreeMap<>();
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String key = parser.currentName();
        parser.nextToken();
        StringBuilder value = new StringBuilder();
        write(parser, value);
        members.put(key, value.toString());
      }
      out.append('{').append(members.size());
      members.forEach((key, value) -> text(key, out).append(value));
    } else if (token == JsonToken.START_ARRAY) {
      out.append('[');
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        write(parser, out);
      }
      out.append(']');
    } else if (token == null) {
      throw new IOException("empty JSON");
    } else {
      text(parser.getText(), out.append(token.id()));
    }
  }

  private static StringBuilder text(String text, StringBuilder out) {
    return out.append(':').append(text.length()).append(':').append(text);
  }

  private void add(byte[] bytes) {
    addNumber(bytes.length);
    digest.update(bytes);
  }

  private void addNumber(int number) {
    digest.update(room(4).putInt(number).flip());
  }

  private ByteBuffer room(int bytes) {
    if (buffer.capacity() < bytes) {
      buffer = ByteBuffer.allocate(bytes);
    }
    return buffer.clear();
  }
}
