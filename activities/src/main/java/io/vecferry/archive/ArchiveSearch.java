package io.vecferry.archive;

import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.search.ExactSearch;
import io.vecferry.search.InParallel;
import io.vecferry.store.TextFilter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Exact search over one dense vector field of some parts. Rows are numbered over all parts, from 0.
 * Memory: the queries, their answers, and a row group for each thread. Thread-safe.
 */
public final class ArchiveSearch {
  private static final int BLOCK_ROWS = 4096;

  private final ArtifactStore artifacts;
  private final List<String> parts;
  private final List<PartSidecar> sidecars;
  private final long[] firstRows;
  private final PartSchema.VectorField field;

  /** An id with its kind. */
  public record Id(IdKind kind, String text) {}

  /**
   * @param parts all parts, in order
   * @param field the dense vector field that is searched
   */
  public ArchiveSearch(ArtifactStore artifacts, List<String> parts, PartSchema.VectorField field) {
    this.artifacts = artifacts;
    this.parts = List.copyOf(parts);
    this.field = field;
    this.sidecars = parts.stream().map(part -> PartReader.sidecar(artifacts, part)).toList();
    this.firstRows = new long[parts.size() + 1];
    for (int i = 0; i < parts.size(); i++) {
      firstRows[i + 1] = firstRows[i] + sidecars.get(i).rows();
    }
  }

  /** Opens a part. */
  public PartReader open(int part) {
    return PartReader.open(artifacts, parts.get(part), sidecars.get(part));
  }

  /** Records in all parts. */
  public long rows() {
    return firstRows[parts.size()];
  }

  /** Number of the first row of a part. */
  public long firstRow(int part) {
    return firstRows[part];
  }

  /** The part that has a row. */
  public int partOf(long row) {
    int found = Arrays.binarySearch(firstRows, 0, parts.size(), row);
    int part = found >= 0 ? found : -found - 2;
    while (firstRows[part + 1] <= row) {
      part++;
    }
    return part;
  }

  /**
   * Compares every vector with every query.
   *
   * @param queries {@code count x dimension} floats, row-major
   * @param k answers wanted per query
   */
  public ExactSearch nearest(float[] queries, int count, int k) {
    return nearest(queries, count, k, Collections.singletonList(null)).get(0);
  }

  /**
   * Compares the vectors of some records with every query.
   *
   * @param filters which records; null in it stands for all
   * @return answers for each filter
   */
  public List<ExactSearch> nearest(float[] queries, int count, int k, List<TextFilter> filters) {
    int threads = Math.min(parts.size(), Runtime.getRuntime().availableProcessors());
    ExactSearch asked =
        new ExactSearch(
            field.metric(), field.metricArgument(), field.dimension(), queries, count, k);
    AtomicInteger next = new AtomicInteger();
    List<List<ExactSearch>> found =
        InParallel.run(
            Math.max(1, threads),
            () -> {
              List<ExactSearch> searches = new ArrayList<>();
              for (int i = 0; i < filters.size(); i++) {
                searches.add(asked.another());
              }
              for (int part = next.getAndIncrement();
                  part < parts.size();
                  part = next.getAndIncrement()) {
                offer(part, filters, searches);
              }
              return searches;
            });
    List<ExactSearch> all = found.get(0);
    for (List<ExactSearch> some : found.subList(1, found.size())) {
      for (int i = 0; i < all.size(); i++) {
        all.get(i).merge(some.get(i));
      }
    }
    return all;
  }

  private void offer(int part, List<TextFilter> filters, List<ExactSearch> searches) {
    boolean all = filters.stream().allMatch(Objects::isNull);
    Set<PartReader.Column> others = all ? Set.of() : EnumSet.of(PartReader.Column.METADATA);
    try (PartReader reader = open(part)) {
      PartReader.Batches batches = reader.vectors(0, BLOCK_ROWS, field.name(), others);
      long row = firstRows[part];
      for (RecordBatch batch = batches.next(); batch != null; batch = batches.next()) {
        DenseVectors column = batch.onlyVectors();
        for (int i = 0; i < searches.size(); i++) {
          TextFilter only = filters.get(i);
          boolean[] absent =
              only == null ? column.nulls() : only.leavesOut(batch.metadata(), column.nulls());
          searches.get(i).offer(column.values(), absent, 0, batch.rows(), row);
        }
        row += batch.rows();
      }
    }
  }

  /** The ids of all rows that a search found. */
  public Map<Long, Id> ids(ExactSearch found, int queries) {
    TreeSet<Long> wanted = new TreeSet<>();
    for (int query = 0; query < queries; query++) {
      for (long row : found.rows(query)) {
        wanted.add(row);
      }
    }
    Map<Long, Id> ids = new HashMap<>();
    for (int part = 0; part < parts.size(); part++) {
      Long first = wanted.ceiling(firstRows[part]);
      Long last = wanted.lower(firstRows[part + 1]);
      if (first != null && last != null && first <= last) {
        readIds(part, first, last, wanted, ids);
      }
    }
    return ids;
  }

  private void readIds(int part, long first, long last, TreeSet<Long> wanted, Map<Long, Id> ids) {
    try (PartReader reader = open(part)) {
      PartReader.Batches batches =
          reader.batches(first - firstRows[part], BLOCK_ROWS, EnumSet.of(PartReader.Column.IDS));
      long row = first;
      for (RecordBatch batch = batches.next();
          batch != null && row <= last;
          batch = batches.next()) {
        for (long found : wanted.subSet(row, row + batch.rows())) {
          int position = (int) (found - row);
          ids.put(found, new Id(batch.ids().kind(position), batch.ids().get(position)));
        }
        row += batch.rows();
      }
    }
  }
}
