package io.vecferry.store.milvus;

import io.milvus.grpc.DataType;
import io.vecferry.plan.Finding;
import io.vecferry.spec.Suggestion;
import io.vecferry.store.IndexParameter;
import io.vecferry.store.IndexParameters;
import io.vecferry.store.Metric;
import io.vecferry.store.SearchWidth;
import io.vecferry.store.VectorFieldInfo;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Which indexes there are, with which parameters, and which one to take. Pure. */
final class IndexRules {
  private static final Set<DataType> FLOATS =
      EnumSet.of(DataType.FloatVector, DataType.Float16Vector, DataType.BFloat16Vector);
  private static final Set<DataType> FLOATS_AND_BYTES =
      EnumSet.of(
          DataType.FloatVector,
          DataType.Float16Vector,
          DataType.BFloat16Vector,
          DataType.Int8Vector);
  private static final Set<DataType> BITS = EnumSet.of(DataType.BinaryVector);
  private static final Set<DataType> SPARSE = EnumSet.of(DataType.SparseFloatVector);
  private static final int MOST_LISTS = 65_536;
  private static final int ROWS_TO_TRAIN_A_LIST = 39;
  private static final int NORMAL_M = 16;
  private static final int NORMAL_BUILD_BEAM = 200;
  private static final int SMALLEST_M = 2;
  private static final int LARGEST_M = 2_048;
  private static final int SMALLEST_SEARCH_BEAM = 256;
  private static final int LARGEST_BEAM = 32_768;
  private static final Set<String> WIDTHS = Set.of("ef", "nprobe", "search_list");
  private static final int SMALLEST_PROBES = 16;
  private static final int LISTS_PER_PROBE = 16;
  private static final int COMPONENTS_OF_A_PIECE = 4;

  private IndexRules() {}

  /**
   * A type of index.
   *
   * @param since minor version of Milvus 2 that brought it
   * @param lite whether Milvus Lite has it
   * @param build parameters of the index
   * @param search parameters of a search in it
   */
  private record Type(
      Set<DataType> vectors,
      int since,
      boolean lite,
      List<IndexParameter> build,
      List<IndexParameter> search) {

    IndexParameters parameters(String name) {
      return new IndexParameters(
          name + " in Milvus", Stream.concat(build.stream(), search.stream()).toList());
    }

    /** The parameter of a search that says how far it looks. */
    Optional<String> width() {
      return search.stream().map(IndexParameter::name).filter(WIDTHS::contains).findFirst();
    }

    boolean isOfSearch(String parameter) {
      return search.stream().anyMatch(one -> one.name().equals(parameter));
    }
  }

  private static final Map<String, Type> TYPES = types();

  private static Map<String, Type> types() {
    IndexParameter nlist = IndexParameter.whole("nlist", 1, MOST_LISTS);
    IndexParameter nprobe = IndexParameter.whole("nprobe", 1, MOST_LISTS);
    IndexParameter degree = IndexParameter.degree("M", SMALLEST_M, LARGEST_M);
    IndexParameter buildBeam = IndexParameter.buildBeam("efConstruction", 1, Integer.MAX_VALUE);
    IndexParameter searchBeam = IndexParameter.searchBeam("ef", 1, Integer.MAX_VALUE);
    IndexParameter pieces = IndexParameter.whole("m", 1, MOST_LISTS);
    IndexParameter bits = IndexParameter.whole("nbits", 1, 24);
    IndexParameter refine = IndexParameter.words("refine", "true", "false");
    IndexParameter refineType =
        IndexParameter.words("refine_type", "SQ6", "SQ8", "BF16", "FP16", "FP32");
    IndexParameter refineMore = IndexParameter.number("refine_k", 1, Integer.MAX_VALUE);
    IndexParameter codes = IndexParameter.words("sq_type", "SQ4U", "SQ6", "SQ8", "BF16", "FP16");
    IndexParameter dropInBuild = IndexParameter.number("drop_ratio_build", 0, 1);
    IndexParameter dropInSearch = IndexParameter.number("drop_ratio_search", 0, 1);
    Map<String, Type> types = new LinkedHashMap<>();
    types.put("AUTOINDEX", new Type(EnumSet.allOf(DataType.class), 2, true, List.of(), List.of()));
    types.put("FLAT", new Type(FLOATS, 0, true, List.of(), List.of()));
    types.put("IVF_FLAT", new Type(FLOATS, 0, true, List.of(nlist), List.of(nprobe)));
    types.put("IVF_SQ8", new Type(FLOATS, 0, true, List.of(nlist), List.of(nprobe)));
    types.put("IVF_PQ", new Type(FLOATS, 0, false, List.of(nlist, pieces, bits), List.of(nprobe)));
    types.put(
        "IVF_RABITQ",
        new Type(
            FLOATS,
            6,
            false,
            List.of(nlist, refine, refineType),
            List.of(nprobe, IndexParameter.whole("rbq_query_bits", 0, 8), refineMore)));
    types.put(
        "HNSW",
        new Type(FLOATS_AND_BYTES, 0, true, List.of(degree, buildBeam), List.of(searchBeam)));
    types.put(
        "HNSW_SQ",
        new Type(
            FLOATS_AND_BYTES,
            5,
            true,
            List.of(degree, buildBeam, codes, refine, refineType),
            List.of(searchBeam, refineMore)));
    types.put(
        "HNSW_PQ",
        new Type(
            FLOATS_AND_BYTES,
            5,
            false,
            List.of(degree, buildBeam, pieces, bits, refine, refineType),
            List.of(searchBeam, refineMore)));
    types.put(
        "HNSW_PRQ",
        new Type(
            FLOATS_AND_BYTES,
            5,
            false,
            List.of(
                degree,
                buildBeam,
                pieces,
                bits,
                IndexParameter.whole("nrq", 1, 16),
                refine,
                refineType),
            List.of(searchBeam, refineMore)));
    types.put(
        "SCANN",
        new Type(
            FLOATS,
            3,
            false,
            List.of(nlist, IndexParameter.words("with_raw_data", "true", "false")),
            List.of(nprobe, IndexParameter.whole("reorder_k", 1, Integer.MAX_VALUE))));
    types.put(
        "DISKANN",
        new Type(
            FLOATS,
            2,
            false,
            List.of(),
            List.of(IndexParameter.whole("search_list", 1, MOST_LISTS))));
    types.put("BIN_FLAT", new Type(BITS, 0, false, List.of(), List.of()));
    types.put("BIN_IVF_FLAT", new Type(BITS, 0, false, List.of(nlist), List.of(nprobe)));
    types.put(
        "SPARSE_INVERTED_INDEX",
        new Type(
            SPARSE,
            4,
            true,
            List.of(
                dropInBuild,
                IndexParameter.words(
                    "inverted_index_algo", "DAAT_MAXSCORE", "DAAT_WAND", "TAAT_NAIVE")),
            List.of(dropInSearch)));
    types.put(
        "SPARSE_WAND", new Type(SPARSE, 4, false, List.of(dropInBuild), List.of(dropInSearch)));
    return types;
  }

  /**
   * An index as it is to be made.
   *
   * @param build its parameters by Milvus' names
   * @param search parameters of a search
   */
  record Choice(String type, Metric metric, Map<String, String> build, Map<String, String> search) {
    Choice {
      build = Map.copyOf(build);
      search = Map.copyOf(search);
    }
  }

  /**
   * The index that a spec asks for. What is wrong with it becomes a finding.
   *
   * @param field what the spec is about, for messages
   */
  static Choice asked(
      VectorFieldInfo field, DataType vectors, ServerVersion version, List<Finding> findings) {
    String name = field.indexType().toUpperCase(Locale.ROOT);
    List<String> possible =
        TYPES.entrySet().stream()
            .filter(entry -> isThere(entry.getValue(), vectors, version))
            .map(Map.Entry::getKey)
            .toList();
    if (!possible.contains(name)) {
      findings.add(
          Finding.blocking(
              "target.index.type",
              version.product()
                  + " has no index "
                  + field.indexType()
                  + " for "
                  + vectors
                  + "."
                  + Suggestion.didYouMean(name, possible),
              "Use one of " + String.join(", ", possible) + "."));
      return new Choice("AUTOINDEX", field.metric(), Map.of(), Map.of());
    }
    Map<String, String> build = new TreeMap<>();
    Map<String, String> search = new TreeMap<>();
    Type type = TYPES.get(name);
    type.parameters(name)
        .read(field.indexParams(), findings)
        .forEach(
            (parameter, value) ->
                (type.isOfSearch(parameter) ? search : build).put(parameter, value));
    String pieces = build.get("m");
    if (pieces != null && field.dimension() % Integer.parseInt(pieces) != 0) {
      findings.add(
          Finding.blocking(
              "target.index.params.m",
              "must divide the dimension, " + field.dimension() + ", got " + pieces + ".",
              ""));
    }
    return new Choice(name, field.metric(), build, search);
  }

  /**
   * Parameters that an index needs and nobody has given.
   *
   * @param rows records expected
   */
  static Map<String, String> missing(Choice choice, int dimension, long rows) {
    Map<String, String> missing = new TreeMap<>();
    for (IndexParameter parameter : TYPES.get(choice.type()).build()) {
      if (choice.build().containsKey(parameter.name())) {
        continue;
      }
      switch (parameter.name()) {
        case "nlist" -> missing.put("nlist", Long.toString(lists(rows)));
        case "M" -> missing.put("M", Integer.toString(NORMAL_M));
        case "efConstruction" -> missing.put("efConstruction", Integer.toString(NORMAL_BUILD_BEAM));
        case "m" -> missing.put("m", Integer.toString(pieces(dimension)));
        default -> {
          // Milvus has a default.
        }
      }
    }
    return missing;
  }

  /** Pieces that a vector is cut into: each of about four components, all of one length. */
  private static int pieces(int dimension) {
    int pieces = Math.max(1, dimension / COMPONENTS_OF_A_PIECE);
    while (dimension % pieces != 0) {
      pieces--;
    }
    return pieces;
  }

  private static boolean isThere(Type type, DataType vectors, ServerVersion version) {
    return type.vectors().contains(vectors)
        && (version.lite() ? type.lite() : version.major() > 2 || version.minor() >= type.since());
  }

  private static String plain(String name) {
    return name.replace("_", "").toLowerCase(Locale.ROOT);
  }

  /**
   * The index nearest to the one that the records had where they come from. Raw vectors are moved,
   * so a quantised index is not followed: nobody has asked for its loss.
   *
   * @param source the field in the source; null when it is not known
   * @param rows records expected
   */
  static Choice nearest(
      VectorFieldInfo source, Metric metric, DataType vectors, long rows, ServerVersion version) {
    String type = source == null ? "" : source.indexType().toUpperCase(Locale.ROOT);
    Map<String, String> parameters = source == null ? Map.of() : source.indexParams();
    if (SPARSE.contains(vectors)) {
      return new Choice("SPARSE_INVERTED_INDEX", metric, Map.of(), Map.of());
    }
    if (BITS.contains(vectors)) {
      return type.contains("IVF")
          ? new Choice("BIN_IVF_FLAT", metric, lists(parameters, type, rows), Map.of())
          : new Choice("BIN_FLAT", metric, Map.of(), Map.of());
    }
    if (vectors == DataType.Int8Vector || type.contains("HNSW")) {
      return hnsw(parameters, metric);
    }
    if (type.contains("IVF")) {
      return new Choice("IVF_FLAT", metric, lists(parameters, type, rows), Map.of());
    }
    if (type.equals("FLAT") || type.equals("IDMAP,FLAT") || type.equals("IDMAP2,FLAT")) {
      return new Choice("FLAT", metric, Map.of(), Map.of());
    }
    if (type.contains("DISKANN") && isThere(TYPES.get("DISKANN"), vectors, version)) {
      return new Choice("DISKANN", metric, Map.of(), Map.of());
    }
    return hnsw(parameters, metric);
  }

  private static Choice hnsw(Map<String, String> source, Metric metric) {
    Map<String, Long> followed = TYPES.get("HNSW").parameters("HNSW").follow(source);
    Map<String, String> search = new TreeMap<>();
    if (followed.containsKey("ef")) {
      search.put("ef", Long.toString(followed.get("ef")));
    }
    return new Choice(
        "HNSW",
        metric,
        Map.of(
            "M", Long.toString(followed.getOrDefault("M", (long) NORMAL_M)),
            "efConstruction",
                Long.toString(followed.getOrDefault("efConstruction", (long) NORMAL_BUILD_BEAM))),
        search);
  }

  private static Map<String, String> lists(Map<String, String> parameters, String type, long rows) {
    long lists = number(parameters, 0, "nlist");
    if (lists == 0) {
      // FAISS spells it into the name: IVF1024,Flat.
      String digits = type.replaceFirst(".*?IVF(\\d*).*", "$1");
      lists = digits.isEmpty() || digits.length() > 6 ? 0 : parse(digits);
    }
    return Map.of("nlist", Long.toString(lists > 0 ? clamp(lists, 1, MOST_LISTS) : lists(rows)));
  }

  /** Lists for so many rows: four times the root, as long as each can be trained. */
  private static long lists(long rows) {
    long wanted = Math.round(4 * Math.sqrt(Math.max(0, rows)));
    return clamp(Math.min(wanted, rows / ROWS_TO_TRAIN_A_LIST), 1, MOST_LISTS);
  }

  private static long number(Map<String, String> parameters, long otherwise, String... names) {
    for (String name : names) {
      for (Map.Entry<String, String> entry : parameters.entrySet()) {
        if (plain(entry.getKey()).equals(plain(name))) {
          long number = parse(entry.getValue());
          if (number > 0) {
            return number;
          }
        }
      }
    }
    return otherwise;
  }

  private static long parse(String text) {
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      return 0;
    }
  }

  private static long clamp(long number, long smallest, long largest) {
    return Math.max(smallest, Math.min(largest, number));
  }

  /**
   * Parameters of a search.
   *
   * @param type the index that is there
   * @param build its parameters
   * @param wanted parameters that the spec names, in any spelling; others are left out
   * @param k answers wanted
   * @param width how far to look, whatever the spec names; 0 for what is usual
   */
  static Map<String, String> search(
      String type, Map<String, String> build, Map<String, String> wanted, int k, long width) {
    Map<String, String> search = new TreeMap<>();
    if (!TYPES.containsKey(type)) {
      return search;
    }
    Type known = TYPES.get(type);
    for (IndexParameter parameter : known.search()) {
      switch (parameter.name()) {
        case "ef" -> search.put("ef", Integer.toString(Math.max(SMALLEST_SEARCH_BEAM, 4 * k)));
        case "nprobe" -> search.put("nprobe", Long.toString(probes(build)));
        case "search_list" ->
            search.put("search_list", Integer.toString(Math.max(SMALLEST_SEARCH_BEAM, 4 * k)));
        default -> {
          // Milvus has a default.
        }
      }
    }
    IndexParameters parameters = known.parameters(type);
    wanted.forEach(
        (name, value) ->
            parameters
                .find(name)
                .map(IndexParameter::name)
                .filter(known::isOfSearch)
                .ifPresent(found -> search.put(found, value)));
    if (width > 0) {
      known.width().ifPresent(parameter -> search.put(parameter, Long.toString(width)));
    }
    if (search.containsKey("ef") && parse(search.get("ef")) < k) {
      search.put("ef", Integer.toString(k));
    }
    return search;
  }

  /** The parameter of a search that makes it look at more; empty where the type has none. */
  static Optional<SearchWidth> width(
      String type, Map<String, String> build, Map<String, String> wanted, int k) {
    if (!TYPES.containsKey(type)) {
      return Optional.empty();
    }
    return TYPES
        .get(type)
        .width()
        .map(
            parameter ->
                new SearchWidth(
                    parameter,
                    parse(search(type, build, wanted, k, 0).get(parameter)),
                    parameter.equals("nprobe") ? number(build, 128, "nlist") : LARGEST_BEAM));
  }

  private static long probes(Map<String, String> build) {
    long lists = number(build, 128, "nlist");
    return clamp(Math.max(SMALLEST_PROBES, lists / LISTS_PER_PROBE), 1, lists);
  }

  /** Metrics that vectors of a type can be compared by. */
  static Set<Metric> metrics(DataType vectors) {
    return switch (vectors) {
      case BinaryVector -> EnumSet.of(Metric.HAMMING, Metric.JACCARD);
      case SparseFloatVector -> EnumSet.of(Metric.IP);
      default -> EnumSet.of(Metric.L2, Metric.IP, Metric.COSINE);
    };
  }
}
