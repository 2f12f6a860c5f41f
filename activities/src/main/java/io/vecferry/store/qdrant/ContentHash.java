package io.vecferry.store.qdrant;

import io.vecferry.record.DenseVectors;
import io.vecferry.record.MultiVectors;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.SparseVectors;
import io.vecferry.record.TextColumn;
import io.vecferry.record.VectorColumn;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** A checksum of texts and records; the same for the same content in the same order. */
final class ContentHash {
  private final MessageDigest digest;

  ContentHash() {
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  void add(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    add(bytes, 0, bytes.length);
  }

  void add(RecordBatch batch) {
    add(batch.ids().texts());
    add(batch.documents());
    add(batch.metadata());
    for (VectorColumn column : batch.vectors()) {
      for (int row = 0; row < column.rows(); row++) {
        addVector(column, row);
      }
    }
  }

  String finish() {
    return HexFormat.of().formatHex(digest.digest(), 0, 8);
  }

  private void addVector(VectorColumn column, int row) {
    if (column.isNull(row)) {
      addLength(-1);
    } else if (column instanceof DenseVectors dense) {
      addFloats(dense.values(), row * dense.dimension(), dense.dimension());
    } else if (column instanceof SparseVectors sparse) {
      int start = sparse.offsets()[row];
      int length = sparse.offsets()[row + 1] - start;
      ByteBuffer indices = ByteBuffer.allocate(4 * length);
      indices.asIntBuffer().put(sparse.indices(), start, length);
      digest.update(indices);
      addFloats(sparse.values(), start, length);
    } else if (column instanceof MultiVectors multi) {
      int start = multi.offsets()[row];
      int length = multi.offsets()[row + 1] - start;
      addFloats(multi.values(), start * multi.dimension(), length * multi.dimension());
    }
  }

  private void addFloats(float[] values, int start, int length) {
    addLength(length);
    ByteBuffer bytes = ByteBuffer.allocate(4 * length);
    bytes.asFloatBuffer().put(values, start, length);
    digest.update(bytes);
  }

  private void add(TextColumn texts) {
    for (int row = 0; row < texts.rows(); row++) {
      if (texts.isNull(row)) {
        addLength(-1);
      } else {
        add(texts.bytes(), texts.start(row), texts.length(row));
      }
    }
  }

  private void add(byte[] bytes, int start, int length) {
    addLength(length);
    digest.update(bytes, start, length);
  }

  private void addLength(int length) {
    digest.update(ByteBuffer.allocate(4).putInt(0, length));
  }
}
