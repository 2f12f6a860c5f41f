package io.vecferry.store.faiss;

import java.util.Arrays;

/**
 * The links of a hierarchical navigable small world graph: primitive arrays, twice {@code m} slots
 * per node on the ground level and {@code m} on each level above. A free slot is -1, and free slots
 * come last. Knows no vectors. Slots are written under a lock that the caller holds; reading beside
 * that gives a link of before or after.
 */
final class HnswGraph {
  private static final int BLOCK_INTS = 1 << 24;

  private final int m;
  private final byte[] tops;
  private final int groundShift;
  private final int[][] ground;
  private final int[] upperLists;
  private final int upperShift;
  private final int[][] upper;
  private final int entry;

  /**
   * A graph without links.
   *
   * @param m links per node on the upper levels
   * @param tops top level of each node, from 0; kept
   */
  HnswGraph(int m, byte[] tops) {
    this.m = m;
    this.tops = tops;
    this.groundShift = shift(2 * m);
    this.upperShift = shift(m);
    this.ground = blocks(tops.length, groundShift, 2 * m);
    this.upperLists = new int[tops.length];
    int lists = 0;
    int highest = -1;
    for (int node = 0; node < tops.length; node++) {
      upperLists[node] = lists;
      lists = Math.addExact(lists, tops[node]);
      if (highest < 0 || tops[node] > tops[highest]) {
        highest = node;
      }
    }
    this.upper = blocks(lists, upperShift, m);
    this.entry = highest;
  }

  private static int shift(int width) {
    return Integer.numberOfTrailingZeros(
        Integer.highestOneBit(Math.max(1, BLOCK_INTS / Math.max(1, width))));
  }

  private static int[][] blocks(int lists, int shift, int width) {
    int perBlock = 1 << shift;
    int[][] blocks = new int[(int) (((long) lists + perBlock - 1) >>> shift)][];
    for (int block = 0; block < blocks.length; block++) {
      int count = (int) Math.min(perBlock, lists - ((long) block << shift));
      blocks[block] = new int[count * width];
      Arrays.fill(blocks[block], -1);
    }
    return blocks;
  }

  int nodes() {
    return tops.length;
  }

  int m() {
    return m;
  }

  /** A node of the highest level; -1 in an empty graph. */
  int entry() {
    return entry;
  }

  /** Top level of a node, from 0. */
  int top(int node) {
    return tops[node];
  }

  /** Slots of a node on a level. */
  int width(int level) {
    return level == 0 ? 2 * m : m;
  }

  /** The array with the slots of a node. */
  int[] block(int node, int level) {
    return level == 0
        ? ground[node >>> groundShift]
        : upper[upperLists[node] + level - 1 >>> upperShift];
  }

  /** Position of the first slot of a node in {@link #block}. */
  int at(int node, int level) {
    return level == 0
        ? (node & (1 << groundShift) - 1) * 2 * m
        : (upperLists[node] + level - 1 & (1 << upperShift) - 1) * m;
  }
}
