package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.temporal.client.WorkflowFailedException;
import io.vecferry.client.MigrationClient;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import io.vecferry.workflow.MigrationStatus;
import io.vecferry.workflow.Outcome;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * One worker, migration after migration, of which most arrive, some are cancelled and some cannot
 * start: it holds no more at the end than after the first ones. Numbers go to standard output;
 * {@code vecferry.year.migrations} says how many.
 */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
@WithServer(Server.TEMPORAL)
@WithServer(Server.CHROMA)
@WithServer(Server.QDRANT)
@Timeout(value = 2, unit = TimeUnit.HOURS)
class LongLifeTest {
  private static final int MIGRATIONS = Integer.getInteger("vecferry.year.migrations", 30);

  /** From then on every class is loaded, every pool is full and every kind has been seen twice. */
  private static final int WARM_UP = 10;

  private static final int ROWS = 50;

  /** Threads of a pool come and go; a leak would add one with each migration. */
  private static final int SPARE = 8;

  /** A step or a request that is seen for the first time has a histogram of 16 series. */
  private static final int SPARE_SERIES = 100;

  /** What caches, classes and the samples of the resources may still grow by. */
  private static final long SPARE_HEAP = 1 << 20;

  /** A migration that is held has its plan, stores and buffers, more than 100 KB. */
  private static final long HEAP_PER_MIGRATION = 8 << 10;

  private static final Pattern ADDRESS = Pattern.compile("Metrics and health on (http://\\S+)");

  private static final Pattern HEAP =
      Pattern.compile("(?m)^jvm_memory_used_bytes\\{area=\"heap\".*} (\\S+)$");

  private final ObjectMapper json = new ObjectMapper();
  private final HttpClient http = HttpClient.newHttpClient();
  private final String mark = UUID.randomUUID().toString().substring(0, 8);

  @TempDir Path folder;

  /** What a worker holds. */
  private record Held(long heap, int threads, int files, long series) {
    @Override
    public String toString() {
      return "%,d KB of heap, %d threads, %d files, %d series of metrics"
          .formatted(heap >> 10, threads, files, series);
    }
  }

  @Test
  void holdsNothingOfMigrationsThatHaveEnded(
      @WithServer(Server.TEMPORAL) RunningServer temporal,
      @WithServer(Server.CHROMA) RunningServer chroma,
      @WithServer(Server.QDRANT) RunningServer qdrant) {
    FaissFolder.write(folder.resolve("source"), ROWS, 8);
    try (Service service = Service.at(temporal, folder)) {
      Cli.Running worker = service.startWorker("--http", "127.0.0.1:0");
      Held warm = null;
      for (int number = 0; number < MIGRATIONS; number++) {
        if (number == WARM_UP) {
          warm = held(worker);
        }
        migrate(service, number, chroma.url(), qdrant.url());
      }
      Held before = warm;
      Held[] after = new Held[1];
      long heap = before.heap + SPARE_HEAP + HEAP_PER_MIGRATION * (MIGRATIONS - WARM_UP);
      try {
        Cli.await(
            "it holds as much as before",
            () -> {
              after[0] = held(worker);
              return after[0].heap <= heap
                  && after[0].threads <= before.threads + SPARE
                  && after[0].files <= before.files + SPARE;
            });
      } finally {
        System.out.printf(
            "after %d migrations: %s%nafter %d migrations: %s%n",
            WARM_UP, before, MIGRATIONS, after[0]);
      }
      assertThat(after[0].series).isLessThanOrEqualTo(before.series + SPARE_SERIES);
    }
  }

  private void migrate(Service service, int number, String chroma, String qdrant) {
    MigrationClient client = service.client();
    String name = "year-" + mark + "-" + number;
    switch (number % 5) {
      case 0 -> arrives(client, name, faiss(name));
      case 1 -> arrives(client, name, store("qdrant", qdrant, name));
      case 2 -> arrives(client, name, store("chroma", chroma, name));
      case 3 -> {
        ObjectNode spec = spec(name, "source", faiss(name));
        spec.putObject("approval").put("beforeCutover", true);
        client.start(spec);
        service.await(name, MigrationStatus.State.WAITING_FOR_APPROVAL);
        client.cancel(name, "it is not needed any more");
        assertThat(client.awaitResult(name).outcome()).isEqualTo(Outcome.ROLLED_BACK);
      }
      default -> {
        client.start(spec(name, "nowhere", faiss(name)));
        assertThatThrownBy(() -> client.awaitResult(name))
            .isInstanceOf(WorkflowFailedException.class);
      }
    }
  }

  private void arrives(MigrationClient client, String name, ObjectNode target) {
    client.start(spec(name, "source", target));
    assertThat(client.awaitResult(name).outcome()).isEqualTo(Outcome.MIGRATED);
  }

  private ObjectNode spec(String name, String source, ObjectNode target) {
    ObjectNode spec = json.createObjectNode().put("name", name);
    spec.putObject("source").put("type", "faiss").put("path", folder.resolve(source).toString());
    spec.set("target", target);
    spec.putObject("quality").put("sampleSize", 10).put("iterations", 1);
    return spec;
  }

  private ObjectNode faiss(String name) {
    return json.createObjectNode()
        .put("type", "faiss")
        .put("path", folder.resolve(name).toString());
  }

  private ObjectNode store(String type, String url, String name) {
    return json.createObjectNode().put("type", type).put("url", url).put("collection", name);
  }

  private Held held(Cli.Running worker) {
    try {
      Process collect =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                  Long.toString(worker.pid()),
                  "GC.run")
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      assertThat(collect.waitFor()).isZero();
      Matcher address = ADDRESS.matcher(worker.err());
      assertThat(address.find()).isTrue();
      String metrics =
          http.send(
                  HttpRequest.newBuilder(URI.create(address.group(1) + "/metrics")).build(),
                  BodyHandlers.ofString())
              .body();
      double heap =
          HEAP.matcher(metrics)
              .results()
              .mapToDouble(line -> Double.parseDouble(line.group(1)))
              .sum();
      Path process = Path.of("/proc/" + worker.pid());
      return new Held(
          (long) heap,
          count(process.resolve("task")),
          count(process.resolve("fd")),
          metrics.lines().filter(line -> !line.startsWith("#")).count());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static int count(Path entries) throws IOException {
    try (Stream<Path> all = Files.list(entries)) {
      return (int) all.count();
    }
  }
}
