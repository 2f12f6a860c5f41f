package io.vecferry.store.faiss;

import io.vecferry.plan.Finding;
import io.vecferry.store.IndexParameter;
import io.vecferry.store.IndexParameters;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The index to write, as {@code target.index} says it.
 *
 * @param type kind of index
 * @param m HNSW: links of a node per level, twice as many on the ground
 * @param efConstruction HNSW: breadth of the walk when a node is added
 * @param efSearch HNSW: breadth of the walk when the index is searched
 * @param nlist IVF: number of lists; 0 to choose it by the number of records
 * @param nprobe IVF: lists that are searched; 0 to choose it by the number of lists
 * @param seed where random choices start
 */
record IndexPlan(
    Type type, int m, int efConstruction, int efSearch, int nlist, int nprobe, long seed) {

  /** What can be written. */
  enum Type {
    /** Flat, with an id map when all ids are integers. */
    AUTOMATIC,
    FLAT,
    LABELLED_FLAT,
    HNSW,
    IVF_FLAT,
    SQ8,
    IVF_SQ8;

    boolean graph() {
      return this == HNSW;
    }

    boolean lists() {
      return this == IVF_FLAT || this == IVF_SQ8;
    }

    boolean codes() {
      return this == SQ8 || this == IVF_SQ8;
    }
  }

  static final String TYPES = "Flat, IDMap2,Flat, HNSW, IVF_FLAT, SQ8, IVF_SQ8";

  private static final String LABELLED = "IDMap2,";
  private static final int DEFAULT_M = 32;
  private static final int DEFAULT_EF_CONSTRUCTION = 40;
  private static final int DEFAULT_EF_SEARCH = 64;
  private static final long DEFAULT_SEED = 1234;

  /** Largest breadth of a walk. */
  static final int LARGEST_BEAM = 10_000;

  private static final IndexParameter DEGREE = IndexParameter.degree("M", 2, 1024);
  private static final IndexParameter BUILD_BEAM =
      IndexParameter.buildBeam("efConstruction", 1, 10_000);
  private static final IndexParameter SEARCH_BEAM =
      IndexParameter.searchBeam("efSearch", 1, LARGEST_BEAM);
  private static final IndexParameter LISTS = IndexParameter.whole("nlist", 1, 1 << 20);
  private static final IndexParameter PROBES = IndexParameter.whole("nprobe", 1, 1 << 20);
  private static final IndexParameter SEED = IndexParameter.whole("seed", 0, Long.MAX_VALUE);

  /** Fewer records per list than this make poor lists, as FAISS warns too. */
  static final int FEWEST_ROWS_PER_LIST = 39;

  private static final Pattern HNSW_NAME = Pattern.compile("hnsw(\\d*)(flat)?");
  private static final Pattern IVF_NAME = Pattern.compile("ivf(\\d*)(flat|sq8)");

  private static final Map<String, Type> NAMES =
      Map.of(
          "", Type.AUTOMATIC,
          "flat", Type.FLAT,
          "indexflat", Type.FLAT,
          "idmap2flat", Type.LABELLED_FLAT,
          "sq8", Type.SQ8);

  /** A plan, or what is wrong with it. */
  record Parsed(IndexPlan plan, List<Finding> problems) {}

  /**
   * Reads type and parameters.
   *
   * @param name as FAISS, its index factory or Milvus spell it, in any case
   * @param parameters by name
   */
  static Parsed parse(String name, Map<String, String> parameters) {
    List<Finding> problems = new ArrayList<>();
    String plain = name == null ? "" : name.toLowerCase(Locale.ROOT).replaceAll("[ ,_-]", "");
    Type type = NAMES.get(plain);
    int named = -1;
    Matcher hnsw = HNSW_NAME.matcher(plain);
    Matcher ivf = IVF_NAME.matcher(plain);
    String number = "";
    if (hnsw.matches()) {
      type = Type.HNSW;
      number = hnsw.group(1);
    } else if (ivf.matches()) {
      type = ivf.group(2).equals("flat") ? Type.IVF_FLAT : Type.IVF_SQ8;
      number = ivf.group(1);
    }
    if (type == null) {
      problems.add(
          Finding.blocking(
              "target.index.type",
              "index type '" + name + "' cannot be written",
              "Use one of " + TYPES + "."));
      return new Parsed(null, problems);
    }
    if (!number.isEmpty()) {
      named = number.length() > 9 ? Integer.MAX_VALUE : Integer.parseInt(number);
    }
    Map<String, String> values = parameters(type).read(parameters, problems);
    if (named >= 0) {
      addNamed(type.graph() ? DEGREE : LISTS, named, values, problems);
    }
    IndexPlan plan =
        new IndexPlan(
            type,
            (int) number(values, DEGREE, DEFAULT_M),
            (int) number(values, BUILD_BEAM, DEFAULT_EF_CONSTRUCTION),
            (int) number(values, SEARCH_BEAM, DEFAULT_EF_SEARCH),
            (int) number(values, LISTS, 0),
            (int) number(values, PROBES, 0),
            number(values, SEED, DEFAULT_SEED));
    if (plan.nlist() > 0 && plan.nprobe() > plan.nlist()) {
      problems.add(
          Finding.blocking(
              "target.index.params.nprobe",
              "nprobe " + plan.nprobe() + " is larger than nlist " + plan.nlist(),
              "Search at most as many lists as there are."));
    }
    return new Parsed(plan, problems);
  }

  /** The plan that a file of {@link #factoryName} was made from; null when there is no such one. */
  static IndexPlan ofFile(String name, Map<String, String> parameters) {
    String inner = name.startsWith(LABELLED) ? name.substring(LABELLED.length()) : name;
    Parsed parsed = parse(inner, parameters);
    return parsed.problems().isEmpty() ? parsed.plan() : null;
  }

  private static IndexParameters parameters(Type type) {
    return new IndexParameters(
        "index type " + type,
        type.graph()
            ? List.of(DEGREE, BUILD_BEAM, SEARCH_BEAM, SEED)
            : type.lists() ? List.of(LISTS, PROBES, SEED) : List.of());
  }

  /** Adds what the name of a type says, as {@code HNSW32}. */
  private static void addNamed(
      IndexParameter parameter, int named, Map<String, String> values, List<Finding> problems) {
    String name = parameter.name();
    String number = Integer.toString(named);
    String given = values.putIfAbsent(name, number);
    if (given != null && !given.equals(number)) {
      problems.add(
          Finding.blocking(
              "target.index.params." + name,
              name + " is " + given + ", but the name of the index type says " + named,
              "Say it once."));
    }
    if (parameter.read(number).isEmpty()) {
      problems.add(
          Finding.blocking(
              "target.index.type",
              name + " must be " + parameter.allowed() + ", got " + named,
              ""));
    }
  }

  private static long number(
      Map<String, String> values, IndexParameter parameter, long defaultValue) {
    String value = values.get(parameter.name());
    return value == null ? defaultValue : Long.parseLong(value);
  }

  /** Lists to make for so many records: a power of two near four times the root. */
  int listsFor(long rows) {
    if (nlist > 0) {
      return (int) Math.max(1, Math.min(nlist, rows));
    }
    long wanted = Math.round(4 * Math.sqrt((double) rows));
    long most = Math.max(1, rows / FEWEST_ROWS_PER_LIST);
    return (int) Long.highestOneBit(Math.max(1, Math.min(Math.min(wanted, most), 1 << 20)));
  }

  /** Lists to search of so many. */
  int probesFor(int lists) {
    return nprobe > 0 ? Math.min(nprobe, lists) : Math.max(1, (lists + 15) / 16);
  }

  /** Name and parameters in the manner of FAISS' index factory. */
  String factoryName(long rows, boolean labelled) {
    String prefix = labelled && !type.lists() ? LABELLED : "";
    return prefix
        + switch (type) {
          case AUTOMATIC, FLAT, LABELLED_FLAT -> "Flat";
          case HNSW -> "HNSW" + m + ",Flat";
          case IVF_FLAT -> "IVF" + listsFor(rows) + ",Flat";
          case SQ8 -> "SQ8";
          case IVF_SQ8 -> "IVF" + listsFor(rows) + ",SQ8";
        };
  }

  /** The parameters that a file with so many records has, as {@link #parse} reads them. */
  Map<String, String> parameters(long rows) {
    Map<String, String> parameters = new LinkedHashMap<>();
    if (type.graph()) {
      parameters.put("M", Integer.toString(m));
      parameters.put("efConstruction", Integer.toString(efConstruction));
      parameters.put("efSearch", Integer.toString(efSearch));
    }
    if (type.lists()) {
      int lists = listsFor(rows);
      parameters.put("nlist", Integer.toString(lists));
      parameters.put("nprobe", Integer.toString(probesFor(lists)));
    }
    if (type.graph() || type.lists()) {
      parameters.put("seed", Long.toString(seed));
    }
    return parameters;
  }
}
