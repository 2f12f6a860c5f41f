package io.vecferry.store.elasticsearch;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** A parameter of an index of vectors, or of a search in it. */
enum IndexParam {
  M("M", "m", 2, 512, List.of("max_neighbors", "hnsw:M")),
  EF_CONSTRUCTION(
      "efConstruction",
      "ef_construction",
      1,
      3200,
      List.of("ef_construct", "efConstruct", "construction_ef", "hnsw:construction_ef")),
  /** Not kept by the index; a search looks at so many records of each shard. */
  CANDIDATES(
      "numCandidates",
      "num_candidates",
      1,
      10_000,
      List.of("ef", "efSearch", "ef_search", "search_ef", "hnsw_ef"));

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

  /** Its name in a mapping. */
  String key() {
    return key;
  }

  int lowest() {
    return lowest;
  }

  int highest() {
    return highest;
  }

  /** The parameter that a spec or another store means. */
  static Optional<IndexParam> of(String name) {
    return Arrays.stream(values())
        .filter(
            param ->
                name.equals(param.spelling)
                    || name.equals(param.key)
                    || param.otherSpellings.contains(name))
        .findFirst();
  }

  static List<String> spellings() {
    return Arrays.stream(values()).map(IndexParam::spelling).toList();
  }
}
