package io.vecferry.store.milvus;

import io.milvus.grpc.DataType;
import io.vecferry.plan.Finding;
import io.vecferry.spec.Suggestion;
import io.vecferry.store.Metric;
import io.vecferry.store.VectorFieldInfo;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

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
  private static final int SMALLEST_PROBES = 16;
  private static final int LISTS_PER_PROBE = 16;
  private static final int COMPONENTS_OF_A_PIECE = 4;

  private IndexRules() {}

  /** When a parameter counts. */
  private enum Use {
    BUILD,
    SEARCH
  }

  /**
   * A parameter.
   *
   * @param words allowed words; empty for a number
   */
  private record Parameter(
      String name, Use use, double smallest, double largest, boolean whole, List<String> words) {}

  /**
   * A type of index.
   *
   * @param since minor version of Milvus 2 that brought it
   * @param lite whether Milvus Lite has it
   */
  private record Type(Set<DataType> vectors, int since, boolean lite, List<Parameter> parameters) {}

  private static final Map<String, Type> TYPES = types();

  private static Map<String, Type> types() {
    Parameter nlist = whole("nlist", Use.BUILD, 1, MOST_LISTS);
    Parameter nprobe = whole("nprobe", Use.SEARCH, 1, MOST_LISTS);
    Parameter degree = whole("M", Use.BUILD, SMALLEST_M, LARGEST_M);
    Parameter buildBeam = whole("efConstruction", Use.BUILD, 1, Integer.MAX_VALUE);
    Parameter searchBeam = whole("ef", Use.SEARCH, 1, Integer.MAX_VALUE);
    Parameter pieces = whole("m", Use.BUILD, 1, MOST_LISTS);
    Parameter bits = whole("nbits", Use.BUILD, 1, 24);
    Parameter refine = words("refine", "true", "false");
    Parameter refineType = words("refine_type", "SQ6", "SQ8", "BF16", "FP16", "FP32");
    Parameter refineMore =
        new Parameter("refine_k", Use.SEARCH, 1, Integer.MAX_VALUE, false, List.of());
    Map<String, Type> types = new LinkedHashMap<>();
    types.put("AUTOINDEX", new Type(EnumSet.allOf(DataType.class), 2, true, List.of()));
    types.put("FLAT", new Type(FLOATS, 0, true, List.of()));
    types.put("IVF_FLAT", new Type(FLOATS, 0, true, List.of(nlist, nprobe)));
    types.put("IVF_SQ8", new Type(FLOATS, 0, true, List.of(nlist, nprobe)));
    types.put("IVF_PQ", new Type(FLOATS, 0, false, List.of(nlist, pieces, bits, nprobe)));
    types.put(
        "IVF_RABITQ",
        new Type(
            FLOATS,
            6,
            false,
            List.of(
                nlist,
                refine,
                refineType,
                nprobe,
                whole("rbq_query_bits", Use.SEARCH, 0, 8),
                refineMore)));
    types.put("HNSW", new Type(FLOATS_AND_BYTES, 0, true, List.of(degree, buildBeam, searchBeam)));
    types.put(
        "HNSW_SQ",
        new Type(
            FLOATS_AND_BYTES,
            5,
            true,
            List.of(
                degree,
                buildBeam,
                words("sq_type", "SQ4U", "SQ6", "SQ8", "BF16", "FP16"),
                refine,
                refineType,
                searchBeam,
                refineMore)));
    types.put(
        "HNSW_PQ",
        new Type(
            FLOATS_AND_BYTES,
            5,
            false,
            List.of(degree, buildBeam, pieces, bits, refine, refineType, searchBeam, refineMore)));
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
                whole("nrq", Use.BUILD, 1, 16),
                refine,
                refineType,
                searchBeam,
                refineMore)));
    types.put(
        "SCANN",
        new Type(
            FLOATS,
            3,
            false,
            List.of(
                nlist,
                words("with_raw_data", "true", "false"),
                nprobe,
                whole("reorder_k", Use.SEARCH, 1, Integer.MAX_VALUE))));
    types.put(
        "DISKANN",
        new Type(FLOATS, 2, false, List.of(whole("search_list", Use.SEARCH, 1, MOST_LISTS))));
    types.put("BIN_FLAT", new Type(BITS, 0, false, List.of()));
    types.put("BIN_IVF_FLAT", new Type(BITS, 0, false, List.of(nlist, nprobe)));
    Parameter dropInBuild = new Parameter("drop_ratio_build", Use.BUILD, 0, 1, false, List.of());
    Parameter dropInSearch = new Parameter("drop_ratio_search", Use.SEARCH, 0, 1, false, List.of());
    types.put(
        "SPARSE_INVERTED_INDEX",
        new Type(
            SPARSE,
            4,
            true,
            List.of(
                dropInBuild,
                words("inverted_index_algo", "DAAT_MAXSCORE", "DAAT_WAND", "TAAT_NAIVE"),
                dropInSearch)));
    types.put("SPARSE_WAND", new Type(SPARSE, 4, false, List.of(dropInBuild, dropInSearch)));
    return types;
  }

  private static Parameter whole(String name, Use use, double smallest, double largest) {
    return new Parameter(name, use, smallest, largest, true, List.of());
  }

  private static Parameter words(String name, String... words) {
    return new Parameter(name, Use.BUILD, 0, 0, false, List.of(words));
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
    field
        .indexParams()
        .forEach(
            (given, value) -> {
              Parameter parameter = find(name, given);
              String problem =
                  parameter == null
                      ? "is not a parameter of " + name + " in Milvus"
                      : problem(parameter, value);
              if (problem != null) {
                findings.add(
                    Finding.blocking(
                        "target.index.params." + given,
                        problem + ".",
                        parameter == null
                            ? "Known: " + String.join(", ", parameterNames(name)) + "."
                            : ""));
              } else {
                (parameter.use() == Use.BUILD ? build : search).put(parameter.name(), value);
              }
            });
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
    for (Parameter parameter : TYPES.get(choice.type()).parameters()) {
      if (parameter.use() == Use.SEARCH || choice.build().containsKey(parameter.name())) {
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

  private static List<String> parameterNames(String type) {
    return TYPES.get(type).parameters().stream().map(Parameter::name).toList();
  }

  /** The parameter of a name, however it is spelled; case counts only between m and M. */
  private static Parameter find(String type, String given) {
    List<Parameter> near = new ArrayList<>();
    for (Parameter parameter : TYPES.get(type).parameters()) {
      if (parameter.name().equals(given)) {
        return parameter;
      }
      if (plain(parameter.name()).equals(plain(given))) {
        near.add(parameter);
      }
    }
    return near.size() == 1 ? near.get(0) : null;
  }

  private static String plain(String name) {
    return name.replace("_", "").toLowerCase(Locale.ROOT);
  }

  private static String problem(Parameter parameter, String value) {
    if (!parameter.words().isEmpty()) {
      return parameter.words().contains(value)
          ? null
          : "must be one of " + String.join(", ", parameter.words()) + ", got " + value;
    }
    double number;
    try {
      number = parameter.whole() ? Long.parseLong(value) : Double.parseDouble(value);
    } catch (NumberFormatException e) {
      return "must be a " + (parameter.whole() ? "whole " : "") + "number, got " + value;
    }
    return number >= parameter.smallest() && number <= parameter.largest()
        ? null
        : "must be from %s to %s, got %s"
            .formatted(shown(parameter.smallest()), shown(parameter.largest()), value);
  }

  private static String shown(double bound) {
    return Long.toString((long) bound);
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

  private static Choice hnsw(Map<String, String> parameters, Metric metric) {
    long degree = number(parameters, NORMAL_M, "M", "max_neighbors", "hnsw:M");
    long beam =
        number(
            parameters,
            NORMAL_BUILD_BEAM,
            "efConstruction",
            "ef_construct",
            "hnsw:construction_ef");
    Map<String, String> search = new TreeMap<>();
    long searchBeam = number(parameters, 0, "ef", "efSearch", "hnsw:search_ef");
    if (searchBeam > 0) {
      search.put("ef", Long.toString(searchBeam));
    }
    return new Choice(
        "HNSW",
        metric,
        Map.of(
            "M", Long.toString(clamp(degree, SMALLEST_M, LARGEST_M)),
            "efConstruction", Long.toString(clamp(beam, 1, Integer.MAX_VALUE))),
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
   */
  static Map<String, String> search(
      String type, Map<String, String> build, Map<String, String> wanted, int k) {
    Map<String, String> search = new TreeMap<>();
    if (!TYPES.containsKey(type)) {
      return search;
    }
    for (Parameter parameter : TYPES.get(type).parameters()) {
      if (parameter.use() == Use.SEARCH) {
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
    }
    wanted.forEach(
        (name, value) -> {
          Parameter parameter = find(type, name);
          if (parameter != null && parameter.use() == Use.SEARCH) {
            search.put(parameter.name(), value);
          }
        });
    if (search.containsKey("ef") && parse(search.get("ef")) < k) {
      search.put("ef", Integer.toString(k));
    }
    return search;
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
