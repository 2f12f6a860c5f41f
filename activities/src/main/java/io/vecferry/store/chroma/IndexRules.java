package io.vecferry.store.chroma;

import io.vecferry.store.IndexParameter;
import io.vecferry.store.IndexParameters;
import java.util.List;

/** The parameters of Chroma's index. Pure. */
final class IndexRules {
  private static final IndexParameter DEGREE = IndexParameter.degree("M", 2, 512);
  private static final IndexParameter BUILD_BEAM =
      IndexParameter.buildBeam("efConstruction", 1, 100_000);
  private static final IndexParameter SEARCH_BEAM =
      IndexParameter.searchBeam("efSearch", 1, 100_000);

  static final IndexParameters ALL =
      new IndexParameters(
          "Chroma's index",
          List.of(
              DEGREE,
              BUILD_BEAM,
              SEARCH_BEAM,
              IndexParameter.number("resizeFactor", 1, 100, "hnsw:resize_factor"),
              IndexParameter.whole("batchSize", 2, 1_000_000, "hnsw:batch_size"),
              IndexParameter.whole("syncThreshold", 2, 100_000_000, "hnsw:sync_threshold")));

  /** Those that other stores know too. */
  static final IndexParameters COMMON =
      new IndexParameters(ALL.index(), List.of(DEGREE, BUILD_BEAM, SEARCH_BEAM));

  private IndexRules() {}

  /** A parameter's name in Chroma's configuration. */
  static String key(IndexParameter parameter) {
    return switch (parameter.name()) {
      case "M" -> "max_neighbors";
      case "efConstruction" -> "ef_construction";
      case "efSearch" -> "ef_search";
      case "resizeFactor" -> "resize_factor";
      case "batchSize" -> "batch_size";
      default -> "sync_threshold";
    };
  }

  /** Its name in a collection's metadata, where Chroma before 1.0 looked for it. */
  static String legacyKey(IndexParameter parameter) {
    return ChromaCollection.LEGACY
        + switch (parameter.name()) {
          case "M" -> "M";
          case "efConstruction" -> "construction_ef";
          case "efSearch" -> "search_ef";
          default -> key(parameter);
        };
  }
}
