package io.vecferry.worker;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.spi.ConfigurationException;
import io.temporal.activity.ActivityExecutionContext;
import io.temporal.activity.ActivityInfo;
import io.temporal.client.ActivityCompletionException;
import io.temporal.common.interceptors.ActivityInboundCallsInterceptor;
import io.temporal.common.interceptors.ActivityInboundCallsInterceptorBase;
import io.temporal.common.interceptors.WorkerInterceptorBase;
import io.temporal.failure.ApplicationFailure;
import io.temporal.serviceclient.WorkflowServiceStubs;
import io.vecferry.activity.ReportRequest;
import io.vecferry.store.Secrets;
import io.vecferry.workflow.MigrationStatus;
import io.vecferry.workflow.MigrationWorkflow;
import io.vecferry.workflow.PhaseProgress;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * A span for each attempt at a step, below one for its phase and one for the migration. The spans
 * of a migration are one trace: their ids follow from its run id, so that workers need not tell
 * each other, and nothing of it is in a history. Phases and the migration are told of when it ends.
 */
final class StepTraces extends WorkerInterceptorBase implements Traces {
  private static final AttributeKey<String> MIGRATION =
      AttributeKey.stringKey("vecferry.migration");
  private static final AttributeKey<String> PHASE = AttributeKey.stringKey("vecferry.phase");
  private static final AttributeKey<String> PART = AttributeKey.stringKey("vecferry.part");
  private static final AttributeKey<Long> ATTEMPT = AttributeKey.longKey("vecferry.attempt");
  private static final AttributeKey<String> RESULT = AttributeKey.stringKey("vecferry.result");
  private static final AttributeKey<String> OUTCOME = AttributeKey.stringKey("vecferry.outcome");

  /** As the interceptors of Temporal call them. */
  private static final AttributeKey<String> WORKFLOW_ID =
      AttributeKey.stringKey("temporalWorkflowID");

  private static final AttributeKey<String> RUN_ID = AttributeKey.stringKey("temporalRunID");

  private static final AttributeKey<String> ERROR = AttributeKey.stringKey("error.type");

  private static final int LONGEST_FLUSH_SECONDS = 5;

  private static final Pattern CREDENTIAL =
      Pattern.compile("auth|key|token|secret|password|cookie", Pattern.CASE_INSENSITIVE);

  private final OpenTelemetrySdk sdk;
  private final TraceIds ids;
  private final Tracer tracer;
  private final MigrationRuns runs;
  private final TraceLog log;

  private StepTraces(OpenTelemetrySdk sdk, TraceIds ids, MigrationRuns runs, TraceLog log) {
    this.sdk = sdk;
    this.ids = ids;
    this.tracer = sdk.getTracer("io.vecferry");
    this.runs = runs;
    this.log = log;
  }

  static StepTraces ofEnvironment(Map<String, String> environment, WorkflowServiceStubs stubs) {
    requireHttp(environment, "OTEL_EXPORTER_OTLP_PROTOCOL");
    requireHttp(environment, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL");
    hideHeaders(environment.getOrDefault("OTEL_EXPORTER_OTLP_HEADERS", ""));
    hideHeaders(environment.getOrDefault("OTEL_EXPORTER_OTLP_TRACES_HEADERS", ""));
    TraceIds ids = new TraceIds();
    TraceLog log = new TraceLog();
    try {
      OpenTelemetrySdk sdk =
          AutoConfiguredOpenTelemetrySdk.builder()
              .addPropertiesSupplier(
                  () ->
                      Map.of(
                          "otel.service.name",
                          "vecferry",
                          "otel.exporter.otlp.protocol",
                          "http/protobuf"))
              .addPropertiesCustomizer(
                  config -> Map.of("otel.metrics.exporter", "none", "otel.logs.exporter", "none"))
              .addTracerProviderCustomizer((provider, config) -> provider.setIdGenerator(ids))
              .disableShutdownHook()
              .build()
              .getOpenTelemetrySdk();
      return new StepTraces(sdk, ids, new MigrationRuns(stubs), log);
    } catch (ConfigurationException e) {
      log.close();
      throw new IllegalStateException(
          "Traces cannot be sent as the environment asks: "
              + Secrets.hidden(e.getMessage())
              + ". Correct the variable OTEL_..., or set OTEL_TRACES_EXPORTER=none.",
          Secrets.hidden(e));
    }
  }

  private static void requireHttp(Map<String, String> environment, String name) {
    String protocol = environment.getOrDefault(name, "");
    if (!protocol.isEmpty() && !protocol.equals("http/protobuf")) {
      throw new IllegalStateException(
          ("%s is %s, and traces are sent by http/protobuf only. Set it to that and the endpoint to"
                  + " the port for it, mostly 4318; or set OTEL_TRACES_EXPORTER=none.")
              .formatted(name, protocol));
    }
  }

  /**
   * Of {@code name=value,name=value}, values that are credentials by their name, and what follows a
   * word like Bearer. Others, as the name of a tenant, may be words of every log.
   */
  private static void hideHeaders(String headers) {
    for (String header : headers.split(",")) {
      if (!CREDENTIAL.matcher(header.split("=", 2)[0]).find()) {
        continue;
      }
      String value = header.substring(header.indexOf('=') + 1).strip().replace("%20", " ");
      Secrets.hide(value);
      Secrets.hide(value.substring(value.lastIndexOf(' ') + 1));
    }
  }

  @Override
  public ActivityInboundCallsInterceptor interceptActivity(ActivityInboundCallsInterceptor next) {
    return new Calls(next);
  }

  @Override
  public void close() {
    sdk.getSdkTracerProvider().shutdown().join(LONGEST_FLUSH_SECONDS, TimeUnit.SECONDS);
    log.close();
  }

  private final class Calls extends ActivityInboundCallsInterceptorBase {
    private ActivityInfo info;

    Calls(ActivityInboundCallsInterceptor next) {
      super(next);
    }

    @Override
    public void init(ActivityExecutionContext context) {
      info = context.getInfo();
      super.init(context);
    }

    @Override
    public ActivityOutput execute(ActivityInput input) {
      StepPlace place = StepPlace.of(info, input.getArguments()[0]);
      String run = runs.of(info);
      SpanBuilder builder =
          tracer
              .spanBuilder(info.getActivityType())
              .setParent(parent(run, place.phase()))
              .setAttribute(MIGRATION, place.migration())
              .setAttribute(WORKFLOW_ID, info.getWorkflowId())
              .setAttribute(RUN_ID, info.getWorkflowRunId())
              .setAttribute(ATTEMPT, (long) info.getAttempt());
      if (!place.phase().isEmpty()) {
        builder.setAttribute(PHASE, place.phase());
      }
      if (!place.part().isEmpty()) {
        builder.setAttribute(PART, place.part());
      }
      Span span = builder.startSpan();
      try {
        ActivityOutput output = super.execute(input);
        span.setAttribute(RESULT, "done");
        if (input.getArguments()[0] instanceof ReportRequest request) {
          tellMigration(run, request.status());
        }
        return output;
      } catch (ActivityCompletionException e) {
        span.setAttribute(RESULT, "cancelled");
        throw e;
      } catch (RuntimeException e) {
        span.setAttribute(RESULT, "failed");
        span.setAttribute(ERROR, StepMetrics.failureClass(e).name());
        span.setStatus(StatusCode.ERROR, Secrets.hidden(message(e)));
        throw e;
      } finally {
        span.end();
      }
    }

    private static String message(RuntimeException failure) {
      return failure instanceof ApplicationFailure application
          ? application.getOriginalMessage()
          : failure.toString();
    }
  }

  private Context parent(String run, String phase) {
    return Context.root()
        .with(Span.wrap(ids.of(run, phase, sdk.getSdkTracerProvider().getSampler())));
  }

  /** A migration ends with its report. */
  private void tellMigration(String run, MigrationStatus status) {
    Instant end = Instant.now();
    SpanBuilder whole =
        tracer
            .spanBuilder("migration")
            .setNoParent()
            .setStartTimestamp(Instant.ofEpochMilli(status.startedMillis()))
            .setAttribute(MIGRATION, status.migration())
            .setAttribute(WORKFLOW_ID, MigrationWorkflow.workflowId(status.migration()))
            .setAttribute(RUN_ID, run)
            .setAttribute(OUTCOME, status.outcome().name());
    ids.start(whole, run, "").end(end);
    for (PhaseProgress phase : status.phases()) {
      if (phase.startedMillis() > 0) {
        SpanBuilder builder =
            tracer
                .spanBuilder(phase.phase().name())
                .setParent(parent(run, ""))
                .setStartTimestamp(Instant.ofEpochMilli(phase.startedMillis()))
                .setAttribute(MIGRATION, status.migration())
                .setAttribute(WORKFLOW_ID, MigrationWorkflow.workflowId(status.migration()))
                .setAttribute(RUN_ID, run)
                .setAttribute(PHASE, phase.phase().name());
        ids.start(builder, run, phase.phase().name())
            .end(phase.finishedMillis() == 0 ? end : Instant.ofEpochMilli(phase.finishedMillis()));
      }
    }
  }
}
