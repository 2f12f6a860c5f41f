package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.google.protobuf.ByteString;
import io.opentelemetry.proto.trace.v1.Span;
import io.opentelemetry.proto.trace.v1.Status;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import io.vecferry.workflow.MigrationStatus;
import io.vecferry.workflow.VerbRequest;
import java.io.File;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a collector of OpenTelemetry is told of migrations. */
@Tag("slow")
@Timeout(180)
class TracesMigrationTest {
  private static final int ROWS = 30;

  private static final String TOKEN = "planted-token-of-the-store";
  private static final String KEY = "planted-key-of-the-collector";

  @TempDir Path folder;

  @Test
  void aMigrationIsOneTraceOfPhasesAndStepsWithoutSecrets(
      @WithServer(Server.TEMPORAL) RunningServer temporal,
      @WithServer(Server.CHROMA) RunningServer chroma)
      throws Exception {
    String name = "traced_" + Long.toString(System.nanoTime(), 36);
    try (Collector collector = Collector.start();
        Guard guard = Guard.before(chroma.url()).welcome(TOKEN);
        Service service = Service.at(temporal, folder)) {
      FaissFolder.write(folder.resolve("source"), ROWS, 4);
      Cli.Running worker =
          service.startWorker(
              service
                  .cli(folder)
                  .with("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())
                  .with("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20" + KEY)
                  .with("OTEL_SERVICE_NAME", "ferry-of-the-test")
                  .with("TOKEN", TOKEN)
                  .with("VECFERRY_LOG", "debug"));
      service
          .client()
          .start(
              new YAMLMapper()
                  .readTree(
                      """
                      name: traced
                      source: {type: faiss, path: "%s"}
                      target: {type: chroma, url: "%s", collection: %s, auth: {token: env:TOKEN}}
                      export: {partRows: 10}
                      approval: {beforeImport: true}
                      quality: {sampleSize: 10, iterations: 1, minRecall: 0.5}
                      """
                          .formatted(folder.resolve("source"), guard.url(), name)));
      service.await("traced", MigrationStatus.State.WAITING_FOR_APPROVAL);
      guard.lockOut();
      service.client().approve("traced", VerbRequest.of("ada", "go on"));
      service.await("traced", MigrationStatus.State.NEEDS_ATTENTION);
      guard.welcome(TOKEN);
      service.client().retry("traced", VerbRequest.of("ada", "let in again"));
      assertThat(service.client().awaitResult("traced").verdict()).startsWith("Migrated");
      worker.terminate();
      assertThat(worker.await().err()).doesNotContain(TOKEN, KEY);

      assertThat(collector.authorizations()).containsExactly("Bearer " + KEY);
      assertThat(collector.services()).containsExactly("ferry-of-the-test");
      assertThat(collector.requests().toString()).doesNotContain(TOKEN, KEY);
      List<Span> spans = collector.spans("traced");
      assertThat(spans).extracting(Span::getTraceId).containsOnly(spans.get(0).getTraceId());
      Span migration = named(spans, "migration").get(0);
      assertThat(migration.getParentSpanId()).isEqualTo(ByteString.EMPTY);
      assertThat(Collector.attribute(migration, "vecferry.outcome")).isEqualTo("MIGRATED");
      for (String phase : new String[] {"PLANNING", "EXPORT", "IMPORT", "CUTOVER"}) {
        assertThat(named(spans, phase))
            .singleElement()
            .extracting(Span::getParentSpanId)
            .isEqualTo(migration.getSpanId());
      }
      Set<ByteString> ids = spans.stream().map(Span::getSpanId).collect(Collectors.toSet());
      assertThat(ids).as("each span has an id of its own").hasSameSizeAs(spans);
      assertThat(spans)
          .filteredOn(span -> span != migration)
          .allSatisfy(span -> assertThat(ids).contains(span.getParentSpanId()));

      Span phase = named(spans, "IMPORT").get(0);
      List<Span> imports = named(spans, "ImportPart");
      assertThat(imports)
          .allSatisfy(
              span -> {
                assertThat(span.getParentSpanId()).isEqualTo(phase.getSpanId());
                assertThat(Collector.attribute(span, "vecferry.phase")).isEqualTo("IMPORT");
                assertThat(Collector.attribute(span, "vecferry.attempt")).isEqualTo("1");
                assertThat(Collector.attribute(span, "temporalWorkflowID"))
                    .isEqualTo("migration-traced");
              });
      assertThat(partsDone(imports))
          .isNotEmpty()
          .doesNotHaveDuplicates()
          .containsExactlyInAnyOrderElementsOf(partsDone(named(spans, "ExportPart")));
      List<Span> failed =
          spans.stream()
              .filter(span -> span.getStatus().getCode() == Status.StatusCode.STATUS_CODE_ERROR)
              .toList();
      assertThat(failed)
          .isNotEmpty()
          .allSatisfy(
              span -> {
                assertThat(Collector.attribute(span, "vecferry.result")).isEqualTo("failed");
                assertThat(Collector.attribute(span, "error.type")).isEqualTo("PERMISSION");
                assertThat(span.getStatus().getMessage())
                    .contains("nobody is let in with")
                    .contains("(a secret)");
              });
    }
  }

  /** With no collector in the environment, OpenTelemetry need not even be there. */
  @Test
  void nothingOfItIsLoadedWithoutACollector() throws Exception {
    FaissFolder.write(folder.resolve("source"), 10, 4);
    String classPath =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(entry -> !entry.contains("opentelemetry"))
            .collect(Collectors.joining(File.pathSeparator));
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-cp",
            classPath,
            Vecferry.class.getName(),
            "run",
            Specs.write(folder, "untraced", "").toString());
    builder.environment().keySet().removeIf(name -> name.matches("(TEMPORAL|VECFERRY|OTEL)_.*"));
    builder.environment().put("OTEL_SERVICE_NAME", "ferry");
    assertThat(builder.directory(folder.toFile()).inheritIO().start().waitFor()).isZero();
  }

  private static List<String> partsDone(List<Span> steps) {
    return steps.stream()
        .filter(span -> Collector.attribute(span, "vecferry.result").equals("done"))
        .map(span -> Collector.attribute(span, "vecferry.part"))
        .toList();
  }

  private static List<Span> named(List<Span> spans, String name) {
    return spans.stream().filter(span -> span.getName().equals(name)).toList();
  }
}
