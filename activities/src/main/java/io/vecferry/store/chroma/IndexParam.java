package io.vecferry.store.chroma;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** A parameter of Chroma's HNSW index. */
enum IndexParam {
  MAX_NEIGHBORS("M", "max_neighbors", 2, 512, List.of("m", "hnsw:M")),
  EF_CONSTRUCTION(
      "efConstruction",
      "ef_construction",
      1,
      100_000,
      List.of("construction_ef", "ef_construct", "efConstruct", "hnsw:construction_ef")),
  EF_SEARCH("efSearch", "ef_search", 1, 100_000, List.of("search_ef", "ef", "hnsw:search_ef")),
  RESIZE_FACTOR("resizeFactor", "resize_factor", 1, 100, List.of("hnsw:resize_factor")),
  BATCH_SIZE("batchSize", "batch_size", 2, 1_000_000, List.of("hnsw:batch_size")),
  SYNC_THRESHOLD("syncThreshold", "sync_threshold", 2, 100_000_000, List.of("hnsw:sync_threshold"));

  private final String spelling;
  private final String key;
  private final int lowest;
  private final int highest;
  private final List<String> otherSpellings;

  IndexParam(String spelling, String key, int lowest, int highest, List<String> otherSpellings) {
    this.spelling = spelling;
    this.key = key;
    this.lowest = lowest;
    this.highest = highest;
    this.otherSpellings = otherSpellings;
  }

  /** Its name in specs and reports. */
  String spelling() {
    return spelling;
  }

  /** Its name in Chroma's configuration. */
  String key() {
    return key;
  }

  /** Its name in a collection's metadata, where Chroma before 1.0 looked for it. */
  String legacyKey() {
    return otherSpellings.get(otherSpellings.size() - 1);
  }

  int lowest() {
    return lowest;
  }

  int highest() {
    return highest;
  }

  boolean whole() {
    return this != RESIZE_FACTOR;
  }

  /** Whether other stores know it too. */
  boolean common() {
    return ordinal() <= EF_SEARCH.ordinal();
  }

  /** The parameter that a spec means. */
  static Optional<IndexParam> of(String name) {
    return Arrays.stream(values())
        .filter(
            param ->
                name.equals(param.spelling)
                    || name.equals(param.key)
                    || param.otherSpellings.contains(name))
        .findFirst();
  }

  /** All names that a spec may use. */
  static List<String> spellings() {
    return Arrays.stream(values()).map(IndexParam::spelling).toList();
  }
}
