package io.vecferry.phase;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.vecferry.archive.LocalArtifactStore;
import io.vecferry.spec.SpecReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a worker keeps of migrations that end elsewhere. */
class WorkspacesTest {
  @TempDir Path folder;

  private final AtomicLong now = new AtomicLong();
  private Workspaces workspaces;

  @BeforeEach
  void plan() throws IOException {
    Path source = Files.createDirectories(folder.resolve("source"));
    Files.write(source.resolve("index.faiss"), flatIndex());
    Files.writeString(source.resolve("meta.jsonl"), "{\"id\":\"a\"}\n");
    try (LocalSteps steps = new LocalSteps(folder.resolve("archives"))) {
      for (String name : new String[] {"a", "b"}) {
        String spec =
            """
            {"name": "%1$s", "source": {"type": "faiss", "path": "%2$s/source"},
             "target": {"type": "faiss", "path": "%2$s/%1$s"}}
            """
                .formatted(name, folder);
        steps.whole().plan(SpecReader.read(new ObjectMapper().readTree(spec)).spec());
      }
    }
    workspaces =
        new Workspaces(
            new LocalArtifactStore(folder.resolve("archives")), Connections.none(), now::get);
  }

  @Test
  void whatNobodyWorksOnForADayIsForgotten() {
    Workspace first = get("a");
    now.addAndGet(Duration.ofHours(23).toNanos());
    get("b");
    assertThat(get("a")).as("within a day").isSameAs(first);
    now.addAndGet(Duration.ofHours(24).toNanos());
    workspaces.close("b");
    get("b");
    assertThat(get("a")).as("after a day").isNotSameAs(first);
  }

  @Test
  void whatAStepWorksOnIsKeptHoweverLongThatTakes() {
    Workspace used =
        Calls.run(
            () -> {
              Workspace workspace = workspaces.get("a");
              now.addAndGet(Duration.ofDays(7).toNanos());
              CompletableFuture.runAsync(() -> get("b")).join();
              return workspace;
            });
    assertThat(get("a")).isSameAs(used);
  }

  private Workspace get(String migration) {
    return Calls.run(() -> workspaces.get(migration));
  }

  /** An IndexFlatL2 with one vector. */
  private static byte[] flatIndex() {
    ByteBuffer file = ByteBuffer.allocate(45 + 8).order(ByteOrder.LITTLE_ENDIAN);
    file.put("IxF2".getBytes(StandardCharsets.US_ASCII)).putInt(2).putLong(1);
    file.putLong(1 << 20).putLong(1 << 20).put((byte) 1).putInt(1).putLong(2);
    return file.putFloat(1).putFloat(2).array();
  }
}
