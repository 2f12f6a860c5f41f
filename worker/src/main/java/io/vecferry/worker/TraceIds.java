package io.vecferry.worker;

import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.trace.IdGenerator;
import io.opentelemetry.sdk.trace.samplers.Sampler;
import io.opentelemetry.sdk.trace.samplers.SamplingDecision;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/**
 * Ids of the spans of migrations and their phases, which follow from the run id; those of steps are
 * random. Digests, because samplers take trace ids for random numbers and run ids are none.
 */
final class TraceIds implements IdGenerator {
  private static final int TRACE_ID_DIGITS = 32;
  private static final int SPAN_ID_DIGITS = 16;

  private final IdGenerator random = IdGenerator.random();

  /** Ids of the span that this thread starts; null for random ones. */
  private final ThreadLocal<SpanContext> given = new ThreadLocal<>();

  /**
   * The span of a phase, or of the migration where that is empty. The sampler decides about the
   * migration, so that all workers come to the same.
   */
  SpanContext of(String run, String phase, Sampler sampler) {
    boolean kept =
        sampler
                .shouldSample(
                    Context.root(),
                    traceId(run),
                    "migration",
                    SpanKind.INTERNAL,
                    Attributes.empty(),
                    List.of())
                .getDecision()
            == SamplingDecision.RECORD_AND_SAMPLE;
    return SpanContext.createFromRemoteParent(
        traceId(run),
        spanId(run, phase),
        kept ? TraceFlags.getSampled() : TraceFlags.getDefault(),
        TraceState.getDefault());
  }

  /** Starts the span of a phase, or of the migration where that is empty. */
  Span start(SpanBuilder span, String run, String phase) {
    given.set(
        SpanContext.create(
            traceId(run), spanId(run, phase), TraceFlags.getDefault(), TraceState.getDefault()));
    try {
      return span.startSpan();
    } finally {
      given.remove();
    }
  }

  @Override
  public String generateTraceId() {
    SpanContext ids = given.get();
    return ids == null ? random.generateTraceId() : ids.getTraceId();
  }

  @Override
  public String generateSpanId() {
    SpanContext ids = given.get();
    return ids == null ? random.generateSpanId() : ids.getSpanId();
  }

  private static String traceId(String run) {
    return digest(run).substring(0, TRACE_ID_DIGITS);
  }

  private static String spanId(String run, String phase) {
    return digest(run + "/" + phase).substring(0, SPAN_ID_DIGITS);
  }

  private static String digest(String text) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
