package io.vecferry.phase;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.archive.Archive;
import io.vecferry.archive.LocalArtifactStore;
import io.vecferry.plan.Phase;
import io.vecferry.store.RequestsFound;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RequestsNoteTest {
  private static final String NOTE = "reports/requests-import.json";

  @TempDir Path folder;
  private Archive archive;

  @BeforeEach
  void make() {
    archive = new Archive(new LocalArtifactStore(folder), "products");
  }

  private void write(String note) {
    archive.store().writeBytes(archive.path(NOTE), note.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void isRead() {
    write("{\"store\": \"milvus\", \"rows\": 3000, \"atOnce\": 8, \"rowsPerSecond\": 4200}");
    assertThat(RequestsNote.find(archive, Phase.IMPORT))
        .contains(new RequestsFound("milvus", 3000, 8, 4200));
    assertThat(RequestsNote.find(archive, Phase.EXPORT)).isEmpty();
  }

  @Test
  void nothingFailsForADamagedOne() {
    for (String damaged : new String[] {"", "null", "[1]", "{\"rows\": \"many\"}", "{\"store\""}) {
      write(damaged);
      assertThat(RequestsNote.find(archive, Phase.IMPORT)).as(damaged).isEmpty();
    }
  }
}
