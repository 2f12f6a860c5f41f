package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.record.DenseVectors;
import io.vecferry.record.RecordBatch;
import io.vecferry.store.BatchReader;
import io.vecferry.store.SourceRange;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import io.vecferry.store.VectorStore;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.SplittableRandom;

/** Makes FAISS folders without any code of the product, and compares two through the product. */
final class FaissFolder {
  private FaissFolder() {}

  /** A folder with an IndexFlatL2 and a {@code meta.jsonl}. */
  static Path write(Path folder, int rows, int dimension) {
    return write(folder, vectors(rows, dimension), dimension);
  }

  static Path write(Path folder, float[] vectors, int dimension) {
    int rows = vectors.length / dimension;
    StringBuilder lines = new StringBuilder();
    for (int row = 0; row < rows; row++) {
      lines.append(line("row-" + row, row)).append('\n');
    }
    return write(folder, index(vectors, dimension), lines.toString());
  }

  static Path write(Path folder, byte[] index, String lines) {
    try {
      Files.createDirectories(folder);
      Files.write(folder.resolve("index.faiss"), index);
      if (lines != null) {
        Files.writeString(folder.resolve("meta.jsonl"), lines);
      }
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The same as {@link #write(Path, int, int)}, in little memory. */
  static Path writeLarge(Path folder, int rows, int dimension) {
    SplittableRandom random = new SplittableRandom(42);
    ByteBuffer vector = ByteBuffer.allocate(4 * dimension).order(ByteOrder.LITTLE_ENDIAN);
    try {
      Files.createDirectories(folder);
      try (OutputStream index = buffered(folder.resolve("index.faiss"));
          OutputStream lines = buffered(folder.resolve("meta.jsonl"))) {
        index.write(header(rows, dimension).array());
        for (int row = 0; row < rows; row++) {
          vector.clear();
          for (int i = 0; i < dimension; i++) {
            vector.putFloat((float) (random.nextDouble() * 2 - 1));
          }
          index.write(vector.array());
          lines.write((line("row-" + row, row) + "\n").getBytes(StandardCharsets.UTF_8));
        }
      }
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static OutputStream buffered(Path file) throws IOException {
    return new BufferedOutputStream(Files.newOutputStream(file), 1 << 16);
  }

  private static ByteBuffer header(long rows, int dimension) {
    ByteBuffer header = ByteBuffer.allocate(45).order(ByteOrder.LITTLE_ENDIAN);
    header.put("IxF2".getBytes(StandardCharsets.US_ASCII));
    header.putInt(dimension).putLong(rows).putLong(1 << 20).putLong(1 << 20);
    return header.put((byte) 1).putInt(1).putLong(rows * dimension);
  }

  /** One line of {@code meta.jsonl}. */
  static String line(String id, int row) {
    return "{\"id\":\"%s\",\"document\":\"saying %d: \u00e9\u4e2d\",\"metadata\":{\"n\":%d,\"r\":1.0,\"tags\":[]}}"
        .formatted(id, row, row);
  }

  /** Numbers that look random and are always the same. */
  static float[] vectors(int rows, int dimension) {
    SplittableRandom random = new SplittableRandom(42);
    float[] vectors = new float[rows * dimension];
    for (int i = 0; i < vectors.length; i++) {
      vectors[i] = (float) (random.nextDouble() * 2 - 1);
    }
    return vectors;
  }

  /** An IndexFlatL2. */
  static byte[] index(float[] vectors, int dimension) {
    ByteBuffer file = ByteBuffer.allocate(45 + 4 * vectors.length).order(ByteOrder.LITTLE_ENDIAN);
    file.put(header(vectors.length / dimension, dimension).array());
    for (float value : vectors) {
      file.putFloat(value);
    }
    return file.array();
  }

  /** Checks that two folders hold the same records in the same order, to the bit. */
  static void assertSame(Path expected, Path actual) {
    try (VectorStore left = open(expected);
        VectorStore right = open(actual)) {
      assertThat(right.describe().rows()).isEqualTo(left.describe().rows());
      Iterator<SourceRange> leftRanges = left.split(1).iterator();
      Iterator<SourceRange> rightRanges = right.split(1).iterator();
      SourceRange leftRange = leftRanges.next();
      SourceRange rightRange = rightRanges.next();
      try (BatchReader leftRows = left.read(leftRange, leftRange.start(), 1000);
          BatchReader rightRows = right.read(rightRange, rightRange.start(), 1000)) {
        for (RecordBatch batch = leftRows.next(); batch != null; batch = leftRows.next()) {
          assertSame(batch, rightRows.next());
        }
        assertThat(rightRows.next()).isNull();
      }
      assertThat(List.of(leftRanges.hasNext(), rightRanges.hasNext())).containsOnly(false);
    }
  }

  /** Checks that a collection holds the records of a folder, to the bit, and no others. */
  static void assertHolds(Path expected, VectorStore actual) {
    try (VectorStore left = open(expected)) {
      assertThat(actual.describe().rows()).isEqualTo(left.describe().rows());
      for (SourceRange range : left.split(1)) {
        try (BatchReader rows = left.read(range, range.start(), 1000)) {
          for (RecordBatch batch = rows.next(); batch != null; batch = rows.next()) {
            assertSame(batch, actual.fetch(batch.ids()));
          }
        }
      }
    }
  }

  private static void assertSame(RecordBatch expected, RecordBatch actual) {
    assertThat(actual.rows()).isEqualTo(expected.rows());
    DenseVectors left = expected.onlyVectors();
    DenseVectors right = actual.onlyVectors();
    assertThat(right.dimension()).isEqualTo(left.dimension());
    for (int i = 0; i < left.values().length; i++) {
      if (Float.floatToRawIntBits(left.values()[i]) != Float.floatToRawIntBits(right.values()[i])) {
        throw new AssertionError(
            expected.ids().get(i / left.dimension())
                + ": expected "
                + left.values()[i]
                + ", got "
                + right.values()[i]);
      }
    }
    for (int row = 0; row < expected.rows(); row++) {
      assertThat(actual.ids().get(row)).isEqualTo(expected.ids().get(row));
      assertThat(actual.ids().kind(row)).isEqualTo(expected.ids().kind(row));
      assertThat(actual.documents().get(row)).isEqualTo(expected.documents().get(row));
      assertThat(actual.metadata().get(row)).isEqualTo(expected.metadata().get(row));
    }
  }

  /** Opens a folder with the product's own store. */
  static VectorStore open(Path folder) {
    return Stores.get("faiss").open(StoreSettings.of("source", "path", folder.toString()));
  }
}
