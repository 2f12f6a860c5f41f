package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.record.RecordBatch;
import io.vecferry.store.BatchReader;
import io.vecferry.store.SourceRange;
import io.vecferry.store.VectorStore;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The first command of a new user. */
@Timeout(120)
class DemoTest {
  private static final int ROWS = 2975;

  /** SHA-256 of the ids, joined by newlines, and of the vectors, as made with numpy. */
  private static final String IDS =
      "800c22040a7f83bd0ff977d33bb0852b25b38503edefbd4c6f356e837f924d4b";

  private static final String VECTORS =
      "b9993c6f991718ee5bed966091fa2889ab03faf7760db89e3f6c9efe0eef7581";

  private static final String PARTS = "(source|imported)/.*";

  @TempDir Path folder;

  @Test
  void migratesAndProvesAndDoesNothingTwice() throws Exception {
    Cli.Result first = Cli.in(folder).run("demo");

    assertThat(first.exitCode()).as("%s", first).isEqualTo(0);
    assertThat(first.out())
        .startsWith("MIGRATED: Migrated: every record is on the target and was compared.");
    assertThat(first.err())
        .contains("using an embedded one", "2,975 records", "2,975 equal to the bit");
    Path report = reportOf(first);
    assertThat(report).startsWith(folder.toRealPath());
    assertThat(Files.readString(report))
        .startsWith("<!DOCTYPE html>")
        .contains("every record is on the target and was compared");
    Path target = folder.resolve("vecferry-demo/fortunes");
    FaissFolder.assertSame(Cli.home().resolve("examples/fortunes/langchain"), target);
    assertHashes(target);

    Path archive = folder.resolve("vecferry-archive/fortunes");
    Map<String, Snapshot.Entry> parts = Snapshot.of(archive, PARTS);
    Map<String, Snapshot.Entry> loaded = Snapshot.of(target);
    assertThat(parts).containsKey("source/p000-000000.parquet.json");

    Cli.Result second = Cli.in(folder).run("demo");

    assertThat(second.exitCode()).as("%s", second).isEqualTo(0);
    assertThat(second.err())
        .containsPattern("export .*2,975 done by an earlier run")
        .containsPattern("import .*2,975 done by an earlier run")
        .contains("2,975 equal to the bit");
    assertThat(Snapshot.of(archive, PARTS)).isEqualTo(parts);
    assertThat(Snapshot.of(target)).isEqualTo(loaded);
    assertThat(reportOf(second)).isEqualTo(report).exists();
  }

  private static Path reportOf(Cli.Result result) {
    return result
        .out()
        .lines()
        .filter(line -> line.startsWith("Report: "))
        .map(line -> Path.of(line.substring("Report: ".length())))
        .findFirst()
        .orElseThrow();
  }

  private static void assertHashes(Path target) throws Exception {
    List<String> ids = new ArrayList<>();
    MessageDigest vectors = MessageDigest.getInstance("SHA-256");
    try (VectorStore store = FaissFolder.open(target)) {
      assertThat(store.describe().rows()).isEqualTo(ROWS);
      SourceRange range = store.split(1).get(0);
      try (BatchReader reader = store.read(range, range.start(), 500)) {
        for (RecordBatch batch = reader.next(); batch != null; batch = reader.next()) {
          float[] values = batch.onlyVectors().values();
          ByteBuffer bytes = ByteBuffer.allocate(values.length * 4).order(ByteOrder.LITTLE_ENDIAN);
          bytes.asFloatBuffer().put(values);
          vectors.update(bytes);
          for (int row = 0; row < batch.rows(); row++) {
            ids.add(batch.ids().get(row));
          }
        }
      }
    }
    assertThat(HexFormat.of().formatHex(vectors.digest())).isEqualTo(VECTORS);
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    byte[] hash = digest.digest(String.join("\n", ids).getBytes(StandardCharsets.UTF_8));
    assertThat(HexFormat.of().formatHex(hash)).isEqualTo(IDS);
  }
}
