package io.vecferry.store.faiss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vecferry.plan.FailureClass;
import io.vecferry.plan.Finding;
import io.vecferry.record.ElementType;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.store.BatchReader;
import io.vecferry.store.CollectionInfo;
import io.vecferry.store.SourceRange;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.VectorStore;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Reads an index of every type that the real FAISS wrote ({@code make_faiss_types.py}) and compares
 * the vectors with what FAISS itself reconstructs from it.
 */
class FaissTypesTest {
  static final Path TYPES = Path.of("src", "test", "resources", "faiss", "types");

  /**
   * Rotations are undone with sums, whose last bits depend on the order of the additions: the
   * library's on its BLAS, ours not.
   */
  private static final double ROTATION_ERROR = 1e-6;

  @TempDir Path folder;

  static Stream<String> names() throws IOException {
    try (Stream<Path> files = Files.list(TYPES)) {
      return files
          .map(path -> path.getFileName().toString())
          .filter(name -> name.endsWith(".f32"))
          .map(name -> name.substring(0, name.length() - 4))
          .sorted()
          .toList()
          .stream();
    }
  }

  /** The index of a golden file, in a folder of its own. */
  static Path index(String name, Path folder) throws IOException {
    Path target = folder.resolve(name + ".faiss");
    Path plain = TYPES.resolve(name + ".faiss");
    if (Files.exists(plain)) {
      Files.copy(plain, target);
    } else {
      byte[] packed = Files.readAllBytes(TYPES.resolve(name + ".faiss.gz"));
      try (GZIPInputStream content = new GZIPInputStream(new ByteArrayInputStream(packed))) {
        Files.copy(content, target);
      }
    }
    Path lists = TYPES.resolve(name + ".ivfdata");
    if (Files.exists(lists)) {
      Files.copy(lists, folder.resolve(name + ".ivfdata"));
    }
    return target;
  }

  static VectorStore open(Path path) {
    return new FaissProvider()
        .open(StoreSettings.of("source", "path", path.toString(), "options.allowLossy", "true"));
  }

  static float[] expected(String name) throws IOException {
    ByteBuffer bytes =
        ByteBuffer.wrap(Files.readAllBytes(TYPES.resolve(name + ".f32")))
            .order(ByteOrder.LITTLE_ENDIAN);
    float[] values = new float[bytes.remaining() / 4];
    bytes.asFloatBuffer().get(values);
    return values;
  }

  static long[] expectedIds(String name, int rows) throws IOException {
    long[] ids = new long[rows];
    Path file = TYPES.resolve(name + ".i64");
    if (Files.exists(file)) {
      ByteBuffer.wrap(Files.readAllBytes(file))
          .order(ByteOrder.LITTLE_ENDIAN)
          .asLongBuffer()
          .get(ids);
    } else {
      Arrays.setAll(ids, row -> row);
    }
    return ids;
  }

  private static List<RecordBatch> read(VectorStore store, int parts, int batchSize) {
    List<RecordBatch> batches = new ArrayList<>();
    for (SourceRange range : store.split(parts)) {
      String cursor = null;
      // A new reader for each batch: a cursor has to be enough to go on.
      while (true) {
        try (BatchReader reader = store.read(range, cursor, batchSize)) {
          RecordBatch batch = reader.next();
          if (batch == null) {
            break;
          }
          batches.add(batch);
          cursor = reader.cursor();
        }
      }
    }
    return batches;
  }

  @ParameterizedTest
  @MethodSource("names")
  void readsWhatFaissReconstructs(String name) throws IOException {
    float[] expected = expected(name);
    try (VectorStore store = open(index(name, folder))) {
      CollectionInfo info = store.describe();
      int dimension = info.vectors().get(0).dimension();
      int rows = expected.length / dimension;
      assertThat(info.rows()).isEqualTo(rows);
      long[] ids = expectedIds(name, rows);
      Map<String, Integer> rowOfId = new HashMap<>();
      for (int row = 0; row < rows; row++) {
        rowOfId.put(Long.toString(ids[row]), row);
      }
      // The table of duplicates is written in the order of a hash table.
      boolean ordered = !name.equals("ivf-flat-dedup");
      int row = 0;
      for (RecordBatch batch : read(store, 3, 7)) {
        for (int i = 0; i < batch.rows(); i++, row++) {
          int wanted = rowOfId.remove(batch.ids().get(i));
          assertThat(!ordered || wanted == row).isTrue();
          assertNear(
              name,
              Arrays.copyOfRange(batch.onlyVectors().values(), i * dimension, (i + 1) * dimension),
              Arrays.copyOfRange(expected, wanted * dimension, (wanted + 1) * dimension));
        }
      }
      assertThat(row).isEqualTo(rows);
      assertFetches(store, name, ids, expected, dimension);
      assertThat(store.assess())
          .noneMatch(finding -> finding.severity() == Finding.Severity.BLOCKING);
    }
  }

  private static void assertFetches(
      VectorStore store, String name, long[] ids, float[] expected, int dimension) {
    int[] rows = {ids.length - 1, 0, ids.length / 2};
    String[] wanted =
        Arrays.stream(rows).mapToObj(row -> Long.toString(ids[row])).toArray(String[]::new);
    RecordBatch fetched = store.fetch(IdColumn.of(IdKind.INT64, TextColumn.of(wanted)));
    for (int i = 0; i < rows.length; i++) {
      assertThat(fetched.ids().get(i)).isEqualTo(wanted[i]);
      assertNear(
          name,
          Arrays.copyOfRange(fetched.onlyVectors().values(), i * dimension, (i + 1) * dimension),
          Arrays.copyOfRange(expected, rows[i] * dimension, (rows[i] + 1) * dimension));
    }
  }

  /** The same bits; only rotations leave the last ones to the order of the additions. */
  private static void assertNear(String name, float[] actual, float[] expected) {
    if (!name.matches("(pca|opq|rotation|two-transforms|idmap2-pca|independent).*")) {
      for (int i = 0; i < expected.length; i++) {
        assertThat(Float.floatToRawIntBits(actual[i]))
            .as("component %d: %s instead of %s", i, actual[i], expected[i])
            .isEqualTo(Float.floatToRawIntBits(expected[i]));
      }
      return;
    }
    double length = 0;
    double difference = 0;
    for (int i = 0; i < expected.length; i++) {
      length += (double) expected[i] * expected[i];
      difference = Math.max(difference, Math.abs(actual[i] - expected[i]));
    }
    assertThat(difference).isLessThanOrEqualTo(ROTATION_ERROR * Math.sqrt(length));
  }

  @ParameterizedTest
  @MethodSource("names")
  void rowsInOrderAreTheSameRows(String name) throws IOException {
    IndexFile index = IndexFile.open(index(name, folder));
    int rows = (int) index.rows();
    int dimension = index.dimension();
    float[] asStored = new float[rows * dimension];
    float[] inOrder = new float[rows * dimension];
    long[] labels = new long[rows];
    long[] orderedLabels = new long[rows];
    try (IndexFile.Reader stored = index.reader();
        IndexFile.Reader ordered = index.inOrder().reader()) {
      stored.vectors(0, rows, asStored, 0);
      stored.labels(0, rows, labels);
      ordered.vectors(0, rows, inOrder, 0);
      ordered.labels(0, rows, orderedLabels);
    }
    Map<Long, Integer> rowOfLabel = new HashMap<>();
    for (int row = 0; row < rows; row++) {
      rowOfLabel.put(labels[row], row);
    }
    if (name.contains("ivf") && !name.contains("idmap")) {
      assertThat(orderedLabels).isSorted();
    }
    for (int row = 0; row < rows; row++) {
      int at = rowOfLabel.remove(orderedLabels[row]);
      assertThat(Arrays.copyOfRange(inOrder, row * dimension, (row + 1) * dimension))
          .isEqualTo(Arrays.copyOfRange(asStored, at * dimension, (at + 1) * dimension));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "flat-l2 | Flat | float32 | ",
        "types/ivf-flat | IVF4,Flat | float32 | ",
        "types/ivf-flat-dedup | IVF4,FlatDedup | float32 | ",
        "types/imi-sq8 | IVF64(IMI2x3),SQ8 | residuals as SQ8, 8 bits per component | error of up",
        "types/ivf-hnsw-quantizer | IVF4(HNSW4,Flat),Flat | float32 | ",
        "types/hnsw-flat | HNSW4,Flat | float32 | ",
        "types/hnsw-sqfp16 | HNSW4,SQfp16 | SQfp16, half precision | 11 significant bits",
        "types/sq-bf16-8 | SQbf16 | SQbf16, bfloat16 | 8 significant bits",
        "types/sq-8bit_direct-8 | SQ8_direct | SQ8_direct, whole numbers from 0 to 255 | ",
        "types/pq-4x5 | PQ4x5 | PQ4x5 | 3 bytes stand for the 32",
        "types/ivf-pqr | IVF3,PQ2x4+2 | residuals as PQ2x4 refined by PQ2x5 | 1 bytes stand",
        "types/refine-ivf-pq | IVF3,PQ2x4,Refine(Flat) | float32 | ",
        "types/pca-flat | PCA4,Flat | PCA4, float32 | 4 of 8 dimensions are kept",
        "types/rotation-flat | RR8,Flat | RR8, float32 | ",
        "types/normalised-flat | L2norm,Flat | L2norm, float32 | their lengths are gone",
        "types/remap-flat | Remap12,Flat | remapped, float32 | ",
        "types/nsg-pq | NSG6,PQ2x4 | PQ2x4 | 1 bytes stand",
        "types/binary-hnsw | HNSW4,BinaryFlat | bits | ",
      })
  void saysWhatIsLost(String file, String type, String codec, String loss) {
    Path path = Path.of("src", "test", "resources", "faiss", file + ".faiss");
    for (boolean allowed : new boolean[] {false, true}) {
      try (VectorStore store =
          new FaissProvider()
              .open(
                  StoreSettings.of(
                      "source", "path", path.toString(), "options.allowLossy", "" + allowed))) {
        CollectionInfo info = store.describe();
        assertThat(info.vectors().get(0).indexType()).isEqualTo(type);
        assertThat(info.configuration()).containsEntry("codec", codec);
        List<Finding> findings =
            store.assess().stream()
                .filter(finding -> finding.severity() != Finding.Severity.INFO)
                .toList();
        if (loss == null) {
          assertThat(findings).isEmpty();
          assertThat(info.configuration()).doesNotContainKey("lossy");
          continue;
        }
        assertThat(info.configuration().get("lossy")).contains(loss);
        assertThat(findings).hasSize(1);
        assertThat(findings.get(0).severity())
            .isEqualTo(allowed ? Finding.Severity.WARNING : Finding.Severity.BLOCKING);
        assertThat(findings.get(0).toString()).contains(codec, loss, "not the original ones");
        if (!allowed) {
          assertThat(findings.get(0).toString()).contains("source.options.allowLossy: true");
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "sq-fp16-8,FLOAT16",
    "sq-bf16-7,BFLOAT16",
    "sq-8bit_direct-8,UINT8",
    "sq-8bit_direct_signed-8,INT8",
    "ivf-sq-fp16-plain,FLOAT16",
    "ivf-sq-fp16-residual,FLOAT32",
    "binary-flat,BIT",
    "sq-8bit-8,FLOAT32"
  })
  void saysTheTypeOfComponents(String name, ElementType element) {
    try (VectorStore store = open(TYPES.resolve(name + ".faiss"))) {
      assertThat(store.describe().vectors().get(0).element()).isEqualTo(element);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "lsh | index type IndexLSH (IxHe) cannot be read: it keeps only bits | original vectors",
        "residual-quantizer | index type IndexResidualQuantizer (IxRq) cannot be read | flat index",
        "local-search | index type IndexLocalSearchQuantizer (IxLS) cannot be read | flat index",
        "rabitq | index type IndexRaBitQ (Ixrq) cannot be read | reconstruct_n",
        "rowwise | index type IndexRowwiseMinMax (IRMf) cannot be read: it only encodes | original",
        "turbo | scalar quantizer is of type 13 (TurboQuant or EDEN) | reconstruct_n",
        "whitened | PCAW4 is no rotation | original vectors",
        "no-lists | IVF3,Flat: it was saved without its inverted lists | Save it again",
        "no-storage | IndexHNSW was saved without the index inside it | Save it again"
      })
  void refusesByNameWhatCannotBeReconstructed(String name, String message, String advice) {
    assertThatThrownBy(() -> IndexFile.open(TYPES.resolve("refused-" + name + ".faiss")))
        .isInstanceOf(StoreException.class)
        .hasMessageContaining(message)
        .hasMessageContaining(advice)
        .extracting(error -> ((StoreException) error).failureClass())
        .isEqualTo(FailureClass.INCOMPATIBLE);
  }

  @ParameterizedTest
  @MethodSource("names")
  void everyCutIsNoticed(String name) throws IOException {
    Path file = index(name, folder);
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      // Every byte of small files; large ones have nothing more than larger tables.
      long step = 1 + channel.size() / 6000;
      for (long length = channel.size() - 1; length > 0; length -= step) {
        channel.truncate(length);
        StoreException failure =
            catchThrowableOfType(
                StoreException.class, () -> new IndexParser(file, channel).parse());
        assertThat(failure).as("cut to %d bytes", length).isNotNull();
        assertThat(failure.failureClass()).isEqualTo(FailureClass.BAD_RECORD);
        assertThat(failure).hasMessageContaining(file.toString()).hasMessageContaining("truncated");
      }
    }
  }

  @Test
  void listsOnDiskMoveWithTheIndex() throws IOException {
    Path file = index("ivf-flat-on-disk", folder);
    Path lists = folder.resolve("ivf-flat-on-disk.ivfdata");
    assertThat(IndexFile.open(file).paths()).containsExactly(file, lists.toAbsolutePath());
    byte[] whole = Files.readAllBytes(lists);
    Files.delete(lists);
    assertThatThrownBy(() -> parse(file))
        .hasMessageContaining("keeps its vectors in the file 'ivf-flat-on-disk.ivfdata'")
        .hasMessageContaining("Copy it beside the index");
    Files.write(lists, Arrays.copyOf(whole, whole.length - 1));
    assertThatThrownBy(() -> parse(file)).hasMessageContaining("says that it has 4096");
  }

  private static void parse(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      new IndexParser(file, channel).parse();
    }
  }

  @Test
  void vectorsThatFaissDroppedAreReported() throws IOException {
    try (VectorStore store = open(index("ivf-flat-nan-dropped", folder))) {
      assertThat(store.assess())
          .anyMatch(
              finding ->
                  finding.toString().contains("the index counts 40 vectors, its lists hold 39"));
    }
  }

  @Test
  void nestingIsBounded() throws IOException {
    byte[] header = new byte[33];
    header[0] = 8;
    header[28] = 1;
    header[29] = 1;
    Path file = folder.resolve("bomb.faiss");
    try (OutputStream out = Files.newOutputStream(file)) {
      for (int i = 0; i < 100_000; i++) {
        out.write("IxMp".getBytes(StandardCharsets.US_ASCII));
        out.write(header);
      }
    }
    assertThatThrownBy(() -> IndexFile.open(file)).hasMessageContaining("nested more than 50 deep");
  }

  /** An ITQ transform consists of two transforms, which may be such ones again. */
  @Test
  void nestingOfTransformsIsBounded() throws IOException {
    Path file = folder.resolve("bomb.faiss");
    byte[] transform = new byte[13];
    System.arraycopy("Viqt".getBytes(StandardCharsets.US_ASCII), 0, transform, 0, 4);
    try (OutputStream out = Files.newOutputStream(file)) {
      out.write("IxPT".getBytes(StandardCharsets.US_ASCII));
      byte[] header = new byte[37];
      header[0] = 8;
      header[28] = 1;
      header[29] = 1;
      header[33] = 1;
      out.write(header);
      for (int i = 0; i < 100_000; i++) {
        out.write(transform);
      }
    }
    assertThatThrownBy(() -> IndexFile.open(file))
        .hasMessageContaining("transforms are nested more than 50 deep");
  }

  /** Every eight bytes at the beginning as a count: whatever they count, nothing is made for it. */
  @ParameterizedTest
  @MethodSource("names")
  void countsThatLieAreNotBelieved(String name) throws IOException {
    Path file = index(name, folder);
    byte[] whole = Files.readAllBytes(file);
    long[] lies = {1L << 31, Long.MAX_VALUE, (1L << 40) + 1, -1};
    for (int at = 4; at <= Math.min(160, whole.length - 8); at++) {
      byte[] lying = whole.clone();
      ByteBuffer.wrap(lying).order(ByteOrder.LITTLE_ENDIAN).putLong(at, lies[at / 2 % 4]);
      IndexProbe.read(file, lying, at % 2 == 0);
    }
  }

  /** As a machine that starts numbers with the other end writes them. */
  @ParameterizedTest
  @CsvSource({
    "flat-l2, true",
    "flat-l2, false",
    "types/ivf-flat, false",
    "types/binary-flat, true",
    "types/binary-flat, false"
  })
  void anotherOrderOfBytesIsNamed(String name, boolean type) throws IOException {
    byte[] content =
        Files.readAllBytes(Path.of("src", "test", "resources", "faiss", name + ".faiss"));
    ByteBuffer from = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer to = ByteBuffer.wrap(content.clone());
    if (type) {
      to.putInt(0, from.getInt(0));
    }
    to.putInt(4, from.getInt(4));
    if (name.contains("binary")) {
      to.putInt(8, from.getInt(8)).putLong(12, from.getLong(12)).putInt(21, from.getInt(21));
    } else {
      to.putLong(8, from.getLong(8)).putLong(16, from.getLong(16)).putLong(24, from.getLong(24));
      to.putInt(33, from.getInt(33));
    }
    Path file = Files.write(folder.resolve("big.faiss"), to.array());
    assertThatThrownBy(() -> IndexFile.open(file))
        .hasMessageContaining("big.faiss looks big-endian")
        .hasMessageContaining("reconstruct_n")
        .extracting(error -> ((StoreException) error).failureClass())
        .isEqualTo(FailureClass.INCOMPATIBLE);
  }

  /** Whatever is wrong with a file, it is said, and nothing large is allocated for it. */
  @ParameterizedTest
  @MethodSource("names")
  void damagedFilesNeverEscapeTheReader(String name) throws IOException {
    Path file = index(name, folder);
    byte[] whole = Files.readAllBytes(file);
    Random random = new Random(name.hashCode());
    byte[] strange = {0, 1, 2, 0x7f, (byte) 0x80, (byte) 0xff};
    for (int round = 0; round < 80; round++) {
      byte[] damaged = whole.clone();
      for (int n = 0; n <= round % 3; n++) {
        // Counts stand mostly at the beginning.
        int at = random.nextInt(round % 2 == 0 ? Math.min(300, whole.length) : whole.length);
        damaged[at] =
            round % 4 == 0 ? (byte) random.nextInt(256) : strange[random.nextInt(strange.length)];
      }
      IndexProbe.read(file, damaged, round % 5 == 0);
    }
  }
}
