package io.vecferry.store;

import java.util.Optional;

/** Counts requests to a store, or readers of it. Knows no clock. Thread-safe. */
public final class RequestsSeen {
  private int inFlight;
  private int mostInFlight;
  private int mostRows;
  private long rows;
  private long busySince;
  private long busyNanos;

  /** A request is on its way from now on. */
  synchronized void began(long now) {
    if (inFlight == 0) {
      busySince = now;
    }
    inFlight++;
    mostInFlight = Math.max(mostInFlight, inFlight);
  }

  /** The store has taken or given some records with one request. */
  synchronized void moved(int some) {
    rows += some;
    mostRows = Math.max(mostRows, some);
  }

  /** A request is on its way no more. */
  synchronized void ended(long now) {
    inFlight--;
    if (inFlight == 0) {
      busyNanos += now - busySince;
    }
  }

  /** Time in which any request was on its way. */
  synchronized long busyNanos(long now) {
    return inFlight == 0 ? busyNanos : busyNanos + now - busySince;
  }

  /** All of them together; empty where no record came through, or in no time. */
  synchronized Optional<RequestsFound> found(String store, long now) {
    long busy = busyNanos(now);
    return rows == 0 || busy == 0
        ? Optional.empty()
        : Optional.of(
            new RequestsFound(store, mostRows, mostInFlight, Math.round(rows * 1e9 / busy)));
  }
}
