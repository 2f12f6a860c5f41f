package io.vecferry.worker;

import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import org.slf4j.LoggerFactory;

/** What OpenTelemetry logs through the JDK is in the worker's log, so without secrets. */
final class TraceLog extends Handler {
  private static final org.slf4j.Logger LOG = LoggerFactory.getLogger(TraceLog.class);

  /** Kept here because loggers that nobody holds lose their handlers. */
  private static final Logger SOURCE = Logger.getLogger("io.opentelemetry");

  TraceLog() {
    setFormatter(new SimpleFormatter());
    SOURCE.setUseParentHandlers(false);
    SOURCE.addHandler(this);
  }

  @Override
  public void publish(LogRecord event) {
    if (event.getLevel().intValue() >= Level.WARNING.intValue()) {
      String cause = event.getThrown() == null ? "" : " " + event.getThrown();
      LOG.warn("Traces: {}{}", getFormatter().formatMessage(event), cause);
    }
  }

  @Override
  public void flush() {}

  @Override
  public void close() {
    SOURCE.removeHandler(this);
  }
}
