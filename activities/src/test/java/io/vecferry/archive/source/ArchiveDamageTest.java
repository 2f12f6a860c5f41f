package io.vecferry.archive.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vecferry.archive.Archive;
import io.vecferry.archive.ArchiveProblem;
import io.vecferry.archive.LocalArtifactStore;
import io.vecferry.archive.Manifest;
import io.vecferry.archive.PartSchema;
import io.vecferry.archive.PartSidecar;
import io.vecferry.archive.PartWriter;
import io.vecferry.plan.Finding;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.store.BatchReader;
import io.vecferry.store.Metric;
import io.vecferry.store.SourceRange;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.VectorStore;
import io.vecferry.verify.ArchiveCheck;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Archives that are cut off, changed, mixed up or made by somebody who means harm. */
class ArchiveDamageTest {
  private static final PartSchema SCHEMA = PartSchema.of(IdKind.STRING, 2, Metric.L2);
  private static final int ROWS = 50;

  @TempDir Path folder;

  private Path home;

  @BeforeEach
  void writeArchive() throws IOException {
    home = folder.resolve("products");
    Archive archive = archive();
    List<PartSidecar> sidecars = new ArrayList<>();
    for (int partition = 0; partition < 2; partition++) {
      for (int part = 0; part < 2; part++) {
        sidecars.add(write(archive, partition, part, 100 * partition + ROWS * part));
      }
    }
    archive.writeManifest(Manifest.of("products", sidecars, SCHEMA, Map.of()));
    Files.writeString(home.resolve("spec.json"), "{\"source\":{\"type\":\"milvus\"}}");
    Files.writeString(
        home.resolve("plan.json"),
        """
        {"more": 1, "source": {"store": "Milvus 2.3.5", "collection": "vectors", "rows": 200, "other": [],
          "vectors": [{"name": "", "dimension": 2, "metric": "l2", "indexType": "IVF_FLAT",
            "indexParams": {"nlist": "16"}}],
          "idKinds": ["STRING"], "configuration": {"schema": "{}"}, "fingerprint": "f"}}
        """);
  }

  private Archive archive() {
    return new Archive(new LocalArtifactStore(folder), home.getFileName().toString());
  }

  private PartSidecar write(Archive archive, int partition, int part, int first) {
    String path = archive.partPath(Archive.SOURCE, partition, part);
    String[] ids = new String[ROWS];
    float[] vectors = new float[2 * ROWS];
    for (int row = 0; row < ROWS; row++) {
      ids[row] = "id-" + (first + row);
      vectors[2 * row] = first + row;
    }
    try (PartWriter writer = new PartWriter(archive.store(), path, SCHEMA)) {
      writer.append(
          new RecordBatch(
              IdColumn.ofStrings(ids),
              List.of(new DenseVectors("", 2, vectors)),
              TextColumn.allNull(ROWS),
              TextColumn.allNull(ROWS)));
      return writer.finish("" + part, "" + (part + 1), part == 1, "f", null);
    }
  }

  private Path part(int partition, int part) {
    return home.resolve("source/p%03d-%06d.parquet".formatted(partition, part));
  }

  private Path sidecar(int partition, int part) {
    return Path.of(part(partition, part) + ".json");
  }

  private void replace(Path file, String from, String to) throws IOException {
    String text = Files.readString(file);
    assertThat(text).contains(from);
    Files.writeString(file, text.replace(from, to));
  }

  private List<String> problems() {
    return ArchiveCheck.check(archive(), Archive.SOURCE, ArchiveCheck.Depth.RECORDS)
        .problems()
        .stream()
        .map(ArchiveProblem::toString)
        .toList();
  }

  private VectorStore open(boolean allowIncomplete) {
    return new ArchiveProvider()
        .open(
            StoreSettings.of(
                "source",
                "path",
                home.toString(),
                "options.allowIncomplete",
                Boolean.toString(allowIncomplete)));
  }

  /** One problem, in one line with these words, and a restore is refused for it. */
  private void assertOneProblem(String... words) {
    assertThat(problems()).singleElement().asString().contains(words).doesNotContain("\n");
    assertBlocks(words[0]);
  }

  private void assertBlocks(String word) {
    try (VectorStore store = open(false)) {
      assertThat(store.assess())
          .filteredOn(finding -> finding.severity() == Finding.Severity.BLOCKING)
          .anyMatch(finding -> finding.toString().contains(word));
    } catch (StoreException refused) {
      assertThat(refused).hasMessageContaining(word);
    }
  }

  private long readRows(boolean allowIncomplete) {
    try (VectorStore store = open(allowIncomplete)) {
      long rows = 0;
      for (SourceRange range : store.split(3)) {
        try (BatchReader reader = store.read(range, null, 7)) {
          for (RecordBatch batch = reader.next(); batch != null; batch = reader.next()) {
            rows += batch.rows();
          }
        }
      }
      return rows;
    }
  }

  @Test
  void aWholeArchiveIsDescribedAsWhatWasArchived() throws IOException {
    assertThat(problems()).isEmpty();
    // Months later, on another machine, under another name.
    Files.move(home, folder.resolve("products-2025"));
    home = folder.resolve("products-2025");
    assertThat(problems()).isEmpty();
    try (VectorStore store = open(false)) {
      assertThat(store.assess()).isEmpty();
      assertThat(store.describe().store()).isEqualTo("archive of Milvus 2.3.5");
      assertThat(store.describe().rows()).isEqualTo(200);
      assertThat(store.describe().vectors().get(0).indexType()).isEqualTo("IVF_FLAT");
      assertThat(store.describe().vectors().get(0).indexParams()).containsEntry("nlist", "16");
      assertThat(store.describe().configuration()).containsEntry("schema", "{}");
    }
    assertThat(
            new ArchiveProvider()
                .configurationType(StoreSettings.of("source", "path", home.toString())))
        .isEqualTo("milvus");
  }

  @Test
  void missingFiles() throws IOException {
    Files.delete(part(1, 0));
    assertOneProblem("p001-000000.parquet is missing, and 50 records with it", "from a copy");
    Files.delete(sidecar(1, 0));
    assertOneProblem("p001-000000.parquet is missing");
    try (VectorStore store = open(true)) {
      assertThat(store.assess())
          .singleElement()
          .satisfies(finding -> assertThat(finding.severity()).isEqualTo(Finding.Severity.WARNING));
    }
    assertThat(readRows(true)).isEqualTo(150);
  }

  @Test
  void missingSidecar() throws IOException {
    Files.delete(sidecar(0, 1));
    assertOneProblem("p000-000001.parquet.json is missing");
  }

  @Test
  void anIncompleteArchiveIsLoadedWhenThatIsAllowed() throws IOException {
    Files.delete(home.resolve("manifest.json"));
    Files.delete(sidecar(1, 1));
    assertThat(problems())
        .satisfiesExactlyInAnyOrder(
            problem ->
                assertThat(problem)
                    .contains("manifest.json is missing", "4 parts are there", "Run the migration"),
            problem ->
                assertThat(problem).contains("p001-000001.parquet has no sidecar beside it"));
    try (VectorStore store = open(false)) {
      assertThat(store.assess())
          .allMatch(finding -> finding.severity() == Finding.Severity.BLOCKING)
          .allMatch(finding -> finding.toString().contains("source.options.allowIncomplete"));
    }
    assertThat(readRows(true)).isEqualTo(150);
    Files.delete(part(0, 0));
    Files.delete(sidecar(0, 0));
    assertThat(problems()).anyMatch(text -> text.contains("p000-000001.parquet has no part 0"));
  }

  @Test
  void specAndPlanSayWhatWasArchived() throws IOException {
    Files.delete(home.resolve("spec.json"));
    assertOneProblem("spec.json is missing: index and configuration", "--allow-incomplete");
    Files.writeString(home.resolve("spec.json"), "{\"source\":");
    assertOneProblem("spec.json is not readable");
    Files.writeString(home.resolve("spec.json"), "{}");
    replace(home.resolve("plan.json"), "\"dimension\": 2", "\"dimension\": 3");
    assertOneProblem("plan.json says that vectors of field '' have 3 components, the parts have 2");
    Files.writeString(home.resolve("plan.json"), "{\"source\": 7}");
    assertOneProblem("plan.json is damaged");
  }

  @Test
  void cutOffAndChangedFiles() throws IOException {
    byte[] whole = Files.readAllBytes(part(0, 1));
    Files.write(part(0, 1), Arrays.copyOf(whole, whole.length - 10));
    assertOneProblem(
        "p000-000001.parquet is damaged: it has " + (whole.length - 10) + " bytes, its sidecar");
    byte[] changed = whole.clone();
    changed[60] ^= 1;
    Files.write(part(0, 1), changed);
    assertOneProblem("p000-000001.parquet is damaged: its checksum is crc32c:", "sidecar says");
    Files.write(part(0, 1), new byte[0]);
    assertOneProblem("p000-000001.parquet is damaged: it has 0 bytes");
    Files.write(part(0, 1), whole);
    Files.writeString(sidecar(0, 1), "{\"formatVersion\":1}");
    assertOneProblem("p000-000001.parquet.json is damaged: it does not say part");
    Files.writeString(sidecar(0, 1), "null");
    assertOneProblem("p000-000001.parquet.json is not readable");
    Files.writeString(home.resolve("manifest.json"), "{\"formatVersion\":1,");
    assertThat(problems()).anyMatch(problem -> problem.contains("manifest.json is not readable"));
    assertBlocks("manifest.json is not readable");
  }

  @Test
  void damagedFilesAreNeverLoaded() throws IOException {
    byte[] bytes = Files.readAllBytes(part(0, 1));
    bytes[60] ^= 1;
    Files.write(part(0, 1), bytes);
    try (VectorStore store = open(true)) {
      assertThat(store.assess())
          .singleElement()
          .satisfies(
              finding -> assertThat(finding.severity()).isEqualTo(Finding.Severity.BLOCKING));
    }
  }

  @Test
  void partsThatAreMixedUp() throws IOException {
    Files.copy(sidecar(0, 0), sidecar(0, 1), StandardCopyOption.REPLACE_EXISTING);
    assertOneProblem("p000-000001.parquet.json belongs to another part");
    writeArchive();
    write(archive(), 1, 1, 0);
    assertThat(problems())
        .anyMatch(problem -> problem.contains("p001-000001.parquet: its sidecar says 50 records"))
        .anyMatch(
            problem ->
                problem.contains("' occurs 2 times")
                    && problem.contains("p000-000000.parquet")
                    && problem.contains("p001-000001.parquet"))
        .anyMatch(problem -> problem.contains("more than 5 ids occur more than once"));
  }

  @Test
  void filesThatDoNotBelongThere() throws IOException {
    Files.copy(part(0, 0), home.resolve("source/p002-000000.parquet"));
    assertOneProblem("p002-000000.parquet is not in the manifest", "Move it out");
    Files.move(home.resolve("source/p002-000000.parquet"), home.resolve("source/copy.parquet"));
    assertOneProblem("copy.parquet is not in the manifest");
    assertThat(readRows(false)).isEqualTo(200);
  }

  @Test
  void totalsThatAreWrong() throws IOException {
    replace(home.resolve("manifest.json"), "\"rows\" : 200", "\"rows\" : 201");
    assertOneProblem("manifest.json: its parts have 200 records", "its totals are 201");
  }

  @Test
  void aManifestCannotLeadOutOfTheArchive() throws IOException {
    Files.copy(part(0, 0), folder.resolve("outside.parquet"));
    for (String path :
        List.of(
            "source/../../outside.parquet",
            "/etc/passwd",
            "../outside.parquet",
            "source/p000-000000.parquet/../../../x",
            "source\\\\p000-000000.parquet",
            "source/p0000-000000.parquet",
            "source/\\u0000")) {
      writeArchive();
      replace(home.resolve("manifest.json"), "source/p000-000000.parquet", path);
      assertThat(problems())
          .anyMatch(problem -> problem.contains("manifest.json lists '"))
          .anyMatch(problem -> problem.contains("p000-000000.parquet is not in the manifest"));
      assertBlocks("which is not a part in source/");
      assertThat(readRows(true)).isEqualTo(150);
    }
  }

  @Test
  void sizesInHeadersCostNoMemory() throws IOException {
    try (RandomAccessFile huge =
        new RandomAccessFile(home.resolve("manifest.json").toFile(), "rw")) {
      huge.setLength(3L << 30);
    }
    assertThat(problems())
        .anyMatch(problem -> problem.contains("it has 3221225472 bytes, at most"));
    writeArchive();
    long size = 2L << 30;
    try (RandomAccessFile huge = new RandomAccessFile(part(0, 0).toFile(), "rw")) {
      huge.setLength(size);
      huge.seek(size - 8);
      huge.write(
          ByteBuffer.allocate(8)
              .order(ByteOrder.LITTLE_ENDIAN)
              .putInt(Integer.MAX_VALUE - 100)
              .put("PAR1".getBytes())
              .array());
    }
    assertThat(problems()).anyMatch(problem -> problem.contains("it has 2147483648 bytes"));
    replace(sidecar(0, 0), "\"rows\" : 50", "\"rows\" : 9000000000000000000");
    assertThat(problems()).anyMatch(problem -> problem.contains("p000-000000.parquet"));
  }

  /** Somebody who changes a file on purpose changes its checksum too. */
  @Test
  void filesThatAreMadeUpAreAProblemAndNothingElse() throws IOException {
    byte[] whole = Files.readAllBytes(part(0, 0));
    int footer = ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN).getInt(whole.length - 8);
    String sidecar = Files.readString(sidecar(0, 0));
    String manifest = Files.readString(home.resolve("manifest.json"));
    Random random = new Random(8);
    String checksum = checksum(whole);
    int found = 0;
    for (int round = 0; round < 150; round++) {
      byte[] bytes = whole.clone();
      int start = round % 3 == 0 ? 0 : whole.length - 8 - footer;
      for (int change = 0; change <= round % 4; change++) {
        bytes[start + random.nextInt(whole.length - start)] = (byte) random.nextInt(256);
      }
      Files.write(part(0, 0), bytes);
      Files.writeString(sidecar(0, 0), sidecar.replace(checksum, checksum(bytes)));
      Files.writeString(home.resolve("manifest.json"), manifest.replace(checksum, checksum(bytes)));
      found += problems().isEmpty() ? 0 : 1;
    }
    assertThat(found).isGreaterThan(50);
  }

  private static String checksum(byte[] bytes) {
    CRC32C checksum = new CRC32C();
    checksum.update(bytes);
    return "crc32c:%08x".formatted(checksum.getValue());
  }

  @Test
  void aFolderThatIsNoArchive() throws IOException {
    home = Files.createDirectories(folder.resolve("empty"));
    try (VectorStore store = open(true)) {
      assertThat(store.exists()).isFalse();
      assertThatThrownBy(store::describe)
          .hasMessageContaining(
              "is not an archive: it has neither manifest.json nor finished parts");
    }
  }

  @Test
  void aTargetBackupIsAnArchiveToo() throws IOException {
    Path backup = Files.createDirectories(home.resolve("target-backup"));
    Archive archive = archive();
    String path = archive.partPath(Archive.TARGET_BACKUP, 0, 0);
    try (PartWriter writer = new PartWriter(archive.store(), path, SCHEMA)) {
      writer.append(
          new RecordBatch(
              IdColumn.ofStrings("old"),
              List.of(new DenseVectors("", 2, new float[] {1, 2})),
              TextColumn.allNull(1),
              TextColumn.allNull(1)));
      writer.finish("0", "1", true, "f", null);
    }
    home = backup;
    assertThat(readRows(true)).isEqualTo(1);
    try (VectorStore store = open(true)) {
      assertThat(store.fetch(IdColumn.ofStrings("old", "id-1")).rows()).isEqualTo(1);
      assertThat(store.assess())
          .singleElement()
          .asString()
          .contains("target-backup/manifest.json is missing");
    }
  }
}
