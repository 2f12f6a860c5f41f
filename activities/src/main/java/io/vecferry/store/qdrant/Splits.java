package io.vecferry.store.qdrant;

import io.qdrant.client.grpc.Points.Query;
import io.qdrant.client.grpc.Points.QueryPoints;
import io.qdrant.client.grpc.Points.RetrievedPoint;
import io.qdrant.client.grpc.Points.Sample;
import io.qdrant.client.grpc.Points.ScoredPoint;
import io.qdrant.client.grpc.Points.ScrollResponse;
import io.qdrant.client.grpc.Points.WithPayloadSelector;
import io.qdrant.client.grpc.Points.WithVectorsSelector;
import io.qdrant.client.grpc.PointsGrpc;
import io.vecferry.store.SourceRange;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/**
 * Cuts a collection into ranges of ids with about as many points each. A small one is listed; of a
 * large one a sample of ids says where they are. The first range starts at the smallest id that
 * there can be, and the last one ends behind the largest.
 */
final class Splits {
  /** Ids that are listed rather than sampled. */
  private static final int LISTED = 50_000;

  private static final int PAGE = 10_000;

  /** Ids that a sample has for each range. */
  private static final int SAMPLES_PER_RANGE = 50;

  private final Connection connection;
  private final Layout layout;

  Splits(Connection connection, Layout layout) {
    this.connection = connection;
    this.layout = layout;
  }

  /**
   * @param rows points in the collection
   */
  List<SourceRange> split(int wanted, long rows) {
    if (wanted <= 1 || rows <= 1) {
      return List.of(new SourceRange(PointKey.FIRST.toString(), RangeReader.END, rows, true));
    }
    if (rows <= LISTED) {
      List<PointKey> keys = list();
      if (keys.size() == rows) {
        return listed(keys, wanted);
      }
    }
    return sampled(sample(wanted), wanted, rows);
  }

  private static List<SourceRange> listed(List<PointKey> keys, int wanted) {
    int count = Math.min(wanted, keys.size());
    List<SourceRange> ranges = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int from = (int) ((long) keys.size() * i / count);
      int to = (int) ((long) keys.size() * (i + 1) / count);
      ranges.add(
          new SourceRange(
              i == 0 ? PointKey.FIRST.toString() : keys.get(from).toString(),
              i == count - 1 ? RangeReader.END : keys.get(to).toString(),
              to - from,
              true));
    }
    return ranges;
  }

  private static List<SourceRange> sampled(List<PointKey> sample, int wanted, long rows) {
    TreeSet<PointKey> points = new TreeSet<>();
    for (int i = 1; i < wanted && !sample.isEmpty(); i++) {
      points.add(sample.get((int) ((long) sample.size() * i / wanted)));
    }
    points.remove(PointKey.FIRST);
    List<PointKey> cuts = List.copyOf(points);
    List<SourceRange> ranges = new ArrayList<>();
    long before = 0;
    for (int i = 0; i <= cuts.size(); i++) {
      String from = i == 0 ? PointKey.FIRST.toString() : cuts.get(i - 1).toString();
      String to = i == cuts.size() ? RangeReader.END : cuts.get(i).toString();
      long until = i == cuts.size() ? rows : rows * lowerThan(sample, cuts.get(i)) / sample.size();
      ranges.add(new SourceRange(from, to, until - before, cuts.isEmpty()));
      before = until;
    }
    return ranges;
  }

  private static long lowerThan(List<PointKey> sample, PointKey cut) {
    return sample.stream().filter(key -> key.compareTo(cut) < 0).count();
  }

  /** All ids, in order. */
  private List<PointKey> list() {
    List<PointKey> keys = new ArrayList<>();
    PointKey position = PointKey.FIRST;
    while (position != null && keys.size() <= LISTED) {
      ScrollResponse page = page(position, Math.min(PAGE, layout.limits().pageRows()));
      for (RetrievedPoint point : page.getResultList()) {
        keys.add(PointKey.of(point.getId()));
      }
      position = page.hasNextPageOffset() ? PointKey.of(page.getNextPageOffset()) : null;
    }
    return keys;
  }

  /** Some ids, in order. */
  private List<PointKey> sample(int wanted) {
    int size = (int) Math.min((long) wanted * SAMPLES_PER_RANGE, PAGE);
    if (!connection.version().samplesPoints()) {
      return probe(wanted);
    }
    QueryPoints query =
        QueryPoints.newBuilder()
            .setCollectionName(layout.collection())
            .setQuery(Query.newBuilder().setSample(Sample.Random))
            .setLimit(Math.min(size, layout.limits().pageRows()))
            .setWithPayload(WithPayloadSelector.newBuilder().setEnable(false))
            .setWithVectors(WithVectorsSelector.newBuilder().setEnable(false))
            .build();
    TreeSet<PointKey> keys = new TreeSet<>();
    for (ScoredPoint point :
        connection.read(PointsGrpc.getQueryMethod(), query, doing()).getResultList()) {
      keys.add(PointKey.of(point.getId()));
    }
    return List.copyOf(keys);
  }

  /**
   * Ids that lie next to evenly spread ones, for servers that take no samples: of numbers between
   * the smallest and the largest, and of all UUIDs. How many points there are of each is not known,
   * so both count alike.
   */
  private List<PointKey> probe(int wanted) {
    TreeSet<PointKey> keys = new TreeSet<>();
    PointKey smallest = firstFrom(PointKey.FIRST);
    if (smallest != null && !smallest.isUuid()) {
      addEvenly(keys, smallest, largestNumber(), wanted);
    }
    PointKey uuid = firstFrom(PointKey.FIRST_UUID);
    if (uuid != null) {
      for (int i = 0; i < wanted; i++) {
        long high =
            BigInteger.ONE
                .shiftLeft(64)
                .multiply(BigInteger.valueOf(i))
                .divide(BigInteger.valueOf(wanted))
                .longValue();
        PointKey found = firstFrom(new PointKey(true, high, 0));
        if (found != null) {
          keys.add(found);
        }
      }
    }
    return List.copyOf(keys);
  }

  private void addEvenly(TreeSet<PointKey> keys, PointKey smallest, PointKey largest, int wanted) {
    BigInteger from = new BigInteger(smallest.toString());
    BigInteger width = new BigInteger(largest.toString()).subtract(from);
    for (int i = 0; i < wanted; i++) {
      BigInteger number =
          from.add(width.multiply(BigInteger.valueOf(i)).divide(BigInteger.valueOf(wanted)));
      PointKey found = firstFrom(PointKey.ofNumber(number.longValue()));
      if (found != null && !found.isUuid()) {
        keys.add(found);
      }
    }
  }

  /** Found by halving: there is no way to ask for it. */
  private PointKey largestNumber() {
    long low = 0;
    for (int bit = 63; bit >= 0; bit--) {
      long candidate = low | 1L << bit;
      PointKey found = firstFrom(PointKey.ofNumber(candidate));
      if (found != null && !found.isUuid()) {
        low = candidate;
      }
    }
    return PointKey.ofNumber(low);
  }

  /** The first id that is there from this one on; null when there is none. */
  PointKey firstFrom(PointKey start) {
    ScrollResponse page = page(start, 1);
    return page.getResultCount() == 0 ? null : PointKey.of(page.getResult(0).getId());
  }

  private ScrollResponse page(PointKey start, int rows) {
    return connection.read(
        PointsGrpc.getScrollMethod(),
        RangeReader.page(layout.collection(), start, rows, false),
        doing());
  }

  private String doing() {
    return "listing ids of collection '" + layout.collection() + "'";
  }
}
