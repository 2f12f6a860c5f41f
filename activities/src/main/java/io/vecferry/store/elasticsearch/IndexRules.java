package io.vecferry.store.elasticsearch;

import io.vecferry.store.IndexParameter;
import io.vecferry.store.IndexParameters;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The parameters of an index of vectors, and of searches in it. Pure. */
final class IndexRules {
  static final int USUAL_DEGREE = 16;
  static final int USUAL_BUILD_BEAM = 100;

  private static final IndexParameter DEGREE = IndexParameter.degree("M", 2, 512);
  private static final IndexParameter BUILD_BEAM =
      IndexParameter.buildBeam("efConstruction", 1, 3200);

  /** Not kept by the index; a search looks at so many records of each shard. */
  private static final IndexParameter CANDIDATES =
      IndexParameter.searchBeam("numCandidates", 1, Search.MOST_CANDIDATES);

  static final IndexParameters ALL =
      new IndexParameters("an index of Elasticsearch", List.of(DEGREE, BUILD_BEAM, CANDIDATES));

  /** Those that an index keeps. */
  static final IndexParameters KEPT = new IndexParameters(ALL.index(), List.of(DEGREE, BUILD_BEAM));

  private IndexRules() {}

  /** A parameter's name in a mapping. */
  static String key(String name) {
    return name.equals(DEGREE.name()) ? "m" : "ef_construction";
  }

  /** Candidates that parameters ask for; 0 where they do not. */
  static int candidates(Map<String, String> params) {
    return ALL.follow(params).getOrDefault(CANDIDATES.name(), 0L).intValue();
  }

  /** What a mapping says, as plans and reports spell it. */
  static Map<String, String> spelled(Map<String, String> options) {
    Map<String, String> spelled = new LinkedHashMap<>();
    options.forEach(
        (key, value) -> spelled.put(KEPT.find(key).map(IndexParameter::name).orElse(key), value));
    return spelled;
  }
}
