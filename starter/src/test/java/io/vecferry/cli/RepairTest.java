package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.vecferry.record.IdColumn;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.store.BatchWriter;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import io.vecferry.store.VectorStore;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import io.vecferry.verify.RecordComparator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A person has what somebody else changed on the target put right, each step as a process. */
@Tag("slow")
@Timeout(180)
class RepairTest {
  private static final int ROWS = 1_000;
  private static final String NAME = "repair";
  private static final ObjectMapper JSON = new ObjectMapper();

  @WithServer(Server.QDRANT)
  static RunningServer qdrant;

  @TempDir Path folder;

  private final String collection = "repair" + Long.toString(System.nanoTime(), 36);

  @Test
  void whatWasChangedBehindItsBackIsLoadedAgain() throws IOException {
    try (Service service = Service.start(Files.createDirectories(folder.resolve("service")))) {
      Cli cli = service.cli(folder);
      service.startWorker();
      FaissFolder.write(folder.resolve("source"), ROWS, 8);
      Specs.writeText(
          folder.resolve("spec.yaml"),
          """
          name: %s
          source: {type: faiss, path: source}
          target: {type: qdrant, url: "%s", collection: %s}
          export: {partRows: 250, parallelism: 2}
          quality: {sampleSize: 20, iterations: 1}
          """
              .formatted(NAME, qdrant.url(), collection));
      // Proofs are kept in a folder of this name: none can be written, so that it waits there.
      Path archive = service.archives().resolve(NAME);
      Path obstacle = Files.createDirectories(archive.resolve("reports")).resolve("proof");
      Files.createFile(obstacle);
      assertThat(cli.run("run", "spec.yaml").exitCode()).isEqualTo(3);
      changeTarget(archive);
      Files.delete(obstacle);
      assertThat(cli.run("retry", NAME, "--reason", "there is a folder now").exitCode()).isZero();

      Cli.Result waiting = cli.run("watch", NAME);

      assertThat(waiting.exitCode()).as("%s", waiting).isEqualTo(3);
      assertThat(waiting.err()).contains("waits for a person: retry, repair, skip or rollback: ");
      assertThat(cli.run("failures", NAME).out())
          .contains("of 250 records 1 are missing on the target and 0 differ; all are in ")
          .contains("id=row-7, kind=MISSING", "kind=DOCUMENT", "differences/p000-000000.jsonl")
          .contains(
              "vecferry repair repair --reason TEXT: loads again what differs from the archive");
      Cli.Result repair =
          cli.run("repair", NAME, "--who", "ada", "--reason", "a job had the wrong address");
      assertThat(repair.out())
          .as("%s", repair)
          .isEqualTo("What differs is loaded again from the archive, and compared again.\n");
      Cli.Result end = cli.run("watch", NAME);

      assertThat(end.exitCode()).as("%s", end).isZero();
      assertThat(end.out()).startsWith("MIGRATED: Migrated: every record is on the target");
      assertTargetIsRight();
      JsonNode report = JSON.readTree(cli.run("report", NAME, "--json").out());
      JsonNode action = report.path("operatorActions").get(1);
      assertThat(List.of(action.path("verb").asText(), action.path("who").asText()))
          .containsExactly("repair", "ada");
      assertThat(action.path("reason").asText()).isEqualTo("a job had the wrong address");
      assertThat(report.path("phases").findValuesAsText("note").toString())
          .contains("repaired: 2 records loaded again, 0 removed");
      assertThat(JSON.readTree(cli.run("report", NAME, "--schema").out()).path("title").asText())
          .isEqualTo("Report of a vecferry migration");
      assertThat(cli.run("repair", NAME, "--reason", "too late").exitCode()).isEqualTo(1);
    }
  }

  private StoreSettings target() {
    return StoreSettings.of("target", "url", qdrant.url(), "collection", collection);
  }

  /** One record is lost, and one gets another text. */
  private void changeTarget(Path archive) throws IOException {
    LoadStamp stamp =
        new LoadStamp(
            NAME, JSON.readTree(archive.resolve("plan.json").toFile()).path("loadId").asText());
    StoreProvider provider = Stores.get("qdrant");
    try (VectorStore load = provider.open(provider.loadSettings(target(), NAME))) {
      RecordBatch other = load.fetch(IdColumn.ofStrings("row-700"));
      load.remove(IdColumn.ofStrings("row-7", "row-700"), stamp);
      try (BatchWriter writer = load.write("p000-000000", stamp)) {
        writer.write(
            new RecordBatch(
                other.ids(), other.vectors(), TextColumn.of("another text"), other.metadata()));
        assertThat(writer.finish()).isEmpty();
      }
      load.finishLoad(List.of("p000-000000"), stamp);
    }
  }

  private void assertTargetIsRight() {
    IdColumn ids =
        IdColumn.ofStrings(
            IntStream.range(0, ROWS).mapToObj(i -> "row-" + i).toArray(String[]::new));
    RecordComparator comparator = new RecordComparator(0, true, true);
    try (VectorStore source =
            Stores.get("faiss")
                .open(StoreSettings.of("source", "path", folder.resolve("source").toString()));
        VectorStore target = Stores.get("qdrant").open(target())) {
      comparator.compare(source.fetch(ids), target.fetch(ids));
      assertThat(comparator.result().bitExactRows()).isEqualTo(ROWS);
      assertThat(target.describe().rows()).isEqualTo(ROWS);
    }
  }
}
