package io.vecferry.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vecferry.archive.Archive;
import io.vecferry.archive.LocalArtifactStore;
import io.vecferry.archive.PartSchema;
import io.vecferry.archive.PartSidecar;
import io.vecferry.archive.PartWriter;
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
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class VerifyTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {"a":1,"b":[1,2]} | {"b":[1,2],"a":1} | true
          {"a":1} | {"a":1.0} | false
          {"a":null} | {} | false
          {"a":[1,2]} | {"a":[2,1]} | false
          {"a":"1"} | {"a":1} | false
          {"a":{"x":true}} | {"a":{"x":true} } | true
          {"a":1} | {"a":1,"b":2} | false
          {} | [] | false
          {"a":1} | nonsense | false
          """)
  void comparesMetadataAsJson(String expected, String actual, boolean same) {
    RecordComparator comparator = new RecordComparator(0, true, true);
    comparator.compare(
        batch(new String[] {"1"}, new float[] {1, 2}, expected),
        batch(new String[] {"1"}, new float[] {1, 2}, actual));
    assertThat(comparator.result().isEqual()).isEqualTo(same);
    assertThat(comparator.result().differences()).hasSize(same ? 0 : 1);
  }

  @Test
  void namesWhatIsMissingAndWhatDiffers() {
    RecordComparator comparator = new RecordComparator(0.001, true, true);
    comparator.compare(
        batch(
            new String[] {"a", "b", "c", "d"},
            new float[] {1, 2, 3, 4, 1000, 6, Float.NaN, 8},
            "{}"),
        batch(new String[] {"a", "c", "d"}, new float[] {1, 2, 1000.5f, 6, Float.NaN, 8.1f}, "{}"));
    RecordComparator.Result result = comparator.result();
    assertThat(result.rows()).isEqualTo(4);
    assertThat(result.bitExactRows()).isEqualTo(1);
    assertThat(result.withinToleranceRows()).isEqualTo(1);
    assertThat(result.missingRows()).isEqualTo(1);
    assertThat(result.differentRows()).isEqualTo(1);
    assertThat(result.largestAbsolute()).isEqualTo(0.5);
    assertThat(result.differences())
        .containsExactly(
            new Difference("b", Difference.Kind.MISSING, "", "present", "absent"),
            new Difference("d", Difference.Kind.VECTOR, "[1]", "8.0", "8.1"));
  }

  @Test
  void aNaNIsNeverWithinATolerance() {
    for (float[] pair : new float[][] {{Float.NaN, 1}, {1, Float.NaN}, {1e38f, 1 / 0f}}) {
      RecordComparator comparator = new RecordComparator(1e9, true, true);
      comparator.compare(
          batch(new String[] {"a"}, new float[] {pair[0], 0}, "{}"),
          batch(new String[] {"a"}, new float[] {pair[1], 0}, "{}"));
      assertThat(comparator.result().isEqual()).isFalse();
    }
  }

  private static RecordBatch one(VectorColumn column) {
    return new RecordBatch(
        IdColumn.ofStrings("a"), List.of(column), TextColumn.allNull(1), TextColumn.allNull(1));
  }

  private static SparseVectors sparse(int[] indices, float... values) {
    return new SparseVectors("s", new int[] {0, indices.length}, indices, values, null);
  }

  private static MultiVectors multi(float... values) {
    return new MultiVectors("m", 2, new int[] {0, values.length / 2}, values, null);
  }

  private static List<Difference> differences(VectorColumn expected, VectorColumn actual) {
    RecordComparator comparator = new RecordComparator(0.001, true, true);
    comparator.compare(one(expected), one(actual));
    assertThat(comparator.result().differentRows())
        .isEqualTo(comparator.result().differences().size());
    return comparator.result().differences();
  }

  private static Difference vector(String field, String expected, String actual) {
    return new Difference("a", Difference.Kind.VECTOR, field, expected, actual);
  }

  @Test
  void comparesSparseVectors() {
    SparseVectors expected = sparse(new int[] {3, -2, -1}, 1, 2, 3);
    assertThat(differences(expected, sparse(new int[] {3, -2, -1}, 1, 2.0001f, 3))).isEmpty();
    assertThat(differences(expected, sparse(new int[] {3, -2, -1}, 1, 2.1f, 4)))
        .containsExactly(vector("s[4294967295]", "3.0", "4.0"));
    assertThat(differences(expected, sparse(new int[] {3, -1}, 1, 3)))
        .containsExactly(vector("s[4294967294]", "2.0", "absent"));
    assertThat(differences(expected, sparse(new int[] {3, 4, -2, -1}, 1, 9, 2, 3)))
        .containsExactly(vector("s[4]", "absent", "9.0"));
    assertThat(differences(expected, sparse(new int[] {3, -2}, 1, 2)))
        .containsExactly(vector("s[4294967295]", "3.0", "absent"));
    assertThat(differences(sparse(new int[0]), sparse(new int[] {7}, 0)))
        .containsExactly(vector("s[7]", "absent", "0.0"));
    assertThat(differences(sparse(new int[] {1}, Float.NaN), sparse(new int[] {1}, Float.NaN)))
        .isEmpty();
  }

  @Test
  void comparesSeveralVectorsOfARecord() {
    assertThat(differences(multi(1, 2, 3, 4), multi(1, 2, 3, 4.0001f))).isEmpty();
    assertThat(differences(multi(1, 2, 3, 4), multi(1, 2.1f, 3, 9)))
        .containsExactly(vector("m[1][1]", "4.0", "9.0"));
    assertThat(differences(multi(1, 2, 3, 4), multi(1, 2)))
        .containsExactly(vector("m", "2 vectors", "1 vectors"));
    assertThat(differences(multi(), multi())).isEmpty();
  }

  @Test
  void anAbsentVectorIsNotAnEmptyOne() {
    boolean[] absent = {true};
    SparseVectors noSparse = new SparseVectors("s", new int[2], new int[0], new float[0], absent);
    MultiVectors noMulti = new MultiVectors("m", 2, new int[2], new float[0], absent);
    DenseVectors noDense = new DenseVectors("d", 2, new float[2], absent);
    DenseVectors zeros = new DenseVectors("d", 2, new float[2]);
    assertThat(differences(noSparse, noSparse)).isEmpty();
    assertThat(differences(noMulti, noMulti)).isEmpty();
    assertThat(differences(noDense, noDense)).isEmpty();
    assertThat(differences(noSparse, sparse(new int[0])))
        .containsExactly(vector("s", "no vector", "0 entries"));
    assertThat(differences(multi(1, 2), noMulti))
        .containsExactly(vector("m", "1 vectors", "no vector"));
    assertThat(differences(noDense, zeros)).containsExactly(vector("d", "no vector", "a vector"));
  }

  @Test
  void anotherShapeIsADifference() {
    DenseVectors dense = new DenseVectors("s", 3, new float[3]);
    assertThat(differences(dense, sparse(new int[0])))
        .containsExactly(vector("s", "dimension 3", "sparse vectors"));
    assertThat(differences(multi(), new MultiVectors("m", 3, new int[2], new float[0], null)))
        .containsExactly(
            vector("m", "several vectors of dimension 2", "several vectors of dimension 3"));
    assertThat(differences(dense, multi()))
        .containsExactly(vector("s", "dimension 3", "no such field"));
  }

  @Test
  void checksEveryKind() {
    PartSchema schema =
        new PartSchema(
            List.of(
                field("d", VectorKind.DENSE, 2),
                field("s", VectorKind.SPARSE, 0),
                field("m", VectorKind.MULTI, 2)),
            Set.of(IdKind.STRING));
    boolean[] last = {false, false, false, false, true};
    RecordBatch batch =
        new RecordBatch(
            IdColumn.ofStrings("good", "twice", "order", "infinite", "absent"),
            List.of(
                new DenseVectors("d", 2, new float[] {1, 0, 0, 1, 1, 0, 0, 1, 0, 0}, last),
                new SparseVectors(
                    "s",
                    new int[] {0, 2, 4, 6, 7, 7},
                    new int[] {1, -1, 7, 7, -1, 1, 0},
                    new float[] {1, 2, 3, 4, 5, 6, 7},
                    last),
                new MultiVectors(
                    "m",
                    2,
                    new int[] {0, 1, 1, 1, 3, 3},
                    new float[] {1, 2, 3, 4, 5, Float.NEGATIVE_INFINITY},
                    last)),
            TextColumn.allNull(5),
            TextColumn.allNull(5));
    Archive archive = new Archive(new LocalArtifactStore(folder), "m");
    String path = archive.partPath(Archive.SOURCE, 0, 0);
    try (PartWriter writer = new PartWriter(archive.store(), path, schema)) {
      writer.append(batch);
      writer.finish(null, null, false, "", null);
    }
    PartChecks.Result result = PartChecks.check(archive.store(), path, true, 10);
    assertThat(result.badVectorRows()).isEqualTo(3);
    assertThat(result.problems())
        .containsExactly(
            "id 'twice' (row 1): vector 's' has index 7 behind index 7 at entry 1; indices must"
                + " ascend",
            "id 'order' (row 2): vector 's' has index 1 behind index 4294967295 at entry 1; indices"
                + " must ascend",
            "id 'infinite' (row 3): vector 'm' is -Infinity at component 3");
  }

  private static PartSchema.VectorField field(String name, VectorKind kind, int dimension) {
    return new PartSchema.VectorField(
        name, kind, ElementType.FLOAT32, dimension, Metric.IP, 0, true);
  }

  @Test
  void tellsIdsOfTwoKindsApart() {
    RecordBatch numbers =
        new RecordBatch(
            IdColumn.of(IdKind.INT64, TextColumn.of("1")),
            List.of(),
            TextColumn.allNull(1),
            TextColumn.allNull(1));
    RecordBatch texts =
        new RecordBatch(
            IdColumn.ofStrings("1"), List.of(), TextColumn.allNull(1), TextColumn.allNull(1));
    RecordComparator comparator = new RecordComparator(0, true, true);
    comparator.compare(numbers, texts);
    assertThat(comparator.result().differences())
        .containsExactly(new Difference("1", Difference.Kind.ID, "", "INT64", "STRING"));
  }

  @Test
  void checksNameTheFirstBadRecords() {
    Archive archive = new Archive(new LocalArtifactStore(folder), "m");
    String part =
        write(
                archive,
                0,
                batch(new String[] {"good", "nan"}, new float[] {1, 2, 3, Float.NaN}, "[1]"))
            .part();
    PartChecks.Result result = PartChecks.check(archive.store(), part, false, 10);
    assertThat(result.isValid()).isFalse();
    assertThat(result.badVectorRows()).isEqualTo(1);
    assertThat(result.badMetadataRows()).isEqualTo(2);
    assertThat(result.problems())
        .contains("id 'nan' (row 1): vector '' is NaN at component 1")
        .contains("id 'good' (row 0): metadata is not a JSON object: [1]");
  }

  @Test
  void everyByteOfAPartCounts() throws Exception {
    Archive archive = new Archive(new LocalArtifactStore(folder), "m");
    String part =
        write(archive, 0, batch(new String[] {"a", "b"}, new float[] {1, 2, 3, 4}, "{}")).part();
    Path file = folder.resolve(part);
    byte[] whole = Files.readAllBytes(file);
    for (int i = 0; i < whole.length; i++) {
      byte[] changed = whole.clone();
      changed[i] ^= 1;
      Files.write(file, changed);
      assertThatThrownBy(() -> PartChecks.check(archive.store(), part, false, 10))
          .as("byte %d of %d", i, whole.length)
          .isInstanceOfSatisfying(
              StoreException.class,
              e -> assertThat(e.failureClass()).isEqualTo(FailureClass.ARCHIVE_DAMAGED));
    }
    Files.write(file, whole);
    assertThat(PartChecks.check(archive.store(), part, false, 10).rows()).isEqualTo(2);
  }

  @ParameterizedTest
  @ValueSource(ints = {1_000_000, 64})
  void findsDuplicatesAcrossParts(int rowsInMemory) throws Exception {
    Archive archive = new Archive(new LocalArtifactStore(folder), "m");
    List<String> parts = new ArrayList<>();
    for (int part = 0; part < 4; part++) {
      String[] ids = new String[500];
      for (int i = 0; i < ids.length; i++) {
        ids[i] = Integer.toString(part * 500 + i);
      }
      if (part == 3) {
        ids[7] = "600";
        ids[8] = "600";
      }
      parts.add(write(archive, part, batch(ids, new float[1000], "{}")).part());
    }
    Path temporary = Files.createDirectory(folder.resolve("temporary"));
    IdUniqueness.Result result =
        IdUniqueness.find(archive.store(), parts, temporary, 10, rowsInMemory);
    assertThat(result.rows()).isEqualTo(2000);
    assertThat(result.complete()).isTrue();
    assertThat(result.duplicates())
        .containsExactly(
            new IdUniqueness.Duplicate(
                IdKind.STRING, "600", List.of(parts.get(1), parts.get(3), parts.get(3))));
    assertThat(temporary).isEmptyDirectory();
  }

  private static PartSidecar write(Archive archive, int part, RecordBatch batch) {
    String path = archive.partPath(Archive.SOURCE, 0, part);
    try (PartWriter writer =
        new PartWriter(archive.store(), path, PartSchema.of(IdKind.STRING, 2, Metric.L2))) {
      writer.append(batch);
      return writer.finish(null, null, false, "", null);
    }
  }

  private static RecordBatch batch(String[] ids, float[] values, String metadata) {
    String[] metadataRows = new String[ids.length];
    java.util.Arrays.fill(metadataRows, metadata);
    return new RecordBatch(
        IdColumn.ofStrings(ids),
        List.of(new DenseVectors("", 2, values)),
        TextColumn.allNull(ids.length),
        TextColumn.of(metadataRows));
  }
}
