package io.vecferry.store.faiss;

import io.vecferry.store.SearchWidth;

/**
 * Walks over the graph of an index; graph and vectors are in memory.
 *
 * @param breadth of each walk; at least k is used
 */
record GraphSearch(HnswGraph graph, FloatRows vectors, boolean innerProduct, int breadth)
    implements IndexSearch {
  private static final int QUERIES_PER_STEP = 8;

  @Override
  public SearchWidth width(int k) {
    return new SearchWidth("efSearch", Math.max(breadth, k), IndexPlan.LARGEST_BEAM);
  }

  @Override
  public GraphSearch wide(int width) {
    return new GraphSearch(graph, vectors, innerProduct, width);
  }

  @Override
  public Found search(float[] queries, int count, int k) {
    Found found = new Found(new long[count][0], new float[count][0]);
    if (graph.nodes() == 0) {
      return found;
    }
    int dimension = vectors.dimension();
    int wanted = Math.min(k, graph.nodes());
    Parallel.run(
        Parallel.threads(),
        0,
        count,
        QUERIES_PER_STEP,
        () -> {
          HnswWalk walk = new HnswWalk(graph, vectors, new Distances(innerProduct, dimension));
          return (from, to) -> {
            for (int query = from; query < to; query++) {
              int at = query * dimension;
              int start = walk.descend(queries, at, graph.entry(), graph.top(graph.entry()), 1);
              walk.explore(queries, at, start, 0, Math.max(breadth, wanted));
              int answers = Math.min(wanted, walk.size());
              found.rows()[query] = new long[answers];
              found.scores()[query] = new float[answers];
              for (int i = 0; i < answers; i++) {
                float distance = HnswWalk.distance(walk.get(i));
                found.rows()[query][i] = HnswWalk.node(walk.get(i));
                found.scores()[query][i] = innerProduct ? 0f - distance : distance;
              }
            }
          };
        });
    return found;
  }
}
