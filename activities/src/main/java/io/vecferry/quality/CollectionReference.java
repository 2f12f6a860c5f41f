package io.vecferry.quality;

import io.vecferry.archive.ArchiveSearch;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.VectorColumn;
import io.vecferry.search.ExactSearch;
import io.vecferry.search.InParallel;
import io.vecferry.store.BatchReader;
import io.vecferry.store.SourceRange;
import io.vecferry.store.TextFilter;
import io.vecferry.store.VectorFieldInfo;
import io.vecferry.store.VectorStore;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The records of a collection that is read from its store, each time from its beginning to its end.
 * Memory: the queries, their answers, and a batch of records for each thread.
 */
public final class CollectionReference implements Reference {
  private static final int BATCH_ROWS = 1000;
  private static final int RANGES = 16;

  /** Ranges whose first records are looked at for filters. */
  private static final int FILTER_RANGES = 4;

  /** The number of a record says the range that it is in, and its place there. */
  private static final int PLACE_BITS = 40;

  private final VectorStore store;
  private final VectorFieldInfo field;
  private final List<SourceRange> ranges;
  private final int threads;

  /**
   * @param field the dense vector field that is searched
   * @param threads ranges that are read at once
   */
  public CollectionReference(VectorStore store, VectorFieldInfo field, int threads) {
    this.store = store;
    this.field = field;
    this.ranges = store.split(RANGES);
    this.threads = threads;
  }

  @Override
  public long rows() {
    return ranges.stream().mapToLong(SourceRange::rows).sum();
  }

  @Override
  public Queries sample(int count, boolean cosine) {
    List<float[]> vectors = new ArrayList<>();
    List<String> names = new ArrayList<>();
    for (int range = 0; range < ranges.size() && names.size() < count; range++) {
      int until = (int) ((long) count * (range + 1) / ranges.size());
      try (BatchReader reader = store.read(ranges.get(range), null, BATCH_ROWS)) {
        for (RecordBatch batch = reader.next();
            batch != null && names.size() < until;
            batch = reader.next()) {
          DenseVectors column = column(batch);
          int stride = Math.max(1, batch.rows() / (until - names.size()));
          for (int row = 0; row < batch.rows() && names.size() < until; row += stride) {
            if (Queries.canAsk(column, row, cosine)) {
              vectors.add(column.slice(row, row + 1).values());
              names.add(batch.ids().get(row));
            }
          }
        }
      }
    }
    float[] all = new float[Math.multiplyExact(names.size(), field.dimension())];
    for (int query = 0; query < names.size(); query++) {
      System.arraycopy(vectors.get(query), 0, all, query * field.dimension(), field.dimension());
    }
    return new Queries(field.dimension(), all, names);
  }

  @Override
  public Answers nearest(Queries queries, int k) {
    return nearest(queries, k, Collections.singletonList(null)).get(0);
  }

  @Override
  public List<Answers> nearest(Queries queries, int k, List<TextFilter> filters) {
    ExactSearch asked =
        new ExactSearch(
            field.metric(),
            field.metricArgument(),
            field.dimension(),
            queries.vectors(),
            queries.count(),
            k);
    int most = 4 * queries.count() * k;
    AtomicInteger next = new AtomicInteger();
    int workers = Math.max(1, Math.min(threads, ranges.size()));
    List<List<Scan>> found =
        InParallel.run(
            workers,
            () -> {
              List<Scan> scans =
                  filters.stream().map(only -> new Scan(asked.another(), most, only)).toList();
              for (int range = next.getAndIncrement();
                  range < ranges.size();
                  range = next.getAndIncrement()) {
                read(range, scans);
              }
              return scans;
            });
    List<Scan> all = found.get(0);
    for (List<Scan> some : found.subList(1, found.size())) {
      for (int i = 0; i < all.size(); i++) {
        all.get(i).search.merge(some.get(i).search);
        all.get(i).ids.putAll(some.get(i).ids);
      }
    }
    return all.stream().map(scan -> new Answers(scan.search, scan.ids)).toList();
  }

  private void read(int range, List<Scan> scans) {
    long first = (long) range << PLACE_BITS;
    try (BatchReader reader = store.read(ranges.get(range), null, BATCH_ROWS)) {
      for (RecordBatch batch = reader.next(); batch != null; batch = reader.next()) {
        for (Scan scan : scans) {
          scan.add(batch, first);
        }
        first += batch.rows();
      }
    }
  }

  @Override
  public List<TextFilter> filters(int most) {
    FilterChoice choice = new FilterChoice();
    int stride = Math.max(1, ranges.size() / FILTER_RANGES);
    for (int range = 0; range < ranges.size(); range += stride) {
      try (BatchReader reader = store.read(ranges.get(range), null, BATCH_ROWS)) {
        RecordBatch batch = reader.next();
        if (batch != null) {
          choice.add(batch.metadata());
        }
      }
    }
    return choice.best(most);
  }

  private DenseVectors column(RecordBatch batch) {
    for (VectorColumn column : batch.vectors()) {
      if (column.name().equals(field.name()) && column instanceof DenseVectors dense) {
        return dense;
      }
    }
    throw new IllegalStateException("there is no column '" + field.name() + "'");
  }

  /** What one thread has found so far. */
  private final class Scan {
    private final ExactSearch search;
    private final Map<Long, ArchiveSearch.Id> ids = new HashMap<>();
    private final TextFilter only;
    private final int most;

    Scan(ExactSearch search, int most, TextFilter only) {
      this.search = search;
      this.most = most;
      this.only = only;
    }

    void add(RecordBatch batch, long first) {
      DenseVectors column = column(batch);
      boolean[] absent =
          only == null ? column.nulls() : only.leavesOut(batch.metadata(), column.nulls());
      search.offer(column.values(), absent, 0, batch.rows(), first);
      keepIds(batch, first);
    }

    private void keepIds(RecordBatch batch, long first) {
      search.numbers(
          number -> {
            if (number >= first && number < first + batch.rows()) {
              int row = (int) (number - first);
              ids.put(number, new ArchiveSearch.Id(batch.ids().kind(row), batch.ids().get(row)));
            }
          });
      if (ids.size() > most) {
        Set<Long> held = new HashSet<>();
        search.numbers(held::add);
        ids.keySet().retainAll(held);
      }
    }
  }
}
