package io.vecferry.quality;

import io.vecferry.record.DenseVectors;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Queries to ask both sides. Immutable.
 *
 * @param dimension components of each query
 * @param vectors {@code count x dimension} floats, row-major; not copied
 * @param names what each query is called in reports: the id of the record whose vector it is, or
 *     its place in the file that it was read from
 */
record Queries(int dimension, float[] vectors, List<String> names) {
  /** Steps of this share of a circle reach all of it evenly, however many there are. */
  private static final double GOLDEN = 0.618034;

  Queries {
    names = List.copyOf(names);
    if (vectors.length != Math.multiplyExact(names.size(), dimension)) {
      throw new IllegalArgumentException(
          "%d queries of dimension %d in %d floats"
              .formatted(names.size(), dimension, vectors.length));
    }
  }

  /** Some of them, from everywhere among them. */
  Queries some(int most) {
    int wanted = Math.min(most, count());
    float[] chosen = new float[wanted * dimension];
    List<String> named = new ArrayList<>();
    for (int i = 0; i < wanted; i++) {
      int query = (int) ((long) i * count() / wanted);
      System.arraycopy(vectors, query * dimension, chosen, i * dimension, dimension);
      named.add(names.get(query));
    }
    return new Queries(dimension, chosen, named);
  }

  /**
   * The same in another order, always the same one, in which the first ones are from everywhere.
   */
  Queries shuffled() {
    int stride = Math.max(1, (int) (count() * GOLDEN));
    while (!BigInteger.valueOf(stride).gcd(BigInteger.valueOf(count())).equals(BigInteger.ONE)) {
      stride++;
    }
    float[] chosen = new float[vectors.length];
    List<String> named = new ArrayList<>();
    for (int i = 0; i < count(); i++) {
      int query = (int) ((long) i * stride % count());
      System.arraycopy(vectors, query * dimension, chosen, i * dimension, dimension);
      named.add(names.get(query));
    }
    return new Queries(dimension, chosen, named);
  }

  /** Vectors of some that follow each other. */
  float[] range(int first, int many) {
    return first == 0 && many == count()
        ? vectors
        : Arrays.copyOfRange(vectors, first * dimension, (first + many) * dimension);
  }

  int count() {
    return names.size();
  }

  /**
   * Whether the vector of a record can be a query. A zero vector has no cosine, and some stores
   * refuse to look for one; no store looks for what is not finite.
   *
   * @param cosine whether a side compares by cosine
   */
  static boolean canAsk(DenseVectors column, int row, boolean cosine) {
    if (column.isNull(row)) {
      return false;
    }
    boolean zero = true;
    int from = row * column.dimension();
    for (int i = from; i < from + column.dimension(); i++) {
      if (!Float.isFinite(column.values()[i])) {
        return false;
      }
      zero &= column.values()[i] == 0;
    }
    return !zero || !cosine;
  }

  /** One of them; numbers beyond the last start again with the first. */
  float[] one(int number) {
    return range(number % count(), 1);
  }
}
