package io.vecferry.store.faiss;

import java.util.Arrays;

/**
 * Walks over a graph towards a vector. What it found is a pool: nodes in the order of their
 * distance, the nearest first. One instance is used by one thread.
 */
final class HnswWalk {
  private final HnswGraph graph;
  private final FloatRows vectors;
  private final Distances distances;
  private final byte[] visited;
  private byte visit;
  private final int[] near;
  private final float[] nearDistances;

  /**
   * The distance as an ordered integer in the upper half; the node and whether it was expanded in
   * the lower half. One comparison then orders by distance and by node.
   */
  private long[] pool = new long[0];

  private int size;

  HnswWalk(HnswGraph graph, FloatRows vectors, Distances distances) {
    this.graph = graph;
    this.vectors = vectors;
    this.distances = distances;
    this.visited = new byte[graph.nodes()];
    this.near = new int[2 * graph.m() + 3];
    this.nearDistances = new float[near.length];
  }

  static long key(float distance, int node) {
    int bits = Float.floatToRawIntBits(distance);
    return (long) (bits ^ bits >> 31 & 0x7fffffff) << 32 | Integer.toUnsignedLong(node << 1);
  }

  static float distance(long key) {
    int ordered = (int) (key >> 32);
    return Float.intBitsToFloat(ordered ^ ordered >> 31 & 0x7fffffff);
  }

  static int node(long key) {
    return (int) key >>> 1;
  }

  /** Nodes in the pool. */
  int size() {
    return size;
  }

  /** A member of the pool, see {@link #node} and {@link #distance}. */
  long get(int at) {
    return pool[at];
  }

  /** The node that no neighbour is nearer than, coming from one level down to another. */
  int descend(float[] query, int at, int start, int fromLevel, int toLevel) {
    int nearest = start;
    float distance = distances.between(query, at, vectors.block(start), vectors.at(start));
    for (int level = fromLevel; level >= toLevel; level--) {
      for (boolean moved = true; moved; ) {
        moved = false;
        int[] block = graph.block(nearest, level);
        int first = graph.at(nearest, level);
        int count = 0;
        for (int slot = first; slot < first + graph.m() && block[slot] >= 0; slot++) {
          near[count++] = block[slot];
        }
        measure(query, at, count);
        for (int i = 0; i < count; i++) {
          if (nearDistances[i] < distance) {
            distance = nearDistances[i];
            nearest = near[i];
            moved = true;
          }
        }
      }
    }
    return nearest;
  }

  /**
   * Fills the pool with the nearest nodes of a level.
   *
   * @param breadth size of the pool
   */
  void explore(float[] query, int at, int start, int level, int breadth) {
    nextVisit();
    if (pool.length < breadth) {
      pool = new long[breadth];
    }
    size = 1;
    pool[0] = key(distances.between(query, at, vectors.block(start), vectors.at(start)), start);
    visited[start] = visit;
    int width = graph.width(level);
    for (int next = 0; next < size; ) {
      if ((pool[next] & 1) != 0) {
        next++;
        continue;
      }
      int node = node(pool[next]);
      pool[next] |= 1;
      int[] block = graph.block(node, level);
      int first = graph.at(node, level);
      int count = 0;
      for (int slot = first; slot < first + width; slot++) {
        int other = block[slot];
        if (other < 0) {
          break;
        }
        if (visited[other] != visit) {
          visited[other] = visit;
          near[count++] = other;
        }
      }
      measure(query, at, count);
      int lowest = size;
      for (int i = 0; i < count; i++) {
        lowest = Math.min(lowest, insert(key(nearDistances[i], near[i]), breadth));
      }
      next = Math.min(next + 1, lowest);
    }
  }

  /** Distances to the first nodes of {@code near}. */
  private void measure(float[] query, int at, int count) {
    int i = 0;
    for (; i + 3 < count; i += 4) {
      distances.toFour(query, at, vectors, near, i, nearDistances);
    }
    for (; i < count; i++) {
      nearDistances[i] = distances.between(query, at, vectors.block(near[i]), vectors.at(near[i]));
    }
  }

  /** Returns where the key went, the size of the pool when it did not get in. */
  private int insert(long key, int breadth) {
    if (size == breadth && pool[size - 1] <= key) {
      return size;
    }
    int low = 0;
    int high = size;
    while (low < high) {
      int middle = low + high >>> 1;
      if (pool[middle] < key) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    int moved = (size == breadth ? size - 1 : size) - low;
    System.arraycopy(pool, low, pool, low + 1, moved);
    pool[low] = key;
    size = Math.min(size + 1, breadth);
    return low;
  }

  private void nextVisit() {
    visit++;
    if (visit == 0) {
      Arrays.fill(visited, (byte) 0);
      visit = 1;
    }
  }
}
