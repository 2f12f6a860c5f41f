package io.vecferry.worker;

import io.temporal.common.interceptors.WorkerInterceptor;
import io.temporal.serviceclient.WorkflowServiceStubs;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Tells a collector of OpenTelemetry about steps, if the environment names one. Knows nothing of
 * OpenTelemetry itself, so that a worker without a collector does not load it.
 */
interface Traces extends WorkerInterceptor, AutoCloseable {
  /**
   * Empty when the environment names no collector, or switches traces off.
   *
   * @param stubs the service that knows which migration a step belongs to
   * @throws IllegalStateException when what the environment asks for cannot be done
   */
  static Optional<Traces> ofEnvironment(
      Map<String, String> environment, WorkflowServiceStubs stubs) {
    boolean collector =
        Stream.of("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
            .anyMatch(name -> !environment.getOrDefault(name, "").isBlank());
    boolean off =
        environment.getOrDefault("OTEL_SDK_DISABLED", "").equalsIgnoreCase("true")
            || environment.getOrDefault("OTEL_TRACES_EXPORTER", "").equals("none");
    return collector && !off
        ? Optional.of(StepTraces.ofEnvironment(environment, stubs))
        : Optional.empty();
  }

  /** Sends what is not sent yet. */
  @Override
  void close();
}
