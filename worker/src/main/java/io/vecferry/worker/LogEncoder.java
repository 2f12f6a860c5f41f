package io.vecferry.worker;

import ch.qos.logback.classic.PatternLayout;
import ch.qos.logback.classic.pattern.ThrowableProxyConverter;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.encoder.EncoderBase;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.vecferry.store.Secrets;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * Lines of the log, for people ({@code human}) or as JSON objects ({@code json}), without the
 * secrets that this process has read.
 */
public final class LogEncoder extends EncoderBase<ILoggingEvent> {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final ThrowableProxyConverter traces = new ThrowableProxyConverter();
  private boolean json;
  private PatternLayout head;
  private PatternLayout tail;

  /** Sets {@code human} or {@code json}. */
  public void setFormat(String format) {
    json = format.equals("json");
  }

  @Override
  public void start() {
    head = layout("%d{yyyy-MM-dd'T'HH:mm:ss.SSS} %-5level %logger{20} %nopex");
    tail = layout("%msg%n%ex{short}");
    traces.start();
    super.start();
  }

  private PatternLayout layout(String pattern) {
    PatternLayout layout = new PatternLayout();
    layout.setContext(getContext());
    layout.setPattern(pattern);
    layout.start();
    return layout;
  }

  @Override
  public byte[] encode(ILoggingEvent event) {
    return (json ? object(event) : line(event)).getBytes(StandardCharsets.UTF_8);
  }

  private String line(ILoggingEvent event) {
    String place =
        StepLog.PLACES.stream()
            .map(event.getMDCPropertyMap()::get)
            .filter(Objects::nonNull)
            .collect(Collectors.joining(" "));
    return Secrets.hidden(
        head.doLayout(event) + (place.isEmpty() ? "" : "[" + place + "] ") + tail.doLayout(event));
  }

  private String object(ILoggingEvent event) {
    Map<String, String> fields = new LinkedHashMap<>();
    fields.put("time", event.getInstant().toString());
    fields.put("level", event.getLevel().toString());
    fields.put("logger", event.getLoggerName());
    fields.put("thread", event.getThreadName());
    for (String place : StepLog.PLACES) {
      String value = event.getMDCPropertyMap().get(place);
      if (value != null) {
        fields.put(place, value);
      }
    }
    fields.put("message", event.getFormattedMessage());
    if (event.getThrowableProxy() != null) {
      fields.put("error", traces.convert(event));
    }
    fields.replaceAll((name, value) -> Secrets.hidden(value));
    try {
      return JSON.writeValueAsString(fields) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public byte[] headerBytes() {
    return new byte[0];
  }

  @Override
  public byte[] footerBytes() {
    return new byte[0];
  }
}
