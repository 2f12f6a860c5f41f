package io.vecferry.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.opentelemetry.sdk.trace.samplers.Sampler;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TracesTest {
  private static final Map.Entry<String, String> COLLECTOR =
      Map.entry("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");

  @Test
  void offUnlessTheEnvironmentNamesACollector() {
    assertThat(Traces.ofEnvironment(Map.of("OTEL_SERVICE_NAME", "ferry"), null)).isEmpty();
    assertThat(Traces.ofEnvironment(Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", ""), null)).isEmpty();
    assertThat(
            Traces.ofEnvironment(
                Map.ofEntries(COLLECTOR, Map.entry("OTEL_TRACES_EXPORTER", "none")), null))
        .isEmpty();
    assertThat(
            Traces.ofEnvironment(
                Map.ofEntries(COLLECTOR, Map.entry("OTEL_SDK_DISABLED", "true")), null))
        .isEmpty();
  }

  @Test
  void anotherProtocolIsRefused() {
    assertThatThrownBy(
            () ->
                Traces.ofEnvironment(
                    Map.ofEntries(COLLECTOR, Map.entry("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")),
                    null))
        .hasMessageContaining("OTEL_EXPORTER_OTLP_PROTOCOL is grpc")
        .hasMessageContaining("http/protobuf");
  }

  @Test
  void samplersTakeTheShareOfMigrationsThatTheyAreAskedFor() {
    Sampler half = Sampler.parentBased(Sampler.traceIdRatioBased(0.5));
    TraceIds ids = new TraceIds();
    long kept =
        IntStream.range(0, 1000)
            .mapToObj(i -> UUID.nameUUIDFromBytes(("run" + i).getBytes(StandardCharsets.UTF_8)))
            .filter(run -> ids.of(run.toString(), "EXPORT", half).isSampled())
            .count();
    assertThat(kept).isBetween(400L, 600L);
  }
}
