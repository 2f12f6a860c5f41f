package io.vecferry.store;

import io.vecferry.plan.FailureClass;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How many records a request to a store has, and how many requests are on their way at once, as the
 * run itself finds it. All writers of a load in this process share one.
 *
 * <p>One of the two is changed at a time: up by a fixed step, or double as long as nothing was of
 * no use yet, down to a fraction. The change stays when the store then takes more records a second,
 * of the time in which it has anything to do; otherwise it is taken back and another one is tried,
 * the more seldom the longer none has helped. When the store asks to slow down, half as many
 * requests are on their way; when a request takes so long that it might be given up, the next ones
 * have half as many records; one that was too large is not sent again in that size.
 *
 * <p>Does not know what a request is. Thread-safe.
 */
public final class AdaptiveRequests {
  private static final Logger LOG = LoggerFactory.getLogger(AdaptiveRequests.class);

  /** Records of a request at first, where the store likes nothing else better. */
  static final int FIRST_ROWS = 1_000;

  /** Bytes of a request that nobody has asked for; several of them are in memory at once. */
  private static final long MOST_BYTES = 4 << 20;

  private static final int MORE_ROWS = 500;
  private static final double FEWER = 0.75;
  private static final int LEAST_ROWS = 16;

  /** What a change has to bring to stay; less cannot be told from chance. */
  private static final double GAIN = 1.03;

  private static final int LEAST_REQUESTS = 8;
  private static final long LEAST_NANOS = TimeUnit.MILLISECONDS.toNanos(400);

  /** Windows in which nothing is tried after all changes were of no use. */
  private static final int FIRST_REST = 4;

  private static final int LONGEST_REST = 64;

  /** Stores give up after 30 seconds and more. */
  private static final long SLOW_NANOS = TimeUnit.SECONDS.toNanos(10);

  /** Of the bytes that were too many, so many are sent at most from then on. */
  private static final double OF_TOO_LARGE = 0.75;

  private static final int NO_LIMIT = Integer.MAX_VALUE;

  private enum Change {
    MORE_ROWS,
    FEWER_REQUESTS,
    FEWER_ROWS,
    MORE_REQUESTS
  }

  /**
   * What requests are like.
   *
   * @param rows records in each, unless the store's limits allow only fewer
   * @param requests how many are on their way at once; a large number for as many as there are
   */
  public record Setting(int rows, int requests) {}

  private final String store;
  private final int perWriter;
  private final boolean fixedRequests;
  private final LongSupplier clock;

  private Setting setting;
  private boolean choosesRows;
  private int mostRows = NO_LIMIT;
  private long mostBytes = Long.MAX_VALUE;
  private long bytesPerRow;

  private final Set<Request> inFlight = new HashSet<>();
  private final RequestsSeen seen = new RequestsSeen();

  /** Changes so far; requests that began before one say nothing about it. */
  private int age;

  private int windowRequests;
  private long windowRows;
  private int windowPeak;
  private int windowMostRows;
  private long windowStart;

  private Change change = Change.MORE_ROWS;
  private boolean doubles = true;
  private boolean trying;
  private Setting settled;
  private double speed;
  private int inVain;
  private int rest;
  private int nextRest = FIRST_REST;
  private RequestsFound found;

  /**
   * @param store type of the store
   * @param asked requests that each writer has on their way at once, as a person has said; below 1
   *     when nobody has
   * @param usual the same when nobody has, at most
   */
  public AdaptiveRequests(String store, int asked, int usual) {
    this(store, asked, usual, FIRST_ROWS);
  }

  /**
   * @param firstRows records of a request at first
   */
  public AdaptiveRequests(String store, int asked, int usual, int firstRows) {
    this(store, asked, usual, firstRows, System::nanoTime);
  }

  AdaptiveRequests(String store, int asked, int usual, int firstRows, LongSupplier clock) {
    this.store = store;
    this.setting = new Setting(firstRows, NO_LIMIT);
    this.settled = setting;
    this.perWriter = asked < 1 ? usual : asked;
    this.fixedRequests = asked > 0;
    this.clock = clock;
  }

  String store() {
    return store;
  }

  /** Requests that one writer has on their way at once, at most. */
  int perWriter() {
    return perWriter;
  }

  /** Records that the next request should have, if nobody else has said it. */
  synchronized int rows(int most, long bytes) {
    choosesRows = true;
    mostRows = bytesPerRow == 0 ? most : mostRows(most, Math.min(bytes, MOST_BYTES), bytesPerRow);
    return Math.min(setting.rows(), mostRows);
  }

  /**
   * Records that a request can have at most.
   *
   * @param most known limit of records
   * @param bytes known limit of bytes of columns
   * @param bytesOfRow bytes of one of the records; those that come next are taken to be as large
   */
  synchronized int mostRows(int most, long bytes, long bytesOfRow) {
    bytesPerRow = Math.max(1, bytesOfRow);
    return (int) Math.max(1, Math.min(most, Math.min(bytes, mostBytes) / bytesPerRow));
  }

  /** What was found to be best so far. */
  public synchronized Setting settled() {
    Setting best = trying ? settled : setting;
    return new Setting(Math.min(best.rows(), mostRows), best.requests());
  }

  /** The same as the store has seen it; all requests together before anything was found. */
  public synchronized Optional<RequestsFound> found() {
    return found == null ? seen.found(store, clock.getAsLong()) : Optional.of(found);
  }

  synchronized Setting setting() {
    return setting;
  }

  /** Waits until one more request may be on its way. */
  synchronized Request begin() throws InterruptedException {
    while (inFlight.size() >= setting.requests()) {
      wait();
    }
    Request request = new Request();
    seen.began(request.start);
    inFlight.add(request);
    int together = inFlight.size();
    inFlight.forEach(each -> each.together = Math.max(each.together, together));
    windowPeak = Math.max(windowPeak, together);
    return request;
  }

  /** One request. */
  final class Request {
    private final int born = age;
    private final long start = clock.getAsLong();

    /** Most requests that were on their way at once since then, with this one. */
    private int together;

    /**
     * The store has answered, or never will.
     *
     * @param failure null when it has taken the records
     */
    void ended(FailureClass failure, int rows) {
      AdaptiveRequests.this.ended(this, failure, rows);
    }
  }

  private synchronized void ended(Request request, FailureClass failure, int rows) {
    long now = clock.getAsLong();
    inFlight.remove(request);
    seen.ended(now);
    if (failure == null) {
      seen.moved(rows);
    }
    notifyAll();
    if (request.born != age) {
      beginWindow();
    } else if (failure == FailureClass.RATE_LIMITED) {
      slowDown(request.together);
    } else if (now - request.start > SLOW_NANOS) {
      shorten(rows);
    } else if (failure == null) {
      windowRequests++;
      windowRows += rows;
      windowMostRows = Math.max(windowMostRows, rows);
      long nanos = seen.busyNanos(now) - windowStart;
      if (windowRequests >= Math.max(LEAST_REQUESTS, windowPeak) && nanos >= LEAST_NANOS) {
        judge(windowRows * 1e9 / nanos);
      }
    }
  }

  /** Records were too many for one request, and all of them went in several. */
  synchronized void tooLarge(long bytes) {
    mostBytes = Math.max(1, Math.min(mostBytes, (long) (OF_TOO_LARGE * bytes)));
  }

  private void slowDown(int wereInFlight) {
    if (!fixedRequests && wereInFlight > 1) {
      startAnew(new Setting(current().rows(), wereInFlight / 2), Change.MORE_REQUESTS);
    } else if (choosesRows) {
      startAnew(fewerRows(current(), 0.5), Change.MORE_ROWS);
    }
    LOG.debug("{} asks to slow down, from now on {}", store, this);
  }

  private void shorten(int rows) {
    if (choosesRows && rows >= current().rows() / 2) {
      startAnew(fewerRows(current(), 0.5), Change.FEWER_ROWS);
      LOG.debug("{} takes long for {} records, from now on {}", store, rows, this);
    }
  }

  private Setting current() {
    return new Setting(Math.min(setting.rows(), mostRows), setting.requests());
  }

  /** What was measured before counts no more. */
  private void startAnew(Setting next, Change first) {
    trying = false;
    speed = 0;
    inVain = 0;
    change = first;
    rest();
    set(next);
  }

  private void set(Setting next) {
    setting = next;
    age++;
    beginWindow();
    notifyAll();
  }

  private void beginWindow() {
    windowRequests = 0;
    windowRows = 0;
    windowPeak = inFlight.size();
    windowMostRows = 0;
    windowStart = seen.busyNanos(clock.getAsLong());
  }

  /** A window has ended in which the setting was the same. */
  private void judge(double rowsPerSecond) {
    LOG.debug(
        "{} {} records/s with {}", trying ? "tried:" : "usual:", Math.round(rowsPerSecond), this);
    if (trying && rowsPerSecond < GAIN * speed) {
      trying = false;
      doubles = false;
      inVain++;
      change = Change.values()[(change.ordinal() + 1) % Change.values().length];
      set(settled);
      return;
    }
    if (trying) {
      inVain = 0;
      nextRest = FIRST_REST;
      speed = rowsPerSecond;
      LOG.info("{} takes {} records/s with {}", store, Math.round(rowsPerSecond), this);
    } else {
      speed = speed == 0 ? rowsPerSecond : (speed + rowsPerSecond) / 2;
    }
    trying = false;
    settled = current();
    found = new RequestsFound(store, windowMostRows, windowPeak, Math.round(speed));
    if (rest > 0) {
      rest--;
      beginWindow();
      return;
    }
    for (; inVain < Change.values().length; inVain++) {
      Setting next = changed();
      if (!next.equals(settled)) {
        trying = true;
        set(next);
        return;
      }
      change = Change.values()[(change.ordinal() + 1) % Change.values().length];
    }
    inVain = 0;
    rest();
    beginWindow();
  }

  private void rest() {
    rest = nextRest;
    nextRest = Math.min(2 * nextRest, LONGEST_REST);
  }

  private Setting changed() {
    int requests = settled.requests();
    int more = doubles ? settled.rows() : MORE_ROWS;
    return switch (change) {
      case MORE_ROWS ->
          choosesRows ? new Setting(Math.min(settled.rows() + more, mostRows), requests) : settled;
      case FEWER_ROWS -> choosesRows ? fewerRows(settled, FEWER) : settled;
      case FEWER_REQUESTS ->
          fixedRequests || windowPeak < 2
              ? settled
              : new Setting(settled.rows(), Math.max(1, Math.min(windowPeak, requests) / 2));
      case MORE_REQUESTS ->
          fixedRequests || requests == NO_LIMIT
              ? settled
              : new Setting(settled.rows(), windowPeak < requests ? NO_LIMIT : requests + 1);
    };
  }

  private static Setting fewerRows(Setting setting, double share) {
    int rows = Math.max(Math.min(LEAST_ROWS, setting.rows()), (int) (share * setting.rows()));
    return new Setting(rows, setting.requests());
  }

  @Override
  public synchronized String toString() {
    Setting now = current();
    return now.rows()
        + " records in a request"
        + (now.requests() == NO_LIMIT ? "" : ", " + now.requests() + " requests at once");
  }
}
