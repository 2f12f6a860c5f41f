package io.vecferry.archive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vecferry.plan.FailureClass;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.ElementType;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.MultiVectors;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.SparseVectors;
import io.vecferry.record.TextColumn;
import io.vecferry.record.VectorColumn;
import io.vecferry.record.VectorKind;
import io.vecferry.store.Metric;
import io.vecferry.store.StoreException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Random schemas and records of all kinds come back as they were. */
class KindsRoundTripTest {
  private static final String PART = "m/source/p000-000000.parquet";
  private static final float[] HARD = {
    -0.0f, 0, Float.MIN_VALUE, -1e-42f, Float.MAX_VALUE, Float.NaN, 1f / 0, 0.1f
  };

  @TempDir Path folder;

  @Test
  void randomRecordsOfRandomSchemas() {
    for (int seed = 0; seed < 250; seed++) {
      Random random = new Random(seed);
      PartSchema schema = schema(random);
      int rows = random.nextInt(4) == 0 ? random.nextInt(3) : random.nextInt(60);
      roundTrip(seed, random, schema, records(random, schema, rows));
    }
  }

  @Test
  void severalRowGroups() {
    for (int seed = 0; seed < 3; seed++) {
      Random random = new Random(seed);
      List<PartSchema.VectorField> fields =
          List.of(
              Samples.field("d", VectorKind.DENSE, ElementType.FLOAT32, 800, Metric.L2, true),
              Samples.field("s", VectorKind.SPARSE, ElementType.FLOAT32, 0, Metric.IP, true),
              Samples.field("m", VectorKind.MULTI, ElementType.FLOAT32, 150, Metric.IP, true));
      PartSchema schema = new PartSchema(fields, Set.of(IdKind.STRING));
      RecordBatch all = records(random, schema, 9_000);
      assertThat(all.bytes()).isGreaterThan(2 * (12L << 20));
      roundTrip(seed, random, schema, all);
    }
  }

  /** A page ends with a row, however long the row is. */
  @Test
  void rowsThatAreLongerThanAPage() {
    PartSchema schema =
        new PartSchema(
            List.of(
                Samples.field("s", VectorKind.SPARSE, ElementType.FLOAT32, 0, Metric.IP, true),
                Samples.field("m", VectorKind.MULTI, ElementType.FLOAT32, 1, Metric.IP, true)),
            Set.of(IdKind.STRING));
    int[] offsets = {0, 700_000, 700_000, 700_001, 1_000_000};
    int[] indices = new int[1_000_000];
    float[] values = new float[1_000_000];
    Arrays.setAll(indices, i -> 7 * i);
    for (int i = 0; i < values.length; i++) {
      values[i] = i;
    }
    RecordBatch batch =
        new RecordBatch(
            IdColumn.ofStrings("a", "b", "c", "d"),
            List.of(
                new SparseVectors("s", offsets, indices, values, null),
                new MultiVectors("m", 1, offsets, values, null)),
            TextColumn.allNull(4),
            TextColumn.allNull(4));
    roundTrip(0, new Random(0), schema, batch);
  }

  @Test
  void oneFieldCanBeReadAlone() {
    ArtifactStore store = new LocalArtifactStore(folder);
    RecordBatch all = Samples.adversarialKinds();
    try (PartWriter writer = new PartWriter(store, PART, Samples.KINDS)) {
      writer.append(all);
      writer.finish(null, null, true, "", null);
    }
    try (PartReader reader = PartReader.open(store, PART)) {
      RecordBatch batch = reader.vectors(2, 3, "tokens", true).next();
      assertThat(batch.rows()).isEqualTo(3);
      assertThat(batch.ids().get(0)).isEqualTo(all.ids().get(2));
      assertThat(batch.vectors()).hasSize(1);
      assertThat(Samples.spell(batch.vectors().get(0), 1))
          .isEqualTo(Samples.spell(all.vectors().get(2), 3));
      assertThat(reader.vectors(0, 100, "bits", false).next().onlyVectors().values())
          .isEqualTo(((DenseVectors) all.vectors().get(3)).values());
    }
  }

  @Test
  void refusesBatchesThatDoNotFit() {
    ArtifactStore store = new LocalArtifactStore(folder);
    RecordBatch good = Samples.adversarialKinds();
    boolean[] absent = new boolean[good.rows()];
    absent[4] = true;
    float[] six = new float[good.rows()];
    refuse(
        store,
        replace(good, 1, new DenseVectors("lexical", 1, six)),
        "vector field 'lexical' is not sparse");
    refuse(
        store,
        replace(good, 2, good.vectors().get(1)),
        "vector fields [, lexical, lexical, bits] do not fit the schema, which has [, lexical,"
            + " tokens, bits]");
    refuse(
        store,
        replace(good, 2, new MultiVectors("tokens", 3, new int[7], six, null)),
        "vector field 'tokens' is not of several vectors of dimension 2");
    refuse(
        store,
        replace(good, 3, new DenseVectors("bits", 16, new float[16 * good.rows()])),
        "vector field 'bits' is not dense with dimension 8");
    refuse(
        store,
        replace(good, 3, new DenseVectors("bits", 8, new float[8 * good.rows()], absent)),
        "vector field 'bits' has no vector in row 4, the schema says that every record has one");
  }

  @Test
  void columnsThatContradictThemselvesCannotBeMade() {
    assertThatThrownBy(() -> new MultiVectors("m", 2, new int[] {1, 2}, new float[9], null))
        .hasMessage("offsets of 'm' must begin with 0");
    assertThatThrownBy(
            () -> new SparseVectors("s", new int[] {0, 3, 2}, new int[3], new float[3], null))
        .hasMessage("row 1 of 's' goes from 3 to 2");
    assertThatThrownBy(
            () ->
                new SparseVectors(
                    "s", new int[] {0, 1}, new int[1], new float[1], new boolean[] {true}))
        .hasMessage("row 0 of 's' goes from 0 to 1 and is absent");
    assertThatThrownBy(
            () -> new SparseVectors("s", new int[] {0, 2}, new int[2], new float[1], null))
        .hasMessage("2 entries need as many indices and values, got 2 and 1");
  }

  private static void refuse(ArtifactStore store, RecordBatch batch, String message) {
    try (PartWriter writer = new PartWriter(store, PART, Samples.KINDS)) {
      assertThatThrownBy(() -> writer.append(batch))
          .isInstanceOfSatisfying(
              StoreException.class,
              e -> assertThat(e.failureClass()).isEqualTo(FailureClass.BAD_RECORD))
          .hasMessageEndingWith(PART + ": " + message);
    }
  }

  private static RecordBatch replace(RecordBatch batch, int field, VectorColumn column) {
    List<VectorColumn> columns = new ArrayList<>(batch.vectors());
    columns.set(field, column);
    return new RecordBatch(batch.ids(), columns, batch.documents(), batch.metadata());
  }

  private void roundTrip(int seed, Random random, PartSchema schema, RecordBatch all) {
    ArtifactStore store = new LocalArtifactStore(folder);
    PartWriter.Layout layout = PartWriter.Layout.values()[random.nextInt(2)];
    try (PartWriter writer = new PartWriter(store, PART, schema, layout)) {
      for (int from = 0; from < all.rows(); ) {
        int to = Math.min(all.rows(), from + 1 + random.nextInt(all.rows()));
        writer.append(all.select(range(from, to)));
        from = to;
      }
      writer.finish(null, null, true, "", null);
    }
    int first = random.nextInt(all.rows() + 1);
    int batchSize = 1 + random.nextInt(Math.max(1, all.rows()));
    try (PartReader reader = PartReader.open(store, PART)) {
      reader.verifyChecksum();
      assertThat(reader.schema()).isEqualTo(schema);
      PartReader.Batches batches =
          reader.batches(first, batchSize, EnumSet.allOf(PartReader.Column.class));
      int row = first;
      for (RecordBatch batch = batches.next(); batch != null; batch = batches.next()) {
        assertThat(batch.rows()).isEqualTo(Math.min(batchSize, all.rows() - row));
        for (int i = 0; i < batch.rows(); i++, row++) {
          Samples.assertSame(batch, i, all, row);
        }
      }
      assertThat(row).as("rows with seed %d", seed).isEqualTo(all.rows());
    }
  }

  private static int[] range(int from, int to) {
    int[] rows = new int[to - from];
    Arrays.setAll(rows, i -> from + i);
    return rows;
  }

  private static PartSchema schema(Random random) {
    List<PartSchema.VectorField> fields = new ArrayList<>();
    for (int i = random.nextInt(5); i > 0; i--) {
      VectorKind kind = VectorKind.values()[random.nextInt(3)];
      int dimension = random.nextInt(3) == 0 ? 1 : 1 + random.nextInt(40);
      fields.add(
          Samples.field(
              i == 1 ? "" : "f" + i,
              kind,
              ElementType.FLOAT32,
              kind == VectorKind.SPARSE ? 0 : dimension,
              Metric.IP,
              random.nextBoolean()));
    }
    return new PartSchema(fields, Set.of(IdKind.STRING));
  }

  private static RecordBatch records(Random random, PartSchema schema, int rows) {
    TextColumn.Builder ids = new TextColumn.Builder(rows);
    for (int row = 0; row < rows; row++) {
      ids.add("id-" + row);
    }
    return new RecordBatch(
        IdColumn.of(IdKind.STRING, ids.build()),
        schema.vectors().stream().map(field -> column(random, field, rows)).toList(),
        TextColumn.allNull(rows),
        TextColumn.allNull(rows));
  }

  private static VectorColumn column(Random random, PartSchema.VectorField field, int rows) {
    double absent = new double[] {0, 0.1, 0.9, 1}[random.nextInt(4)];
    double empty = new double[] {0, 0.2, 1}[random.nextInt(3)];
    boolean[] nulls = new boolean[rows];
    int[] offsets = new int[rows + 1];
    boolean dense = field.kind() == VectorKind.DENSE;
    for (int row = 0; row < rows; row++) {
      nulls[row] = (!dense || field.optional()) && random.nextDouble() < absent;
      int length = dense ? 1 : random.nextDouble() < empty ? 0 : 1 + random.nextInt(6);
      offsets[row + 1] = offsets[row] + (nulls[row] && !dense ? 0 : length);
    }
    // A column whose array of absent rows names none is as good as one without the array.
    boolean[] all = random.nextBoolean() || absent > 0 ? nulls : null;
    float[] values = floats(random, offsets[rows] * Math.max(1, field.dimension()));
    return switch (field.kind()) {
      case DENSE -> {
        for (int i = 0; i < values.length; i++) {
          values[i] = nulls[i / field.dimension()] ? 0 : values[i];
        }
        yield new DenseVectors(field.name(), field.dimension(), values, all);
      }
      case MULTI -> new MultiVectors(field.name(), field.dimension(), offsets, values, all);
      case SPARSE -> {
        int[] indices = new int[offsets[rows]];
        for (int row = 0; row < rows; row++) {
          for (int i = offsets[row]; i < offsets[row + 1]; i++) {
            // Six steps from below 2^31 to above.
            indices[i] = 0x70000000 + (i - offsets[row]) * 0x10000000 + random.nextInt(1000);
          }
        }
        yield new SparseVectors(field.name(), offsets, indices, values, all);
      }
    };
  }

  private static float[] floats(Random random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] =
          random.nextInt(3) == 0 ? HARD[random.nextInt(HARD.length)] : random.nextFloat() - 0.5f;
    }
    return values;
  }
}
