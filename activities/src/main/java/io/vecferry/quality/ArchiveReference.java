package io.vecferry.quality;

import io.vecferry.archive.ArchiveSearch;
import io.vecferry.archive.ArtifactStore;
import io.vecferry.archive.PartReader;
import io.vecferry.archive.PartSchema;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.RecordBatch;
import io.vecferry.search.ExactSearch;
import io.vecferry.store.TextFilter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;

/** The records of an archive. Memory: the queries, their answers, and a few blocks of vectors. */
public final class ArchiveReference implements Reference {
  /** Places of the archive that queries are taken from; each costs the reading of a row group. */
  private static final int PLACES = 16;

  /**
   * Records of a place that queries are taken from, where few are wanted: more may reach into the
   * next row group.
   */
  private static final int BLOCK_ROWS = 512;

  /** Where many queries are wanted, one of so many records is taken. */
  private static final int FEWEST_BETWEEN = 8;

  /** Places that metadata is looked at in, and records in each. */
  private static final int FILTER_PLACES = 4;

  private static final int FILTER_ROWS = 500;

  private final ArchiveSearch search;
  private final PartSchema.VectorField field;

  /**
   * @param parts all parts of the archive, in order
   * @param field the dense vector field that is searched
   */
  public ArchiveReference(
      ArtifactStore artifacts, List<String> parts, PartSchema.VectorField field) {
    this.field = field;
    this.search = new ArchiveSearch(artifacts, parts, field);
  }

  @Override
  public long rows() {
    return search.rows();
  }

  @Override
  public Answers nearest(Queries queries, int k) {
    ExactSearch found = search.nearest(queries.vectors(), queries.count(), k);
    return new Answers(found, search.ids(found, queries.count()));
  }

  @Override
  public List<Answers> nearest(Queries queries, int k, List<TextFilter> filters) {
    return search.nearest(queries.vectors(), queries.count(), k, filters).stream()
        .map(found -> new Answers(found, search.ids(found, queries.count())))
        .toList();
  }

  @Override
  public List<TextFilter> filters(int most) {
    FilterChoice choice = new FilterChoice();
    for (int place = 0; place < FILTER_PLACES && rows() > 0; place++) {
      long row = rows() * place / FILTER_PLACES;
      int part = search.partOf(row);
      try (PartReader reader = search.open(part)) {
        RecordBatch batch =
            reader
                .batches(
                    row - search.firstRow(part),
                    FILTER_ROWS,
                    EnumSet.of(PartReader.Column.METADATA))
                .next();
        if (batch != null) {
          choice.add(batch.metadata());
        }
      }
    }
    return choice.best(most);
  }

  @Override
  public Queries sample(int count, boolean cosine) {
    Sample sample = new Sample(new float[Math.multiplyExact(count, field.dimension())]);
    int places = Math.min(PLACES, count);
    for (int place = 0; place < places; place++) {
      int until = (int) ((long) count * (place + 1) / places);
      sample(sample, until, rows() * place / places, rows() * (place + 1) / places, cosine);
    }
    int floats = sample.names.size() * field.dimension();
    return new Queries(field.dimension(), Arrays.copyOf(sample.vectors, floats), sample.names);
  }

  /** Takes vectors from some rows until there are so many in all. */
  private void sample(Sample sample, int until, long from, long to, boolean cosine) {
    int wanted = Math.max(1, until - sample.count());
    int stride =
        (int)
            Math.max(
                1, Math.min((to - from) / wanted, Math.max(BLOCK_ROWS / wanted, FEWEST_BETWEEN)));
    long next = from;
    for (int part = search.partOf(from); sample.count() < until && next < to; part++) {
      try (PartReader reader = search.open(part)) {
        long row = Math.max(from, search.firstRow(part));
        PartReader.Batches batches =
            reader.vectors(row - search.firstRow(part), BLOCK_ROWS, field.name(), true);
        for (RecordBatch batch = batches.next();
            batch != null && sample.count() < until && next < to;
            batch = batches.next()) {
          DenseVectors column = batch.onlyVectors();
          for (int i = 0; i < batch.rows() && sample.count() < until && row + i < to; i++) {
            if (row + i >= next && Queries.canAsk(column, i, cosine)) {
              sample.add(column, i, batch.ids().get(i));
              next = row + i + stride;
            }
          }
          row += batch.rows();
          next = Math.max(next, row);
        }
      }
    }
  }

  /** Queries that are being collected. */
  private static final class Sample {
    private final float[] vectors;
    private final List<String> names = new ArrayList<>();

    Sample(float[] vectors) {
      this.vectors = vectors;
    }

    int count() {
      return names.size();
    }

    void add(DenseVectors column, int row, String name) {
      int dimension = column.dimension();
      System.arraycopy(column.values(), row * dimension, vectors, count() * dimension, dimension);
      names.add(name);
    }
  }
}
