package io.vecferry.store.elasticsearch;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** A kind of index of vectors. All of them keep the vectors themselves, too. */
enum IndexType {
  HNSW("HNSW", "hnsw", 8, 0, 1, List.of()),
  INT8_HNSW("int8_hnsw", "int8_hnsw", 8, 12, 1, List.of("HNSW_SQ", "HNSW_SQ8")),
  INT4_HNSW("int4_hnsw", "int4_hnsw", 8, 15, 2, List.of("HNSW_SQ4")),
  BBQ_HNSW("bbq_hnsw", "bbq_hnsw", 8, 16, 64, List.of("HNSW_BQ", "HNSW_RABITQ")),
  FLAT("FLAT", "flat", 8, 13, 1, List.of()),
  INT8_FLAT("int8_flat", "int8_flat", 8, 13, 1, List.of("SQ8")),
  INT4_FLAT("int4_flat", "int4_flat", 8, 15, 2, List.of("SQ4")),
  BBQ_FLAT("bbq_flat", "bbq_flat", 8, 16, 64, List.of("BQ")),
  BBQ_DISK("bbq_disk", "bbq_disk", 9, 2, 64, List.of("DISKANN"));

  private final String spelling;
  private final String key;
  private final int major;
  private final int minor;
  private final int fewestDimensions;
  private final List<String> otherSpellings;

  IndexType(
      String spelling,
      String key,
      int major,
      int minor,
      int fewestDimensions,
      List<String> otherSpellings) {
    this.spelling = spelling;
    this.key = key;
    this.major = major;
    this.minor = minor;
    this.fewestDimensions = fewestDimensions;
    this.otherSpellings = otherSpellings;
  }

  String spelling() {
    return spelling;
  }

  /** Its name in a mapping. */
  String key() {
    return key;
  }

  /** The first version of a server that knows it, with {@link #minor}. */
  int major() {
    return major;
  }

  int minor() {
    return minor;
  }

  int fewestDimensions() {
    return fewestDimensions;
  }

  /** Whether it has links between vectors. */
  boolean graph() {
    return key.endsWith("hnsw");
  }

  /** Whether it compares by less than the vectors themselves, at first. */
  boolean quantised() {
    return this != HNSW && this != FLAT;
  }

  /** The type that a spec or another store means, in any case. */
  static Optional<IndexType> of(String name) {
    if (name == null) {
      return Optional.empty();
    }
    String upper = name.toUpperCase(Locale.ROOT);
    return Arrays.stream(values())
        .filter(type -> type.name().equals(upper) || type.otherSpellings.contains(upper))
        .findFirst();
  }

  static List<String> spellings() {
    return Arrays.stream(values()).map(IndexType::spelling).toList();
  }
}
