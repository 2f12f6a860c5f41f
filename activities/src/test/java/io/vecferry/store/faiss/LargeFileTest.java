package io.vecferry.store.faiss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vecferry.plan.FailureClass;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.store.BatchReader;
import io.vecferry.store.SourceRange;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.VectorStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Indexes of more than 2 GiB and of more than 2^31 values and rows. The files are holes with some
 * vectors between them, so that they take no room and only what is looked at is read.
 */
class LargeFileTest {
  private static final long MANY = 1L << 31;

  @TempDir Path folder;

  /** Writes an index from front to back; what is skipped stays a hole. */
  private final class Hole implements AutoCloseable {
    private final FileChannel channel;
    private long position;

    private Hole(Path file) throws IOException {
      channel =
          FileChannel.open(
              file,
              StandardOpenOption.CREATE_NEW,
              StandardOpenOption.WRITE,
              StandardOpenOption.SPARSE);
    }

    private void put(long at, ByteBuffer values) throws IOException {
      values.flip();
      position = at + values.remaining();
      while (values.hasRemaining()) {
        channel.write(values, at + values.position());
      }
    }

    private static ByteBuffer buffer() {
      return ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
    }

    private void header(String type, int dimension, long rows) throws IOException {
      ByteBuffer values = buffer().put(type.getBytes(StandardCharsets.US_ASCII));
      values.putInt(dimension).putLong(rows).putLong(1 << 20).putLong(1 << 20);
      put(position, values.put((byte) 1).putInt(1));
    }

    private void number(long value) throws IOException {
      put(position, buffer().putLong(value));
    }

    private void letters(String text) throws IOException {
      put(position, buffer().put(text.getBytes(StandardCharsets.US_ASCII)));
    }

    private void floats(long at, float... floats) throws IOException {
      ByteBuffer values = buffer();
      for (float value : floats) {
        values.putFloat(value);
      }
      put(at, values);
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }

  private static VectorStore open(Path file) {
    return new FaissProvider()
        .open(StoreSettings.of("source", "path", file.toString(), "options.allowLossy", "true"));
  }

  private static RecordBatch at(VectorStore store, long row, int rows) {
    SourceRange range = store.split(1).get(0);
    try (BatchReader reader = store.read(range, row + "@0", rows)) {
      return reader.next();
    }
  }

  private Path flat(int dimension, long rows, long... marked) throws IOException {
    Path file = folder.resolve("flat-" + dimension + ".faiss");
    try (Hole hole = new Hole(file)) {
      hole.header("IxF2", dimension, rows);
      hole.number(rows * dimension);
      long start = hole.position;
      for (long row : marked) {
        hole.floats(start + row * dimension * 4, row % 1000 + 1);
      }
      // The last float is what makes the file as long as it says.
      hole.floats(start + rows * dimension * 4 - 4, dimension == 1 ? (rows - 1) % 1000 + 1 : -7);
    }
    return file;
  }

  @Test
  void moreThanTwoToThe31Values() throws IOException {
    int dimension = 128;
    long rows = MANY / dimension + 1000;
    // Around byte 2^31, byte 2^32 and float 2^31.
    long[] marked = {0, MANY / 4 / dimension, MANY / 2 / dimension, MANY / dimension, rows - 1};
    Path file = flat(dimension, rows, marked);
    assertThat(Files.size(file)).isGreaterThan(4 * MANY);
    try (VectorStore store = open(file)) {
      assertThat(store.describe().rows()).isEqualTo(rows);
      String[] ids = LongStream.of(marked).mapToObj(Long::toString).toArray(String[]::new);
      RecordBatch fetched = store.fetch(IdColumn.of(IdKind.INT64, TextColumn.of(ids)));
      assertThat(fetched.rows()).isEqualTo(marked.length);
      for (int i = 0; i < marked.length; i++) {
        assertThat(fetched.onlyVectors().values()[i * dimension]).isEqualTo(marked[i] % 1000 + 1);
      }
      List<SourceRange> ranges = store.split(7);
      assertThat(ranges.stream().mapToLong(SourceRange::rows).sum()).isEqualTo(rows);
      SourceRange last = ranges.get(6);
      try (BatchReader reader = store.read(last, rows - 3 + "@0", 1000)) {
        RecordBatch batch = reader.next();
        assertThat(batch.rows()).isEqualTo(3);
        assertThat(batch.ids().get(2)).isEqualTo(Long.toString(rows - 1));
        assertThat(batch.onlyVectors().values()[2 * dimension]).isEqualTo((rows - 1) % 1000 + 1);
        assertThat(batch.onlyVectors().values()[3 * dimension - 1]).isEqualTo(-7);
        assertThat(reader.next()).isNull();
      }
    }
  }

  @Test
  void moreThanTwoToThe31Rows() throws IOException {
    long rows = MANY + 12;
    try (VectorStore store = open(flat(1, rows, 5, MANY - 1, MANY + 3))) {
      for (long row : new long[] {5, MANY - 1, MANY + 3, rows - 1}) {
        RecordBatch one = at(store, row, 1);
        assertThat(one.ids().get(0)).isEqualTo(Long.toString(row));
        assertThat(one.onlyVectors().values()).containsExactly(row % 1000 + 1);
      }
      List<SourceRange> ranges = store.split(3);
      assertThat(ranges.get(1).start()).isEqualTo(rows / 3 + "@0");
      assertThat(ranges.get(2).end()).isEqualTo(rows + "@0");
    }
  }

  @Test
  void codesAndIdsBeyondTwoGigabytes() throws IOException {
    int dimension = 512;
    long rows = 5_000_000;
    Path file = folder.resolve("codes.faiss");
    try (Hole hole = new Hole(file)) {
      hole.header("IxM2", dimension, rows);
      hole.header("IxSQ", dimension, rows);
      hole.put(hole.position, Hole.buffer().putInt(5).putInt(0).putFloat(0));
      hole.number(dimension);
      hole.number(dimension);
      hole.number(0);
      hole.number(rows * dimension);
      long codes = hole.position;
      hole.put(codes + (rows - 2) * dimension, Hole.buffer().put((byte) 201));
      hole.position = codes + rows * dimension;
      hole.number(rows);
      long ids = hole.position;
      assertThat(ids).isGreaterThan(MANY);
      hole.put(ids + (rows - 2) * 8, Hole.buffer().putLong(-9).putLong(MANY * 5));
    }
    try (VectorStore store = open(file)) {
      RecordBatch batch = at(store, rows - 2, 10);
      assertThat(batch.rows()).isEqualTo(2);
      assertThat(batch.ids().get(0)).isEqualTo("-9");
      assertThat(batch.ids().get(1)).isEqualTo(Long.toString(MANY * 5));
      assertThat(batch.onlyVectors().values()[0]).isEqualTo(201);
    }
  }

  @Test
  void listsBeyondTwoGigabytes() throws IOException {
    int dimension = 1024;
    long[] sizes = {400_000, 300_000};
    Path file = folder.resolve("lists.faiss");
    try (Hole hole = new Hole(file)) {
      hole.header("IwFl", dimension, sizes[0] + sizes[1]);
      hole.number(2);
      hole.number(1);
      hole.header("IxF2", dimension, 2);
      hole.number(2L * dimension);
      hole.position += 8L * dimension;
      hole.put(hole.position, Hole.buffer().put((byte) 0).putLong(0));
      hole.letters("ilar");
      hole.number(2);
      hole.number(4L * dimension);
      hole.letters("full");
      hole.number(2);
      hole.number(sizes[0]);
      hole.number(sizes[1]);
      for (long size : sizes) {
        long codes = hole.position;
        hole.floats(codes + (size - 1) * 4 * dimension, size);
        long ids = codes + size * 4 * dimension;
        hole.put(ids + (size - 1) * 8, Hole.buffer().putLong(size + 1));
      }
      assertThat(hole.position).isGreaterThan(MANY + (1L << 29));
    }
    try (VectorStore store = open(file)) {
      long row = sizes[0];
      for (long end : new long[] {row, row + sizes[1]}) {
        RecordBatch one = at(store, end - 1, 1);
        long size = end == row ? sizes[0] : sizes[1];
        assertThat(one.ids().get(0)).isEqualTo(Long.toString(size + 1));
        assertThat(one.onlyVectors().values()[0]).isEqualTo(size);
      }
    }
  }

  /** Size, time, and the checksum of both ends: a file is not read whole to know it again. */
  @Test
  void largeFilesAreRecognised() throws IOException {
    Path file = flat(1024, 100_000);
    FileTime time = Files.getLastModifiedTime(file);
    String before = fingerprint(file);
    for (long at : new long[] {45 + 1000, Files.size(file) - 900_000}) {
      overwrite(file, at, 1, time);
      assertThat(fingerprint(file)).isNotEqualTo(before);
      overwrite(file, at, 0, time);
      assertThat(fingerprint(file)).isEqualTo(before);
    }
    Files.setLastModifiedTime(file, FileTime.fromMillis(time.toMillis() + 1));
    assertThat(fingerprint(file)).isNotEqualTo(before);
  }

  private static void overwrite(Path file, long at, int value, FileTime time) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[] {(byte) value}), at);
    }
    Files.setLastModifiedTime(file, time);
  }

  private static String fingerprint(Path file) {
    try (VectorStore store = open(file)) {
      return store.describe().fingerprint();
    }
  }

  @Test
  void aCursorOfAnotherFileIsRefused() throws IOException {
    try (VectorStore store = open(flat(1024, 1000))) {
      StoreException failure =
          catchThrowableOfType(StoreException.class, () -> at(store, MANY + 1, 1));
      assertThat(failure.failureClass()).isEqualTo(FailureClass.SOURCE_CHANGED);
    }
  }
}
