package io.vecferry.store.faiss;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;

/**
 * Builds the graph of an index: nodes of high levels first, each linked to what a walk of the given
 * breadth finds, lists that are full thinned so that links go into different directions. With one
 * thread the same vectors and seed give the same graph.
 *
 * <p>Memory beside vectors and graph: about 6 bytes per row, and one byte per row and thread.
 */
final class HnswBuilder {
  private static final VarHandle LOCK = MethodHandles.arrayElementVarHandle(int[].class);
  private static final int LOCKS = 1 << 16;
  private static final int NODES_PER_STEP = 64;

  /** Marks a key of a link that was thinned together with the others that are marked. */
  private static final long THINNED = 1;

  /** Levels that hardly any node reaches are left out. */
  private static final double SMALLEST_PROBABILITY = 1e-9;

  private final FloatRows vectors;
  private final Distances distances;
  private final int breadth;
  private final HnswGraph graph;
  private final int[] locks = new int[LOCKS];

  /**
   * How many of the first ground links of a node have been thinned together: none of them has to be
   * compared with another one of them again. Guarded by the lock of the node.
   */
  private final short[] thinned;

  private final long seed;

  private HnswBuilder(
      FloatRows vectors, Distances distances, HnswGraph graph, int breadth, long seed) {
    this.vectors = vectors;
    this.distances = distances;
    this.breadth = breadth;
    this.graph = graph;
    this.seed = seed;
    this.thinned = new short[graph.nodes()];
  }

  /**
   * Builds a graph.
   *
   * @param m links per node on the upper levels, twice as many on the ground
   * @param efConstruction breadth of the walk for each node
   */
  static HnswGraph build(
      FloatRows vectors, boolean innerProduct, int m, int efConstruction, long seed, int threads) {
    HnswGraph graph = new HnswGraph(m, tops(vectors.rows(), m, seed));
    Distances distances = new Distances(innerProduct, vectors.dimension());
    HnswBuilder builder = new HnswBuilder(vectors, distances, graph, efConstruction, seed);
    builder.insertAll(threads);
    return graph;
  }

  /** Share of the nodes whose top level is 0, 1, ... */
  static double[] levelShares(int m) {
    double scale = 1 / Math.log(m);
    double[] shares = new double[64];
    int levels = 0;
    while (levels < shares.length) {
      double share = Math.exp(-levels / scale) * (1 - Math.exp(-1 / scale));
      if (share < SMALLEST_PROBABILITY) {
        break;
      }
      shares[levels++] = share;
    }
    return Arrays.copyOf(shares, levels);
  }

  private static byte[] tops(int rows, int m, long seed) {
    double[] shares = levelShares(m);
    byte[] tops = new byte[rows];
    for (int row = 0; row < rows; row++) {
      double drawn = Mix.fraction(seed, row);
      int level = 0;
      while (level < shares.length - 1 && drawn >= shares[level]) {
        drawn -= shares[level++];
      }
      tops[row] = (byte) level;
    }
    return tops;
  }

  private void insertAll(int threads) {
    int rows = vectors.rows();
    if (rows < 2) {
      return;
    }
    int[] order = order();
    // A level is finished before the next one is begun: the walk down meets complete lists.
    for (int from = 1; from < rows; ) {
      int to = from;
      while (to < rows && graph.top(order[to]) == graph.top(order[from])) {
        to++;
      }
      Parallel.run(
          threads,
          from,
          to,
          NODES_PER_STEP,
          () -> {
            Inserter inserter = new Inserter();
            return (first, end) -> {
              for (int i = first; i < end; i++) {
                inserter.insert(order[i]);
              }
            };
          });
      from = to;
    }
  }

  /**
   * The entry, then all others from the highest level to the ground; in a random order on each
   * level, because rows that lie together often are alike.
   */
  private int[] order() {
    int rows = vectors.rows();
    int[] starts = new int[Byte.MAX_VALUE + 2];
    for (int row = 0; row < rows; row++) {
      starts[Byte.MAX_VALUE - graph.top(row) + 1]++;
    }
    for (int i = 1; i < starts.length; i++) {
      starts[i] += starts[i - 1];
    }
    int[] ends = starts.clone();
    int[] order = new int[rows];
    for (int row = 0; row < rows; row++) {
      order[ends[Byte.MAX_VALUE - graph.top(row)]++] = row;
    }
    for (int level = 0; level <= Byte.MAX_VALUE; level++) {
      int from = starts[level];
      for (int at = ends[level] - 1; at > from; at--) {
        int other = from + (int) Long.remainderUnsigned(Mix.hash(~seed, at), at - from + 1L);
        int moved = order[at];
        order[at] = order[other];
        order[other] = moved;
      }
    }
    for (int at = 1; at < rows && order[0] != graph.entry(); at++) {
      if (order[at] == graph.entry()) {
        order[at] = order[0];
        order[0] = graph.entry();
      }
    }
    return order;
  }

  private void lock(int node) {
    int stripe = node & LOCKS - 1;
    while (!LOCK.compareAndSet(locks, stripe, 0, 1)) {
      Thread.onSpinWait();
    }
  }

  private void unlock(int node) {
    LOCK.setRelease(locks, node & LOCKS - 1, 0);
  }

  /** Adds nodes; used by one thread. */
  private final class Inserter {
    private final HnswWalk walk = new HnswWalk(graph, vectors, distances);
    private final long[] targets = new long[breadth];
    private final long[] all = new long[2 * graph.m() + 1];
    private final int[] numbers = new int[Math.max(breadth, all.length) + 3];
    private final float[] results = new float[numbers.length];

    private void insert(int node) {
      float[] block = vectors.block(node);
      int at = vectors.at(node);
      int highest = graph.top(graph.entry());
      int top = graph.top(node);
      int start = walk.descend(block, at, graph.entry(), highest, top + 1);
      for (int level = Math.min(top, highest); level >= 0; level--) {
        walk.explore(block, at, start, level, breadth);
        int count = 0;
        for (int i = 0; i < walk.size(); i++) {
          // Another thread may have linked to this node already.
          if (HnswWalk.node(walk.get(i)) != node) {
            targets[count++] = walk.get(i) & ~THINNED;
          }
        }
        start = HnswWalk.node(targets[0]);
        if (count >= graph.width(level)) {
          count = thin(targets, count, graph.width(level));
        }
        lock(node);
        for (int i = 0; i < count; i++) {
          link(node, HnswWalk.node(targets[i]), level);
        }
        unlock(node);
        for (int i = 0; i < count; i++) {
          int other = HnswWalk.node(targets[i]);
          lock(other);
          link(other, node, level);
          unlock(other);
        }
      }
    }

    /** Links a node to another one; thins its list first when that is full. */
    private void link(int node, int other, int level) {
      int[] links = graph.block(node, level);
      int first = graph.at(node, level);
      int width = graph.width(level);
      if (links[first + width - 1] < 0) {
        int slot = first;
        while (links[slot] >= 0) {
          slot++;
        }
        links[slot] = other;
        return;
      }
      System.arraycopy(links, first, numbers, 0, width);
      numbers[width] = other;
      measure(node, width + 1);
      int clean = level == 0 ? thinned[node] : 0;
      for (int i = 0; i <= width; i++) {
        all[i] = HnswWalk.key(results[i], numbers[i]) | (i < clean ? THINNED : 0);
      }
      Arrays.sort(all, 0, width + 1);
      int kept = thin(all, width + 1, width);
      for (int i = 0; i < width; i++) {
        links[first + i] = i < kept ? HnswWalk.node(all[i]) : -1;
      }
      if (level == 0) {
        thinned[node] = (short) kept;
      }
    }

    /** Distances of a node to the first of {@code numbers}. */
    private void measure(int node, int count) {
      float[] block = vectors.block(node);
      int at = vectors.at(node);
      int i = 0;
      for (; i + 3 < count; i += 4) {
        distances.toFour(block, at, vectors, numbers, i, results);
      }
      for (; i < count; i++) {
        results[i] =
            distances.between(block, at, vectors.block(numbers[i]), vectors.at(numbers[i]));
      }
    }

    /**
     * Keeps, nearest first, those that are nearer to the node than to any one that was kept.
     *
     * @return how many stay, at the beginning
     */
    private int thin(long[] keys, int count, int most) {
      int kept = 0;
      for (int i = 0; i < count && kept < most; i++) {
        if (isGood(keys, kept, keys[i])) {
          keys[kept++] = keys[i];
        }
      }
      return kept;
    }

    private boolean isGood(long[] keys, int kept, long candidate) {
      int node = HnswWalk.node(candidate);
      float distance = HnswWalk.distance(candidate);
      int count = 0;
      for (int k = 0; k < kept; k++) {
        if ((candidate & keys[k] & THINNED) == 0) {
          numbers[count++] = HnswWalk.node(keys[k]);
        }
      }
      float[] block = vectors.block(node);
      int at = vectors.at(node);
      int i = 0;
      for (; i + 3 < count; i += 4) {
        distances.toFour(block, at, vectors, numbers, i, results);
        if (results[i] < distance
            || results[i + 1] < distance
            || results[i + 2] < distance
            || results[i + 3] < distance) {
          return false;
        }
      }
      for (; i < count; i++) {
        int other = numbers[i];
        if (distances.between(block, at, vectors.block(other), vectors.at(other)) < distance) {
          return false;
        }
      }
      return true;
    }
  }
}
