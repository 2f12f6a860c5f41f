package io.vecferry.archive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.vecferry.plan.FailureClass;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.store.Metric;
import io.vecferry.store.StoreException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PartRoundTripTest {
  private static final String PART = "m/source/p000-000000.parquet";

  @TempDir Path folder;

  /** Records that are hard to keep, in both layouts. */
  private enum Hard {
    PLAIN(Samples.SCHEMA, Samples.adversarial(), PartWriter.Layout.PLAIN),
    SPLIT(Samples.SCHEMA, Samples.adversarial(), PartWriter.Layout.SPLIT),
    KINDS_PLAIN(Samples.KINDS, Samples.adversarialKinds(), PartWriter.Layout.PLAIN),
    KINDS_SPLIT(Samples.KINDS, Samples.adversarialKinds(), PartWriter.Layout.SPLIT);

    private final PartSchema schema;
    private final RecordBatch records;
    private final PartWriter.Layout layout;

    Hard(PartSchema schema, RecordBatch records, PartWriter.Layout layout) {
      this.schema = schema;
      this.records = records;
      this.layout = layout;
    }
  }

  @ParameterizedTest
  @EnumSource
  void keepsEveryBitOfHardRecords(Hard hard) {
    ArtifactStore store = new LocalArtifactStore(folder);
    RecordBatch expected = hard.records;
    write(store, hard);
    for (int batchSize : new int[] {1, 4, 100}) {
      for (int first = 0; first <= expected.rows(); first++) {
        try (PartReader reader = PartReader.open(store, PART)) {
          reader.verifyChecksum();
          assertThat(reader.schema()).isEqualTo(hard.schema);
          PartReader.Batches batches =
              reader.batches(first, batchSize, EnumSet.allOf(PartReader.Column.class));
          int row = first;
          for (RecordBatch batch = batches.next(); batch != null; batch = batches.next()) {
            for (int i = 0; i < batch.rows(); i++, row++) {
              Samples.assertSame(batch, i, expected, row);
            }
          }
          assertThat(row).isEqualTo(expected.rows());
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(PartWriter.Layout.class)
  void readsManyRowGroupsInBatchesThatCrossThem(PartWriter.Layout layout) {
    ArtifactStore store = new LocalArtifactStore(folder);
    int dimension = 700;
    int rows = 12_345;
    RecordBatch all = Samples.random(new Random(3), rows, dimension, 0);
    PartSchema schema = PartSchema.of(IdKind.INT64, dimension, Metric.L2);
    try (PartWriter writer = new PartWriter(store, PART, schema, layout)) {
      writer.append(all);
      writer.finish(null, "end", true, "", null);
    }
    try (PartReader reader = PartReader.open(store, PART)) {
      PartReader.Batches batches =
          reader.batches(5000, 999, EnumSet.of(PartReader.Column.VECTORS, PartReader.Column.IDS));
      int row = 5000;
      for (RecordBatch batch = batches.next(); batch != null; batch = batches.next()) {
        float[] values = batch.onlyVectors().values();
        assertThat(batch.ids().get(0)).isEqualTo(Integer.toString(row));
        assertThat(
                Arrays.mismatch(
                    values,
                    0,
                    values.length,
                    all.onlyVectors().values(),
                    row * dimension,
                    row * dimension + values.length))
            .isEqualTo(-1);
        row += batch.rows();
      }
      assertThat(row).isEqualTo(rows);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"SPLIT", "KINDS_PLAIN"})
  void noticesTruncationAtEveryByte(Hard hard) throws Exception {
    ArtifactStore store = new LocalArtifactStore(folder);
    write(store, hard);
    byte[] whole = store.readBytes(PART);
    String sidecar = new String(store.readBytes(PartSidecar.pathOf(PART)));
    for (int length = 0; length < whole.length; length++) {
      Files.write(folder.resolve(PART), Arrays.copyOf(whole, length));
      assertDamaged(store);
      // A sidecar that lies about the size must not help.
      Files.writeString(
          folder.resolve(PartSidecar.pathOf(PART)),
          sidecar.replace("\"bytes\" : " + whole.length, "\"bytes\" : " + length));
      assertDamaged(store);
      Files.writeString(folder.resolve(PartSidecar.pathOf(PART)), sidecar);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"PLAIN", "KINDS_PLAIN", "KINDS_SPLIT"})
  void noticesEveryFlippedByte(Hard hard) throws Exception {
    ArtifactStore store = new LocalArtifactStore(folder);
    write(store, hard);
    byte[] whole = store.readBytes(PART);
    for (int i = 0; i < whole.length; i++) {
      byte[] flipped = whole.clone();
      flipped[i] ^= (byte) (1 << (i % 8));
      Files.write(folder.resolve(PART), flipped);
      assertDamaged(store);
    }
  }

  @Test
  void doesNotBelieveAWrongSidecar() throws Exception {
    ArtifactStore store = new LocalArtifactStore(folder);
    write(store, Hard.PLAIN);
    Path file = folder.resolve(PartSidecar.pathOf(PART));
    String good = Files.readString(file);
    for (String bad :
        new String[] {
          good.replace("\"rows\" : 6", "\"rows\" : 7"),
          good.replaceAll("crc32c:........", "crc32c:00000000"),
          good.replaceAll("(schemaFingerprint\" : \")....", "$10000"),
          good.replace("\"formatVersion\" : 1", "\"formatVersion\" : 2"),
          good.replace("p000-000000", "p000-000001"),
          "{",
          ""
        }) {
      assertThat(bad).isNotEqualTo(good);
      Files.writeString(file, bad);
      assertDamaged(store);
    }
  }

  @Test
  void isNotThereBeforeItsSidecarIs() {
    ArtifactStore store = new LocalArtifactStore(folder);
    try (PartWriter writer = new PartWriter(store, PART, Samples.SCHEMA)) {
      writer.append(Samples.adversarial());
    }
    assertThat(store.list("")).isEmpty();
    write(store, Hard.PLAIN);
    store.delete(PartSidecar.pathOf(PART));
    assertThatThrownBy(() -> PartReader.open(store, PART))
        .isInstanceOfSatisfying(
            StoreException.class,
            e -> assertThat(e.failureClass()).isEqualTo(FailureClass.MISSING));
    write(store, Hard.PLAIN);
    PartReader.open(store, PART).close();
  }

  @Test
  void refusesPathsOutsideTheRoot() {
    ArtifactStore store = new LocalArtifactStore(folder.resolve("root"));
    for (String path :
        new String[] {"../x", "a/../../x", "/x", "a//b", ".", "", "a\\..\\b", "a\0"}) {
      assertThatThrownBy(() -> store.writeBytes(path, new byte[1]))
          .isInstanceOfSatisfying(
              StoreException.class,
              e -> assertThat(e.failureClass()).isEqualTo(FailureClass.PERMISSION));
    }
  }

  private static void write(ArtifactStore store, Hard hard) {
    try (PartWriter writer = new PartWriter(store, PART, hard.schema, hard.layout)) {
      writer.append(hard.records);
      writer.finish(null, "6", true, "source", null);
    }
  }

  private static void assertDamaged(ArtifactStore store) {
    Throwable thrown =
        catchThrowable(
            () -> {
              try (PartReader reader = PartReader.open(store, PART)) {
                reader.verifyChecksum();
              }
            });
    assertThat(thrown).isInstanceOf(StoreException.class);
    assertThat(((StoreException) thrown).failureClass()).isEqualTo(FailureClass.ARCHIVE_DAMAGED);
    assertThat(thrown).hasMessageContaining("p000-00000");
  }
}
