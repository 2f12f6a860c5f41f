package io.vecferry.store;

import io.vecferry.plan.FailureClass;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.MultiVectors;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.SparseVectors;
import io.vecferry.record.VectorColumn;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * Writes to a store that takes requests. Keeps some requests in flight, as many as {@link
 * AdaptiveRequests} has found to be right, cuts batches to the store's limits, halves a request
 * that is too large, bisects one that holds a bad record until only that record is rejected, and
 * waits when the store asks to slow down. Everything else that fails ends the part, which is then
 * tried again as a whole.
 */
public final class SendingWriter implements BatchWriter {
  /** More rejects than this in one part are no bad records but a wrong request. */
  private static final int MOST_REJECTS = 1000;

  private static final Duration STOP_DEADLINE = Duration.ofSeconds(60);

  /** One request to the store. Called by several threads at once. */
  @FunctionalInterface
  public interface Request {
    /**
     * Writes records by id, replacing what is there, and returns when the store has them.
     *
     * @return the records that the store refused one by one, when it says which
     * @throws StoreException TOO_LARGE when fewer records may fit, BAD_RECORD when one of them is
     *     at fault, RATE_LIMITED when the store asks to slow down
     */
    List<Reject> send(RecordBatch batch);
  }

  /**
   * How requests are cut.
   *
   * @param rows most records in a request
   * @param bytes most bytes of columns in a request
   */
  public record Limits(int rows, long bytes) {}

  private record Sent(int rows, Future<List<Reject>> result) {}

  private final Request request;
  private final Limits limits;
  private final AdaptiveRequests requests;
  private final ExecutorService executor;
  private final Deque<Sent> inFlight = new ArrayDeque<>();
  private final List<Reject> rejects = new ArrayList<>();
  private long acknowledged;
  private long resumable;

  /**
   * @param requests what all writers of the load have found out together
   */
  public SendingWriter(Limits limits, AdaptiveRequests requests, Request request) {
    this.request = request;
    this.limits = limits;
    this.requests = requests;
    this.executor =
        Executors.newFixedThreadPool(
            requests.perWriter(),
            task -> {
              Thread thread = new Thread(task, requests.store() + "-writer");
              thread.setDaemon(true);
              return thread;
            });
  }

  @Override
  public void write(RecordBatch batch) {
    int start = 0;
    while (start < batch.rows()) {
      int most = requests.mostRows(limits.rows(), limits.bytes(), batch.bytes() / batch.rows());
      int rows = Math.min(most, batch.rows() - start);
      submit(rows == batch.rows() ? batch : batch.select(range(start, rows)));
      start += rows;
    }
  }

  @Override
  public int batchRows() {
    return requests.rows(limits.rows(), limits.bytes());
  }

  @Override
  public Optional<RequestsFound> requests() {
    return requests.found();
  }

  @Override
  public long acknowledged() {
    collect(requests.perWriter());
    return acknowledged;
  }

  @Override
  public long resumable() {
    return resumable;
  }

  @Override
  public List<Reject> finish() {
    collect(0);
    return List.copyOf(rejects);
  }

  /** Does not return before no request can be on its way any more. */
  @Override
  public void close() {
    executor.shutdownNow();
    // Also for a step that was interrupted: what follows must not meet its requests.
    boolean interrupted = Thread.interrupted();
    try {
      executor.awaitTermination(STOP_DEADLINE.toSeconds(), TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      interrupted = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void submit(RecordBatch batch) {
    collect(requests.perWriter() - 1);
    inFlight.add(new Sent(batch.rows(), executor.submit(() -> sendFinite(batch))));
  }

  /** Takes finished requests from the front, and waits until at most {@code most} are left. */
  private void collect(int most) {
    while (!inFlight.isEmpty() && (inFlight.size() > most || inFlight.peek().result().isDone())) {
      Sent sent = inFlight.peek();
      try {
        rejects.addAll(sent.result().get());
      } catch (ExecutionException e) {
        throw e.getCause() instanceof RuntimeException failure
            ? failure
            : new StoreException(FailureClass.BUG, e.getCause().toString(), e.getCause());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw interrupted(e);
      }
      inFlight.remove();
      acknowledged += sent.rows();
      if (rejects.isEmpty()) {
        resumable = acknowledged;
      }
      if (rejects.size() > MOST_REJECTS) {
        throw new StoreException(
            FailureClass.BAD_RECORD,
            "more than "
                + MOST_REJECTS
                + " records of one part were refused; the first, \""
                + rejects.get(0).id()
                + "\": "
                + rejects.get(0).reason());
      }
    }
  }

  /** Rejects vectors that are not finite; some stores take them and cannot give them back. */
  private List<Reject> sendFinite(RecordBatch batch) {
    List<Reject> refused = new ArrayList<>();
    int[] good = new int[batch.rows()];
    int count = 0;
    for (int row = 0; row < batch.rows(); row++) {
      String problem = notFinite(batch, row);
      if (problem == null) {
        good[count++] = row;
      } else {
        refused.add(new Reject(batch.ids().get(row), problem));
      }
    }
    if (count > 0) {
      refused.addAll(send(count == good.length ? batch : batch.select(Arrays.copyOf(good, count))));
    }
    return refused;
  }

  private List<Reject> send(RecordBatch batch) {
    try {
      return SlowDown.obey(() -> sendOnce(batch));
    } catch (StoreException e) {
      return switch (e.failureClass()) {
        case TOO_LARGE -> {
          List<Reject> refused = sendHalves(batch, e);
          // A single record that is too large says nothing about others.
          if (refused.isEmpty()) {
            requests.tooLarge(batch.bytes());
          }
          yield refused;
        }
        case BAD_RECORD -> sendHalves(batch, e);
        default -> throw e;
      };
    }
  }

  private List<Reject> sendOnce(RecordBatch batch) {
    AdaptiveRequests.Request now;
    try {
      now = requests.begin();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw interrupted(e);
    }
    FailureClass failure = FailureClass.BUG;
    try {
      List<Reject> refused = request.send(batch);
      failure = null;
      return refused;
    } catch (StoreException e) {
      failure = e.failureClass();
      throw e;
    } finally {
      now.ended(failure, batch.rows());
    }
  }

  private List<Reject> sendHalves(RecordBatch batch, StoreException reason) {
    if (batch.rows() == 1) {
      return List.of(new Reject(batch.ids().get(0), reason.getMessage()));
    }
    int half = batch.rows() / 2;
    List<Reject> refused = new ArrayList<>(send(batch.select(range(0, half))));
    if (refused.size() <= MOST_REJECTS) {
      refused.addAll(send(batch.select(range(half, batch.rows() - half))));
    }
    return refused;
  }

  private static String notFinite(RecordBatch batch, int row) {
    for (VectorColumn column : batch.vectors()) {
      float[] values;
      int from;
      int to;
      if (column instanceof DenseVectors dense) {
        values = dense.values();
        from = row * dense.dimension();
        to = from + dense.dimension();
      } else if (column instanceof SparseVectors sparse) {
        values = sparse.values();
        from = sparse.offsets()[row];
        to = sparse.offsets()[row + 1];
      } else {
        MultiVectors multi = (MultiVectors) column;
        values = multi.values();
        from = multi.offsets()[row] * multi.dimension();
        to = multi.offsets()[row + 1] * multi.dimension();
      }
      for (int i = from; i < to; i++) {
        if (!Float.isFinite(values[i])) {
          return "vector '%s' is %s at component %d".formatted(column.name(), values[i], i - from);
        }
      }
    }
    return null;
  }

  private static int[] range(int start, int count) {
    int[] rows = new int[count];
    for (int i = 0; i < count; i++) {
      rows[i] = start + i;
    }
    return rows;
  }

  private static StoreException interrupted(InterruptedException cause) {
    return new StoreException(FailureClass.TRANSIENT, "the work was stopped", cause);
  }
}
