package io.vecferry.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.plan.FailureClass;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Against a store that is only arithmetic, in a time that only it moves. */
class AdaptiveRequestsTest {
  private static final int WRITERS = 4;
  private static final int PER_WRITER = 4;
  private static final int MOST_ROWS = 10_000;
  private static final int ROW_BYTES = 600;

  private long nanos;
  private final AdaptiveRequests requests =
      new AdaptiveRequests("test", 0, PER_WRITER, 1_000, () -> nanos);

  @Test
  void growsWhereEachRequestHasItsPrice() {
    Store store = new Store().takes(rows -> 0.05 + rows / 20_000.0);
    assertThat(store.load(requests, 1_500_000)).isGreaterThan(0.9 * store.bestByHand());
    assertThat(requests.settled().rows()).isGreaterThan(2_000);
  }

  @Test
  void saysWhatItHasFound() {
    Store store = new Store().takes(rows -> 0.05 + rows / 20_000.0);
    assertThat(requests.found()).isEmpty();
    // Over before anything could be found: two requests after each other on each of two workers.
    store.load(requests, 4_000);
    assertThat(requests.found()).contains(new RequestsFound("test", 1_000, 4, 20_000));

    double speed = store.load(requests, 1_500_000);
    RequestsFound found = requests.found().orElseThrow();
    assertThat(found.rows()).isEqualTo(requests.settled().rows());
    assertThat(found.atOnce()).isEqualTo(WRITERS * PER_WRITER);
    assertThat((double) found.rowsPerSecond()).isBetween(0.9 * speed, 1.2 * speed);
  }

  @Test
  void shrinksWhereLargeRequestsAreSlow() {
    Store store = new Store().takes(rows -> 0.001 + rows / 40_000.0 + rows * rows / 2e7);
    store.load(requests, 500_000);
    assertThat(store.load(requests, 500_000)).isGreaterThan(0.9 * store.bestByHand());
    assertThat(requests.settled().rows()).isLessThan(500);
  }

  @Test
  void sendsFewerAtOnceWhereTheyHinderEachOther() {
    Store store =
        new Store().takes(rows -> 0.01 + rows / 10_000.0).hinders(inFlight -> 1 + inFlight / 4.0);
    store.load(requests, 1_000_000);
    double without = store.load(new AdaptiveRequests("test", 4, 4, 1_000, () -> nanos), 300_000);
    assertThat(store.load(requests, 300_000)).isGreaterThan(1.2 * without);
    assertThat(requests.settled().requests()).isLessThan(8);
  }

  @Test
  void sendsFewerAtOnceWhenAskedToAndMoreWhenThatIsOver() {
    Store store = new Store().takes(rows -> 0.01 + rows / 10_000.0).refusesMoreThan(3);
    store.load(requests, 300_000);
    assertThat(requests.settled().requests()).isLessThanOrEqualTo(4);
    long before = store.refused;
    store.load(requests, 300_000);
    assertThat(store.refused - before).isLessThan(30);

    store.refusesMoreThan(Integer.MAX_VALUE);
    store.load(requests, 2_000_000);
    assertThat(store.load(requests, 300_000)).isGreaterThan(0.9 * store.bestByHand());
  }

  @Test
  void sendsWhatWasTooLargeOnlyOnce() {
    Store store = new Store().takes(rows -> 0.05 + rows / 20_000.0).takesBytes(400_000);
    store.load(requests, 100_000);
    assertThat(store.refused).isPositive().isLessThanOrEqualTo(2 * WRITERS * PER_WRITER);
    long before = store.refused;
    store.load(requests, 500_000);
    assertThat(store.refused).isEqualTo(before);
    assertThat(requests.settled().rows()).isBetween(400, 666);
  }

  @Test
  void staysFarFromTheTimeAfterWhichARequestIsGivenUp() {
    Store store = new Store().takes(rows -> 0.2 + rows / 5.0);
    store.load(requests, 60_000);
    assertThat(requests.settled().rows()).isLessThan(60);
  }

  @Test
  void leavesWhatAPersonHasSaid() {
    AdaptiveRequests asked = new AdaptiveRequests("test", 3, PER_WRITER, 1_000, () -> nanos);
    Store store =
        new Store()
            .takes(rows -> 0.05 + rows / 20_000.0)
            .hinders(inFlight -> 1 + inFlight / 4.0)
            .batches(700);
    store.load(asked, 500_000);
    assertThat(asked.settled()).isEqualTo(asked.setting());
    assertThat(asked.perWriter()).isEqualTo(3);
    assertThat(asked.settled().requests()).isEqualTo(Integer.MAX_VALUE);
  }

  @Test
  void chanceAloneDoesNotMoveItFar() {
    for (int seed = 0; seed < 20; seed++) {
      AdaptiveRequests now = new AdaptiveRequests("test", 0, PER_WRITER, 1_000, () -> nanos);
      Random random = new Random(seed);
      Store store =
          new Store().takes(rows -> (0.02 + rows / 10_000.0) * (0.7 + 0.6 * random.nextDouble()));
      store.load(now, 500_000);
      assertThat(store.load(now, 1_000_000)).isGreaterThan(0.9 * store.bestByHand());
    }
  }

  @Test
  void oneRequestMayAlwaysBeOnItsWay() throws InterruptedException {
    FailureClass[] ends = {
      null, null, null, null, null, null, FailureClass.TOO_LARGE, FailureClass.RATE_LIMITED
    };
    for (int seed = 0; seed < 200; seed++) {
      AdaptiveRequests now = new AdaptiveRequests("test", 0, PER_WRITER, 1_000, () -> nanos);
      Random random = new Random(seed);
      List<AdaptiveRequests.Request> open = new ArrayList<>();
      // Most stores never fail; now and then, one fails for a while.
      int trouble = 2 + random.nextInt(7);
      for (int step = 0; step < 2_000; step++) {
        if (open.isEmpty() || (open.size() < now.setting().requests() && random.nextInt(3) > 0)) {
          open.add(now.begin());
        } else {
          nanos += (long) (1e9 * Math.pow(10, 2 * random.nextDouble() - 1));
          FailureClass end = ends[random.nextInt(trouble)];
          open.remove(random.nextInt(open.size())).ended(end, now.rows(MOST_ROWS, 1 << 20));
        }
        assertThat(now.setting().requests()).as("seed %d", seed).isPositive();
        assertThat(now.setting().rows()).as("seed %d", seed).isPositive();
      }
    }
  }

  @Test
  void whoIsRefusedCountsThoseThatCameAndWentMeanwhile() throws InterruptedException {
    AdaptiveRequests.Request first = requests.begin();
    AdaptiveRequests.Request second = requests.begin();
    second.ended(null, 1_000);
    first.ended(FailureClass.RATE_LIMITED, 1_000);
    assertThat(requests.setting()).isEqualTo(new AdaptiveRequests.Setting(1_000, 1));
  }

  private interface Duration {
    double seconds(int rows);
  }

  private interface Hindrance {
    double factor(int inFlight);
  }

  private record OnTheWay(AdaptiveRequests.Request request, int rows, long end, boolean late) {}

  /** Works on two requests at once; others wait. */
  private final class Store {
    private static final int WORKERS = 2;

    private Duration duration;
    private Hindrance hindrance = inFlight -> 1;
    private int mostInFlight = Integer.MAX_VALUE;
    private long mostBytes = Long.MAX_VALUE;
    private int batch;
    private long refused;

    Store takes(Duration duration) {
      this.duration = duration;
      return this;
    }

    Store hinders(Hindrance hindrance) {
      this.hindrance = hindrance;
      return this;
    }

    Store refusesMoreThan(int inFlight) {
      this.mostInFlight = inFlight;
      return this;
    }

    Store takesBytes(long bytes) {
      this.mostBytes = bytes;
      return this;
    }

    Store batches(int rows) {
      this.batch = rows;
      return this;
    }

    /** The best of batch sizes that somebody might have set. */
    double bestByHand() {
      int before = batch;
      double best =
          IntStream.of(100, 300, 1_000, 3_000, 10_000)
              .mapToDouble(
                  rows ->
                      batches(rows)
                          .load(new AdaptiveRequests("hand", 4, 4, 1_000, () -> nanos), 2_000_000))
              .max()
              .orElseThrow();
      batch = before;
      return best;
    }

    /** Writes rows; gives rows a second. */
    double load(AdaptiveRequests settings, long rows) {
      long start = nanos;
      PriorityQueue<OnTheWay> inFlight =
          new PriorityQueue<>(Comparator.comparingLong(OnTheWay::end));
      long[] workers = new long[WORKERS];
      long done = 0;
      long sent = 0;
      settings.mostRows(MOST_ROWS, Long.MAX_VALUE, ROW_BYTES);
      while (done < rows) {
        while (sent < rows
            && inFlight.size() < Math.min(WRITERS * PER_WRITER, settings.setting().requests())) {
          int now =
              (int)
                  Math.min(
                      rows - sent, batch > 0 ? batch : settings.rows(MOST_ROWS, Long.MAX_VALUE));
          boolean late = inFlight.size() >= mostInFlight || (long) now * ROW_BYTES > mostBytes;
          AdaptiveRequests.Request request = begin(settings);
          long end;
          if (late) {
            end = nanos + TimeUnit.MILLISECONDS.toNanos(inFlight.size() >= mostInFlight ? 250 : 5);
          } else {
            int worker = workers[0] <= workers[1] ? 0 : 1;
            double seconds = duration.seconds(now) * hindrance.factor(inFlight.size() + 1);
            end = Math.max(nanos, workers[worker]) + (long) (seconds * 1e9);
            workers[worker] = end;
            sent += now;
          }
          inFlight.add(new OnTheWay(request, now, end, late));
        }
        OnTheWay next = inFlight.remove();
        nanos = next.end();
        if (next.late()) {
          refused++;
          boolean large = (long) next.rows() * ROW_BYTES > mostBytes;
          next.request()
              .ended(large ? FailureClass.TOO_LARGE : FailureClass.RATE_LIMITED, next.rows());
          if (large) {
            settings.tooLarge((long) next.rows() * ROW_BYTES);
          }
        } else {
          next.request().ended(null, next.rows());
          done += next.rows();
        }
      }
      return rows / ((nanos - start) / 1e9);
    }

    private AdaptiveRequests.Request begin(AdaptiveRequests settings) {
      try {
        return settings.begin();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
