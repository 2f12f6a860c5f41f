package io.vecferry.quality;

import io.vecferry.search.InParallel;
import io.vecferry.store.VectorStore;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Times searches on both sides with the same queries. The sides take turns, and go first in turns,
 * so that noise hits both; some searches before are not counted.
 *
 * @param sourceField name of the vector field on the source
 * @param targetField name of it on the target
 * @param k answers wanted per query
 */
record Benchmark(
    VectorStore source,
    String sourceField,
    VectorStore target,
    String targetField,
    Queries queries,
    int k) {
  private static final int WARM_UP = 10;

  /** Share of the time that may be spent on searches that are not counted. */
  private static final int WARM_UP_SHARE = 5;

  /** Turns of each side for each number of clients. */
  private static final int TURNS = 2;

  /**
   * Single searches, one after the other.
   *
   * @param iterations searches on each side
   * @param nanos time after which no more are started on either side, but for the first
   * @return latencies in milliseconds, ascending: of the source, of the target
   */
  double[][] latencies(int iterations, long nanos) {
    long spent = 0;
    for (int i = 0; i < WARM_UP && i < iterations && spent < 2 * nanos / WARM_UP_SHARE; i++) {
      spent += search(0, i) + search(1, i);
    }
    double[][] millis = new double[2][iterations];
    spent = 0;
    int done = 0;
    while (done < iterations && (done < 1 || spent < 2 * nanos)) {
      for (int turn = 0; turn < 2; turn++) {
        int side = (turn + done) % 2;
        long took = search(side, done);
        millis[side][done] = took / 1e6;
        spent += took;
      }
      done++;
    }
    for (int side = 0; side < 2; side++) {
      millis[side] = Arrays.copyOf(millis[side], done);
      Arrays.sort(millis[side]);
    }
    return millis;
  }

  /**
   * Searches by 1, 2, 4 and so on clients at once, and by the number given.
   *
   * @param clients most clients
   * @param nanos how long each side is asked with each number of clients
   */
  List<QualityResult.Throughput> throughput(int clients, long nanos) {
    List<QualityResult.Throughput> measured = new ArrayList<>();
    for (int some = 1; some < clients; some *= 2) {
      measured.add(at(some, nanos));
    }
    measured.add(at(clients, nanos));
    return measured;
  }

  private QualityResult.Throughput at(int clients, long nanos) {
    double[] searches = new double[2];
    double[] seconds = new double[2];
    for (int turn = 0; turn < 2 * TURNS; turn++) {
      int side = turn == 1 || turn == 2 ? 1 : 0;
      AtomicInteger next = new AtomicInteger();
      long start = System.nanoTime();
      InParallel.run(
          clients,
          () -> {
            do {
              search(side, next.getAndIncrement());
            } while (System.nanoTime() - start < nanos / TURNS);
            return null;
          });
      searches[side] += next.get();
      seconds[side] += (System.nanoTime() - start) / 1e9;
    }
    return new QualityResult.Throughput(
        clients, searches[0] / seconds[0], searches[1] / seconds[1]);
  }

  /** Nanoseconds that one search takes. */
  private long search(int side, int number) {
    float[] query = queries.one(number);
    long start = System.nanoTime();
    if (side == 0) {
      source.search(sourceField, query, 1, k);
    } else {
      target.search(targetField, query, 1, k);
    }
    return System.nanoTime() - start;
  }
}
