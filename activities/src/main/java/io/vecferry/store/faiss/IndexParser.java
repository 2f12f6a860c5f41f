package io.vecferry.store.faiss;

import io.vecferry.plan.FailureClass;
import io.vecferry.store.Metric;
import io.vecferry.store.StoreException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads the structure of a FAISS file: a tree of indexes in indexes, of which only positions and
 * small tables are kept. Not thread-safe.
 */
final class IndexParser {
  private static final int MAXIMUM_DIMENSION = 1 << 20;
  private static final int DEEPEST = 50;

  /** FAISS writes this number twice into each header, where a field was once. */
  private static final long UNUSED = 1 << 20;

  /** Floats of a matrix or a table that is read at once: 1 GiB. */
  private static final long MOST_FLOATS = 1L << 28;

  private final Path path;
  private final FileChannel channel;
  private final IndexInput input;
  private Path listsFile;
  private int depth;

  IndexParser(Path path, FileChannel channel) throws IOException {
    this.path = path;
    this.channel = channel;
    this.input = new IndexInput(path, channel);
  }

  /**
   * What every index starts with.
   *
   * @param rows vectors that it counts
   * @param trained whether it says that it was trained
   * @param metric FAISS' number
   */
  record Header(int dimension, long rows, boolean trained, int metric, float argument) {}

  /**
   * An index.
   *
   * @param type a name as FAISS' index_factory spells it
   * @param rows null where the vectors cannot be read
   * @param obstacle why not, and what to do; null where they can
   * @param params parameters of the index
   */
  record Node(Header header, String type, Rows rows, String obstacle, Map<String, String> params) {}

  /** The file that on-disk lists are in, null when there are none. */
  Path listsFile() {
    return listsFile;
  }

  /** Reads the whole file, which must hold one index and nothing else. */
  Node parse() throws IOException {
    if (input.size() == 0) {
      throw foreign();
    }
    String fourcc = input.fourcc("the type of the index");
    Node node = fourcc.startsWith("IB") ? binary(fourcc, "") : index(fourcc, "");
    if (node.obstacle() != null) {
      throw FileErrors.incompatible(path + ": " + node.type() + ": " + node.obstacle());
    }
    if (input.position() != input.size()) {
      throw input.damaged(
          "the index ends at byte "
              + input.position()
              + ", but the file has "
              + input.size()
              + " bytes: "
              + (input.size() - input.position())
              + " more than it should");
    }
    return node;
  }

  private Node nested(String around) throws IOException {
    return index(input.fourcc("the type of the index inside " + around), around);
  }

  private Node index(String fourcc, String around) throws IOException {
    if (++depth > DEEPEST) {
      throw input.damaged("indexes are nested more than " + DEEPEST + " deep");
    }
    Node node =
        switch (fourcc) {
          case "null" -> absent(around);
          case "IxF2", "IxFI", "IxFl" -> flat(fourcc);
          case "IxMp", "IxM2" -> mapped(fourcc);
          case "IxSQ" -> scalar();
          case "IxPq", "IxPQ", "IxPo" -> product(fourcc);
          case "IPfs" -> productFastScan();
          case "Ix2L" -> twoLayers();
          case "Imiq" -> multiIndex();
          case "IwFl", "IwFd", "IvFl", "IvFL" -> invertedFlat(fourcc);
          case "IwSq", "IwSQ", "IvSQ" -> invertedScalar(fourcc);
          case "IwPQ", "IwQR", "IvPQ", "IvQR" -> invertedProduct(fourcc);
          case "IwPf" -> invertedFastScan();
          case "IwIQ" -> independentQuantizer();
          case "IHNf", "IHNs", "IHNp", "IHN2", "IH00", "IHNc", "IHc2", "IHfP" -> smallWorld(fourcc);
          case "INSf", "INSp", "INSs" -> spreadingGraph();
          case "INNf" -> descentGraph();
          case "IxRF", "IxRP" -> refined();
          case "IxPT" -> transformed();
          default -> throw refuse(fourcc, around);
        };
    depth--;
    return node;
  }

  private static Node absent(String around) {
    return new Node(
        new Header(0, 0, true, 1, 0),
        "nothing",
        null,
        around
            + " was saved without the index inside it, so there are no vectors in the file. Save it"
            + " again with all its parts.",
        Map.of());
  }

  private Header header(String name) throws IOException {
    String what = "the header of " + name;
    int dimension = input.readInt(what);
    long rows = input.readLong(what);
    if (input.readLong(what) == Long.reverseBytes(UNUSED)) {
      throw bigEndian();
    }
    input.readLong(what);
    boolean trained = input.readFlag(what + ": is_trained");
    int metric = input.readInt(what);
    if (dimension < 1 || dimension > MAXIMUM_DIMENSION) {
      throw input.damaged(
          what + " says dimension " + dimension + "; 1 to " + MAXIMUM_DIMENSION + " is possible");
    }
    if (rows < 0) {
      throw input.damaged(what + " says " + rows + " vectors");
    }
    if (metric < 0 || metric > 1000) {
      throw input.damaged("metric number " + metric + " is not known");
    }
    float argument = metric > 1 ? input.readFloat("the metric argument") : 0;
    return new Header(dimension, rows, trained, metric, argument);
  }

  private Node flat(String fourcc) throws IOException {
    Header header = header("IndexFlat");
    if (fourcc.equals("IxF2") && header.metric() != 1
        || fourcc.equals("IxFI") && header.metric() != 0) {
      throw input.damaged(
          "the index type " + fourcc + " contradicts its metric " + metricName(header.metric()));
    }
    long floats = input.readLong("the number of floats");
    long wanted = product(header.rows(), header.dimension(), header.rows() + " vectors");
    if (floats != wanted) {
      throw input.damaged(
          "it says "
              + header.rows()
              + " vectors of dimension "
              + header.dimension()
              + ", which are "
              + wanted
              + " floats, but also that there are "
              + floats);
    }
    return readable(header, "Flat", coded(header, input.region(floats, 4, "floats of vectors")));
  }

  private static Rows coded(Header header, IndexInput.Region floats) {
    Codec codec = new FloatCodec(header.dimension());
    return new CodedRows(header.rows(), floats, new Packing.Plain(codec.codeSize()), codec);
  }

  private Node readable(Header header, String type, Rows rows) {
    return new Node(header, type, rows, null, Map.of());
  }

  private Node mapped(String fourcc) throws IOException {
    String type = fourcc.equals("IxMp") ? "IDMap" : "IDMap2";
    Header header = header("Index" + type);
    Node inner = nested("an id map");
    if (inner.rows() != null
        && (header.dimension() != inner.header().dimension()
            || header.rows() != inner.header().rows()
            || header.metric() != inner.header().metric())) {
      throw input.damaged(
          "the id map says dimension "
              + header.dimension()
              + ", "
              + header.rows()
              + " vectors, metric "
              + metricName(header.metric())
              + ", the index in it says "
              + inner.header().dimension()
              + ", "
              + inner.header().rows()
              + ", "
              + metricName(inner.header().metric()));
    }
    long labels = input.readLong("the number of ids");
    if (labels != header.rows()) {
      throw input.damaged(
          "it has " + header.rows() + " vectors but says that its id map has " + labels + " ids");
    }
    IndexInput.Region ids = input.region(labels, 8, "ids");
    return around(header, type, inner, inner.rows() == null ? null : idMap(inner.rows(), ids));
  }

  private static Rows idMap(Rows inner, IndexInput.Region ids) {
    return new LabelledRows(inner, ids);
  }

  private static Node around(Header header, String type, Node inner, Rows rows) {
    return new Node(header, type + "," + inner.type(), rows, inner.obstacle(), inner.params());
  }

  private Node scalar() throws IOException {
    Header header = header("IndexScalarQuantizer");
    ScalarCodec codec = scalarQuantizer(header);
    IndexInput.Region codes = codes(header.rows(), codec.codeSize());
    return readable(
        header,
        shortName(codec),
        new CodedRows(header.rows(), codes, new Packing.Plain(codec.codeSize()), codec));
  }

  private static String shortName(ScalarCodec codec) {
    String name = codec.precision().codec();
    return name.substring(0, name.indexOf(','));
  }

  private IndexInput.Region codes(long rows, int codeSize) throws IOException {
    return input.vector(product(rows, codeSize, rows + " codes"), 1, "bytes of codes");
  }

  private long product(long rows, long width, String what) {
    try {
      return Math.multiplyExact(rows, width);
    } catch (ArithmeticException e) {
      throw input.damaged(what + " cannot be in a file of " + input.size() + " bytes");
    }
  }

  private ScalarCodec scalarQuantizer(Header header) throws IOException {
    int type = input.readInt("the type of the scalar quantizer");
    input.readInt("the range of the scalar quantizer");
    input.readFloat("the range of the scalar quantizer");
    long dimension = input.readLong("the dimension of the scalar quantizer");
    long codeSize = input.readLong("the code size of the scalar quantizer");
    if (dimension != header.dimension()) {
      throw input.damaged(
          "the scalar quantizer says dimension " + dimension + ", the index " + header.dimension());
    }
    ScalarCodec.Kind[] kinds = ScalarCodec.Kind.values();
    if (type >= kinds.length && type < 64) {
      throw FileErrors.incompatible(
          path
              + ": its scalar quantizer is of type "
              + type
              + " (TurboQuant or EDEN), which vecferry does not decode. "
              + IndexTypes.EXPORT_WITH_FAISS);
    }
    if (type < 0 || type >= kinds.length) {
      throw input.damaged("the scalar quantizer has the type " + type);
    }
    ScalarCodec.Kind kind = kinds[type];
    int wanted = kind.trainedFloats(header.dimension());
    float[] trained = input.floatsUpTo(wanted, "trained values of the scalar quantizer");
    if (trained.length != wanted && (trained.length != 0 || header.rows() > 0)) {
      throw input.damaged(
          "the scalar quantizer has "
              + trained.length
              + " trained values where "
              + wanted
              + " are needed");
    }
    ScalarCodec codec = new ScalarCodec(kind, header.dimension(), trained);
    // The library itself computes the size again and ignores this one.
    requireCodeSize(codeSize, codec.codeSize());
    return codec;
  }

  private void requireCodeSize(long said, long actual) {
    if (said != actual) {
      throw input.damaged("it says that a code has " + said + " bytes, it has " + actual);
    }
  }

  private ProductCodec productQuantizer(int dimension) throws IOException {
    long said = input.readLong("the dimension of the product quantizer");
    long pieces = input.readLong("the pieces of the product quantizer");
    long bits = input.readLong("the bits of the product quantizer");
    if (said != dimension) {
      throw input.damaged(
          "the product quantizer says dimension " + said + ", the index " + dimension);
    }
    if (pieces < 1 || pieces > dimension || dimension % pieces != 0) {
      throw input.damaged(
          "the product quantizer has " + pieces + " pieces for " + dimension + " components");
    }
    if (bits < 1 || bits > 24) {
      throw input.damaged("the product quantizer has " + bits + " bits; 1 to 24 are possible");
    }
    long floats = (long) dimension << bits;
    IndexInput.Region centroids = input.vector(floats, 4, "floats of centroids");
    if (floats > MOST_FLOATS) {
      throw new StoreException(
          FailureClass.RESOURCE_EXHAUSTED,
          path + ": the codebook of its product quantizer has " + floats + " floats");
    }
    return new ProductCodec(dimension, (int) pieces, (int) bits, centroids);
  }

  private static String shortName(ProductCodec codec) {
    return "PQ" + codec.pieces() + (codec.bits() == 8 ? "" : "x" + codec.bits());
  }

  private Node product(String fourcc) throws IOException {
    Header header = header("IndexPQ");
    ProductCodec codec = productQuantizer(header.dimension());
    IndexInput.Region codes = codes(header.rows(), codec.codeSize());
    if (!fourcc.equals("IxPQ")) {
      input.readInt("the search type");
      input.readFlag("encode_signs");
      input.readInt("the polysemous threshold");
    }
    // The old formats say inner product where they mean L2.
    Header meant =
        fourcc.equals("IxPq")
            ? header
            : new Header(header.dimension(), header.rows(), header.trained(), 1, 0);
    return readable(
        meant,
        shortName(codec),
        new CodedRows(header.rows(), codes, new Packing.Plain(codec.codeSize()), codec));
  }

  private Packing.Blocks blocks(int blockRows, long padded, ProductCodec codec) {
    if (blockRows != Packing.Blocks.BLOCK_ROWS || codec.bits() != 4) {
      throw FileErrors.incompatible(
          path
              + ": fast-scan codes of "
              + codec.bits()
              + " bits in blocks of "
              + blockRows
              + " vectors are not decoded, those of 4 bits in blocks of 32 are. "
              + IndexTypes.EXPORT_WITH_FAISS);
    }
    long even = codec.pieces() + (codec.pieces() & 1);
    if (padded != even) {
      throw input.damaged(
          "fast-scan codes have " + padded + " pieces where " + even + " are needed");
    }
    return new Packing.Blocks(codec.pieces(), (int) padded);
  }

  private Node productFastScan() throws IOException {
    Header header = header("IndexPQFastScan");
    ProductCodec codec = productQuantizer(header.dimension());
    input.readInt("the implementation");
    int blockRows = input.readInt("the block size");
    input.readInt("the query block size");
    input.readLong("the padded number of vectors");
    Packing packing = blocks(blockRows, input.readLong("the padded number of pieces"), codec);
    IndexInput.Region codes = input.vector(1, "bytes of codes");
    if (codes.bytes() < packing.bytes(header.rows())) {
      throw input.damaged(
          "it has "
              + codes.bytes()
              + " bytes of codes, "
              + header.rows()
              + " vectors need "
              + packing.bytes(header.rows()));
    }
    return readable(
        header, shortName(codec) + "fs", new CodedRows(header.rows(), codes, packing, codec));
  }

  private Node twoLayers() throws IOException {
    Header header = header("Index2Layer");
    Node quantizer = nested("Index2Layer");
    long lists = input.readLong("the number of lists");
    input.readByte("quantizer_trains_alone");
    ProductCodec codec = productQuantizer(header.dimension());
    long first = input.readLong("the size of the first code");
    long second = input.readLong("the size of the second code");
    long both = input.readLong("the code size");
    int numberBytes = 0;
    for (long rest = lists - 1; rest > 0; rest >>>= 8) {
      numberBytes++;
    }
    requireCodeSize(first, numberBytes);
    requireCodeSize(second, codec.codeSize());
    requireCodeSize(both, first + second);
    IndexInput.Region codes =
        input.vector(product(header.rows(), both, header.rows() + " codes"), 1, "bytes of codes");
    String type = "Residual" + lists + "," + shortName(codec);
    if (quantizer.rows() == null) {
      return new Node(header, type, null, quantizer.obstacle(), Map.of());
    }
    requireCentroids(quantizer, header.dimension(), lists);
    return readable(
        header, type, new TwoLayerRows(header.rows(), codes, numberBytes, codec, quantizer.rows()));
  }

  private void requireCentroids(Node quantizer, int dimension, long lists) {
    if (quantizer.rows().dimension() != dimension || quantizer.rows().count() < lists) {
      throw input.damaged(
          "it has "
              + quantizer.rows().count()
              + " centroids of dimension "
              + quantizer.rows().dimension()
              + " for "
              + lists
              + " lists of dimension "
              + dimension);
    }
  }

  private Node multiIndex() throws IOException {
    Header header = header("MultiIndexQuantizer");
    ProductCodec codec = productQuantizer(header.dimension());
    return readable(header, "IMI" + codec.pieces() + "x" + codec.bits(), new ProductRows(codec));
  }

  /**
   * What an inverted file starts with.
   *
   * @param oldIds ids of each list, where the format is that of before 2018; otherwise null
   */
  private record Inverted(
      Header header, long lists, long probes, Node quantizer, OldLists oldIds) {}

  /** Ids of the lists of an old format: where each list's are and how many. */
  private record OldLists(List<IndexInput.Region> ids) {}

  private Inverted inverted(String name, boolean old) throws IOException {
    Header header = header(name);
    long lists = input.readLong("the number of lists");
    long probes = input.readLong("nprobe");
    if (lists < 0) {
      throw input.damaged(name + " says " + lists + " lists");
    }
    Node quantizer = nested(name);
    OldLists oldIds = null;
    if (old) {
      oldIds = new OldLists(new ArrayList<>());
      for (long list = 0; list < lists; list++) {
        oldIds.ids().add(input.vector(8, "ids of list " + list));
      }
    }
    directMap();
    return new Inverted(header, lists, probes, quantizer, oldIds);
  }

  /** Where the vectors of an id are; the lists say the same. */
  private void directMap() throws IOException {
    int type = input.readByte("the type of the direct map");
    if (type > 2) {
      throw input.damaged("the direct map has the type " + type);
    }
    input.vector(8, "entries of the direct map");
    if (type == 2) {
      input.vector(16, "entries of the direct map");
    }
  }

  private Node invertedNode(Inverted inverted, String type, Rows rows, String obstacle) {
    Map<String, String> params = new LinkedHashMap<>();
    params.put("nlist", Long.toString(inverted.lists()));
    params.put("nprobe", Long.toString(inverted.probes()));
    String coarse =
        inverted.quantizer().type().equals("Flat") || inverted.quantizer().rows() == null
            ? ""
            : "(" + inverted.quantizer().type() + ")";
    return new Node(
        inverted.header(), "IVF" + inverted.lists() + coarse + "," + type, rows, obstacle, params);
  }

  /** Rows of the lists; with their centroids where codes are residuals. */
  private Node listRows(
      Inverted inverted, String type, Lists lists, Packing packing, Codec codec, boolean residual)
      throws IOException {
    if (lists == null) {
      return invertedNode(
          inverted,
          type,
          null,
          "it was saved without its inverted lists, so there are no vectors in the file. Save it"
              + " again with all its parts.");
    }
    Rows centroids = null;
    if (residual) {
      if (inverted.quantizer().rows() == null) {
        return invertedNode(inverted, type, null, inverted.quantizer().obstacle());
      }
      requireCentroids(inverted.quantizer(), inverted.header().dimension(), inverted.lists());
      centroids = inverted.quantizer().rows().inOrder();
    }
    return invertedNode(inverted, type, new ListRows(lists, packing, codec, centroids), null);
  }

  private Node invertedFlat(String fourcc) throws IOException {
    boolean old = fourcc.startsWith("Iv");
    Inverted inverted = inverted("IndexIVFFlat", old);
    FloatCodec codec = new FloatCodec(inverted.header().dimension());
    Packing packing = new Packing.Plain(codec.codeSize());
    IndexInput.Region pairs = null;
    if (fourcc.equals("IwFd")) {
      pairs = input.vector(8, "entries of the table of duplicates");
      if (pairs.bytes() % 16 != 0) {
        throw input.damaged("the table of duplicates has half a pair");
      }
    }
    Lists lists =
        old
            ? oldLists(inverted, codec.codeSize(), fourcc.equals("IvFl") ? 4 : 1)
            : lists(inverted.lists(), packing, codec.codeSize());
    Node node = listRows(inverted, "Flat", lists, packing, codec, false);
    if (pairs != null && pairs.bytes() > 0 && node.rows() != null) {
      return new Node(
          node.header(),
          node.type() + "Dedup",
          new DuplicateRows(node.rows(), pairs),
          null,
          node.params());
    }
    return node;
  }

  private Node invertedScalar(String fourcc) throws IOException {
    boolean old = fourcc.equals("IvSQ");
    Inverted inverted = inverted("IndexIVFScalarQuantizer", old);
    ScalarCodec codec = scalarQuantizer(inverted.header());
    requireCodeSize(input.readLong("the code size"), codec.codeSize());
    boolean residual = !fourcc.equals("IwSq") || input.readFlag("by_residual");
    Packing packing = new Packing.Plain(codec.codeSize());
    Lists lists =
        old
            ? oldLists(inverted, codec.codeSize(), 1)
            : lists(inverted.lists(), packing, codec.codeSize());
    return listRows(inverted, shortName(codec), lists, packing, codec, residual);
  }

  private Node invertedProduct(String fourcc) throws IOException {
    boolean old = fourcc.startsWith("Iv");
    boolean second = fourcc.endsWith("QR");
    Inverted inverted = inverted(second ? "IndexIVFPQR" : "IndexIVFPQ", old);
    Header header = inverted.header();
    boolean residual = input.readFlag("by_residual");
    long codeSize = input.readLong("the code size");
    ProductCodec codec = productQuantizer(header.dimension());
    requireCodeSize(codeSize, codec.codeSize());
    Packing packing = new Packing.Plain(codec.codeSize());
    Lists lists =
        old
            ? oldLists(inverted, codec.codeSize(), 1)
            : lists(inverted.lists(), packing, codec.codeSize());
    Node node = listRows(inverted, shortName(codec), lists, packing, codec, residual);
    if (!second || !header.trained()) {
      return node;
    }
    ProductCodec refinement = productQuantizer(header.dimension());
    IndexInput.Region codes = codes(header.rows(), refinement.codeSize());
    input.readFloat("k_factor");
    return new Node(
        header,
        node.type() + "+" + refinement.pieces(),
        node.rows() == null ? null : new RefinedRows(node.rows(), codes, refinement),
        node.obstacle(),
        node.params());
  }

  private Node invertedFastScan() throws IOException {
    Inverted inverted = inverted("IndexIVFPQFastScan", false);
    boolean residual = input.readFlag("by_residual");
    long codeSize = input.readLong("the code size");
    int blockRows = input.readInt("the block size");
    long padded = input.readLong("the padded number of pieces");
    input.readInt("the implementation");
    input.readLong("the query block size");
    ProductCodec codec = productQuantizer(inverted.header().dimension());
    requireCodeSize(codeSize, codec.codeSize());
    Packing packing = blocks(blockRows, padded, codec);
    Lists lists = lists(inverted.lists(), packing, codec.codeSize());
    return listRows(inverted, shortName(codec) + "fs", lists, packing, codec, residual);
  }

  private Node independentQuantizer() throws IOException {
    Header header = header("IndexIVFIndependentQuantizer");
    nested("IndexIVFIndependentQuantizer");
    Undoing undoing = new Undoing();
    boolean transformed = input.readFlag("has_vt");
    if (transformed) {
      transform(undoing);
    }
    String fourcc = input.fourcc("the type of the index inside IndexIVFIndependentQuantizer");
    Node inner = index(fourcc, "IndexIVFIndependentQuantizer");
    if (fourcc.equals("IwPQ") || fourcc.equals("IwQR")) {
      input.readInt("use_precomputed_table");
    }
    return undone(header, "IndependentQuantizer", inner, undoing);
  }

  /** Lists of the formats of before 2018: the codes follow, list after list. */
  private Lists oldLists(Inverted inverted, int codeSize, int width) throws IOException {
    Lists lists = new Lists(0);
    for (int list = 0; list < inverted.oldIds().ids().size(); list++) {
      IndexInput.Region ids = inverted.oldIds().ids().get(list);
      long rows = ids.bytes() / 8;
      long bytes = product(rows, codeSize, rows + " codes");
      IndexInput.Region codes = input.vector(bytes / width, width, "codes of list " + list);
      if (rows > 0) {
        lists.add(list, rows, codes.offset(), ids.offset());
      }
    }
    return lists;
  }

  /** Where the lists are; null when they were not saved. */
  private Lists lists(long count, Packing packing, int codeSize) throws IOException {
    String kind = input.fourcc("the kind of the inverted lists");
    return switch (kind) {
      case "il00" -> null;
      case "ilar" -> arrayLists(count, packing, codeSize);
      case "ilbl" -> blockLists(count, packing);
      case "ilod" -> diskLists(count, packing, codeSize);
      case "ilpn", "ilp2" ->
          throw FileErrors.incompatible(
              path
                  + ": inverted lists of the Panorama kind are not read. "
                  + IndexTypes.EXPORT_WITH_FAISS);
      default -> throw input.damaged("inverted lists of an unknown kind '" + kind + "'");
    };
  }

  private void requireLists(long said, long expected, long saidCode, int codeSize) {
    if (said != expected) {
      throw input.damaged("it says " + expected + " lists, and then that there are " + said);
    }
    requireCodeSize(saidCode, codeSize);
  }

  private void requirePlain(Packing packing, String kind) {
    if (!(packing instanceof Packing.Plain)) {
      throw FileErrors.incompatible(
          path
              + ": fast-scan codes in lists of the kind "
              + kind
              + " are not read. "
              + IndexTypes.EXPORT_WITH_FAISS);
    }
  }

  private Lists arrayLists(long count, Packing packing, int codeSize) throws IOException {
    requirePlain(packing, "ilar");
    long said = input.readLong("the number of lists");
    requireLists(said, count, input.readLong("the code size"), codeSize);
    String form = input.fourcc("the form of the list sizes");
    boolean sparse = form.equals("sprs");
    if (!sparse && !form.equals("full")) {
      throw input.damaged("list sizes of an unknown form '" + form + "'");
    }
    IndexInput.Region sizes =
        sparse ? input.vector(8, "sizes of lists") : input.vector(count, 8, "sizes of lists");
    if (sparse && sizes.bytes() % 16 != 0) {
      throw input.damaged("the sizes of the lists end with half a pair");
    }
    IndexInput sizeInput = new IndexInput(path, channel);
    sizeInput.seek(sizes.offset());
    Lists lists = new Lists(0);
    long previous = -1;
    long entries = sizes.bytes() / (sparse ? 16 : 8);
    for (long entry = 0; entry < entries; entry++) {
      long number = sparse ? sizeInput.readLong("a list number") : entry;
      long rows = sizeInput.readLong("a list size");
      if (number <= previous || number >= count) {
        throw input.damaged(
            "list " + number + " comes after list " + previous + " of " + count + " lists");
      }
      previous = number;
      if (rows != 0) {
        IndexInput.Region codes = input.region(rows, codeSize, "codes of list " + number);
        IndexInput.Region ids = input.region(rows, 8, "ids of list " + number);
        lists.add(number, rows, codes.offset(), ids.offset());
      }
    }
    return lists;
  }

  private Lists blockLists(long count, Packing packing) throws IOException {
    long said = input.readLong("the number of lists");
    input.readLong("the code size");
    long blockRows = input.readLong("the block size");
    long blockBytes = input.readLong("the bytes of a block");
    if (!(packing instanceof Packing.Blocks blocks)
        || blockRows != Packing.Blocks.BLOCK_ROWS
        || blockBytes != blocks.blockBytes()) {
      throw FileErrors.incompatible(
          path
              + ": blocks of "
              + blockRows
              + " codes in "
              + blockBytes
              + " bytes are not read. "
              + IndexTypes.EXPORT_WITH_FAISS);
    }
    if (said != count) {
      throw input.damaged("it says " + count + " lists, and then that there are " + said);
    }
    Lists lists = new Lists(0);
    for (long list = 0; list < count; list++) {
      IndexInput.Region ids = input.vector(8, "ids of list " + list);
      IndexInput.Region codes = input.vector(1, "bytes of codes of list " + list);
      long rows = ids.bytes() / 8;
      if (codes.bytes() < packing.bytes(rows)) {
        throw input.damaged(
            "list " + list + " has " + codes.bytes() + " bytes of codes for " + rows + " vectors");
      }
      if (rows > 0) {
        lists.add(list, rows, codes.offset(), ids.offset());
      }
    }
    return lists;
  }

  private Lists diskLists(long count, Packing packing, int codeSize) throws IOException {
    requirePlain(packing, "ilod");
    long said = input.readLong("the number of lists");
    requireLists(said, count, input.readLong("the code size"), codeSize);
    IndexInput.Region table = input.vector(count, 24, "on-disk lists");
    input.vector(16, "free slots");
    IndexInput.Region name = input.vector(1, "bytes of the name of the file with the lists");
    long total = input.readLong("the size of the file with the lists");
    if (name.bytes() > 4096) {
      throw input.damaged("the name of the file with the lists has " + name.bytes() + " bytes");
    }
    IndexInput again = new IndexInput(path, channel);
    again.seek(name.offset());
    byte[] letters = new byte[(int) name.bytes()];
    for (int i = 0; i < letters.length; i++) {
      letters[i] = (byte) again.readByte("the name of the file with the lists");
    }
    long size = findListsFile(new String(letters, StandardCharsets.UTF_8), total);
    again.seek(table.offset());
    Lists lists = new Lists(1);
    for (long list = 0; list < count; list++) {
      long rows = again.readLong("the size of a list");
      long capacity = again.readLong("the capacity of a list");
      long offset = again.readLong("the place of a list");
      if (rows == 0) {
        continue;
      }
      boolean fits =
          rows > 0
              && rows <= capacity
              && offset >= 0
              && offset <= size
              && capacity <= (size - offset) / (codeSize + 8L);
      if (!fits) {
        throw FileErrors.bad(
            path
                + ": list "
                + list
                + " with "
                + rows
                + " vectors does not fit into "
                + listsFile
                + ", which has "
                + size
                + " bytes");
      }
      lists.add(list, rows, offset, offset + capacity * codeSize);
    }
    return lists;
  }

  /** The stored path is where the lists were made; normally they were moved with the index. */
  private long findListsFile(String stored, long total) {
    Path folder = path.toAbsolutePath().getParent();
    try {
      Path asStored = Path.of(stored);
      Path name = asStored.getFileName();
      Path beside = name == null ? folder : folder.resolve(name.toString());
      Path found =
          Files.isRegularFile(beside)
              ? beside
              : Files.isRegularFile(folder.resolve(asStored)) ? folder.resolve(asStored) : null;
      if (found == null) {
        throw new StoreException(
            FailureClass.MISSING,
            path
                + " keeps its vectors in the file '"
                + printable(stored)
                + "', which is neither there nor in "
                + folder
                + ". Copy it beside the index.");
      }
      long size = Files.size(found);
      if (size < total) {
        throw FileErrors.bad(
            found + " has " + size + " bytes, " + path + " says that it has " + total);
      }
      if (listsFile != null && !listsFile.equals(found)) {
        throw FileErrors.incompatible(path + " keeps its lists in several files");
      }
      listsFile = found;
      return size;
    } catch (InvalidPathException e) {
      throw input.damaged("the name of the file with the lists is '" + printable(stored) + "'");
    } catch (IOException e) {
      throw FileErrors.of("reading", folder, e);
    }
  }

  private static String printable(String text) {
    return text.replaceAll("\\p{Cntrl}", "?");
  }

  private Node smallWorld(String fourcc) throws IOException {
    Header header = header("IndexHNSW");
    if (fourcc.equals("IHfP")) {
      input.readLong("the number of levels");
      input.vector(4, "sums");
    } else if (fourcc.equals("IHNc") || fourcc.equals("IHc2")) {
      input.readFlag("keep_max_size_level0");
      input.readFlag("base_level_only");
      input.readInt("the number of entry points");
      if (fourcc.equals("IHc2")) {
        input.readInt("the numeric type");
      }
    }
    Map<String, String> params = graph(header.rows());
    Node storage = nested("IndexHNSW");
    return overGraph(header, "HNSW" + params.get("M"), storage, params);
  }

  private Map<String, String> graph(long rows) throws IOException {
    input.vector(8, "probabilities of levels");
    IndexInput.Region neighbours = input.vector(4, "neighbours per level");
    input.vector(rows, 4, "levels");
    input.vector(rows + 1, 8, "offsets of neighbours");
    input.vector(4, "neighbours");
    input.readInt("the entry point");
    input.readInt("the highest level");
    int construction = input.readInt("efConstruction");
    int search = input.readInt("efSearch");
    input.readInt("upper_beam");
    Map<String, String> params = new LinkedHashMap<>();
    int links = 0;
    if (neighbours.bytes() >= 8) {
      IndexInput again = new IndexInput(path, channel);
      again.seek(neighbours.offset() + 4);
      links = again.readInt("neighbours per level") / 2;
    }
    params.put("M", Integer.toString(links));
    params.put("efConstruction", Integer.toString(construction));
    params.put("efSearch", Integer.toString(search));
    return params;
  }

  private Node overGraph(Header header, String type, Node storage, Map<String, String> params) {
    if (storage.rows() != null
        && (storage.header().rows() != header.rows()
            || storage.rows().dimension() != header.dimension())) {
      throw input.damaged(
          type
              + " says "
              + header.rows()
              + " vectors of dimension "
              + header.dimension()
              + ", the index inside says "
              + storage.header().rows()
              + " of dimension "
              + storage.rows().dimension());
    }
    return new Node(
        header, type + "," + storage.type(), storage.rows(), storage.obstacle(), params);
  }

  private Node spreadingGraph() throws IOException {
    Header header = header("IndexNSG");
    input.readInt("GK");
    input.readByte("the build type");
    for (int i = 0; i < 4; i++) {
      input.readInt("a parameter of NNDescent");
    }
    int nodes = input.readInt("the number of nodes");
    int links = input.readInt("R");
    input.readInt("L");
    input.readInt("C");
    input.readInt("search_L");
    input.readInt("the entry point");
    if (nodes < 0 || links < 1) {
      throw input.damaged("IndexNSG says " + nodes + " nodes of " + links + " neighbours");
    }
    if (input.readFlag("is_built")) {
      // A full row has an end mark too; there is no other way to its end than to read it.
      for (int node = 0; node < nodes; node++) {
        int read = 0;
        while (input.readInt("neighbours of node " + node) != -1) {
          if (++read > links) {
            throw input.damaged("node " + node + " has more than " + links + " neighbours");
          }
        }
      }
    }
    return overGraph(
        header, "NSG" + links, nested("IndexNSG"), Map.of("R", Integer.toString(links)));
  }

  private Node descentGraph() throws IOException {
    Header header = header("IndexNNDescent");
    for (int i = 0; i < 9; i++) {
      input.readInt("a parameter of NNDescent");
    }
    input.readFlag("has_built");
    input.vector(4, "neighbours");
    return overGraph(header, "NNDescent", nested("IndexNNDescent"), Map.of());
  }

  private Node refined() throws IOException {
    Header header = header("IndexRefine");
    Node base = nested("IndexRefine");
    Node refinement = nested("IndexRefine");
    input.readFloat("k_factor");
    Node best = refinement.rows() != null ? refinement : base;
    if (best.rows() != null && best.header().rows() != header.rows()) {
      throw input.damaged(
          "IndexRefine says "
              + header.rows()
              + " vectors, the index inside "
              + best.header().rows());
    }
    return new Node(
        header,
        base.type() + ",Refine(" + refinement.type() + ")",
        best.rows(),
        best.obstacle(),
        base.params());
  }

  /** Transforms as far as they can be undone. */
  private static final class Undoing {
    private final List<Transform> transforms = new ArrayList<>();
    private String obstacle;
  }

  private Node transformed() throws IOException {
    Header header = header("IndexPreTransform");
    int count = input.readInt("the number of transforms");
    if (count < 0 || count > DEEPEST) {
      throw input.damaged("IndexPreTransform says " + count + " transforms");
    }
    Undoing undoing = new Undoing();
    StringBuilder names = new StringBuilder();
    for (int i = 0; i < count; i++) {
      names.append(i == 0 ? "" : ",").append(transform(undoing));
    }
    Node inner = nested("IndexPreTransform");
    return undone(header, names.isEmpty() ? "PreTransform" : names.toString(), inner, undoing);
  }

  private Node undone(Header header, String type, Node inner, Undoing undoing) {
    if (undoing.obstacle != null || inner.rows() == null) {
      String obstacle = undoing.obstacle == null ? inner.obstacle() : undoing.obstacle;
      return new Node(header, type + "," + inner.type(), null, obstacle, inner.params());
    }
    int dimension = inner.rows().dimension();
    for (int i = undoing.transforms.size() - 1; i >= 0; i--) {
      Transform transform = undoing.transforms.get(i);
      if (transform.after() != dimension) {
        throw input.damaged(
            "a transform makes "
                + transform.after()
                + " components where "
                + dimension
                + " are needed");
      }
      dimension = transform.before();
    }
    if (dimension != header.dimension()) {
      throw input.damaged(
          "the transforms start with dimension "
              + dimension
              + ", the index says "
              + header.dimension());
    }
    if (undoing.transforms.isEmpty()) {
      return around(header, type, inner, inner.rows());
    }
    return around(header, type, inner, new TransformedRows(inner.rows(), undoing.transforms));
  }

  /** Reads a transform and returns its name. */
  private String transform(Undoing undoing) throws IOException {
    if (++depth > DEEPEST) {
      throw input.damaged("transforms are nested more than " + DEEPEST + " deep");
    }
    String name = readTransform(undoing);
    depth--;
    return name;
  }

  private String readTransform(Undoing undoing) throws IOException {
    String fourcc = input.fourcc("the type of a transform");
    float[] matrix = null;
    float[] bias = null;
    float[] mean = null;
    IndexInput.Region map = null;
    boolean power = false;
    switch (fourcc) {
      case "LTra", "rrot", "Viqm", "PCAm", "PcAm", "Pcam" -> {
        if (fourcc.equals("Viqm")) {
          input.readInt("max_iter");
          input.readInt("the seed");
        } else if (fourcc.startsWith("P")) {
          power = input.readFloat("eigen_power") != 0;
          if (fourcc.equals("Pcam")) {
            input.readFloat("epsilon");
          }
          input.readFlag("random_rotation");
          if (!fourcc.equals("PCAm")) {
            input.readInt("balanced_bins");
          }
          input.vector(4, "floats of a mean");
          input.vector(4, "eigenvalues");
          input.vector(4, "floats of a matrix");
        }
        boolean biased = input.readFlag("have_bias");
        matrix = input.floatsUpTo(MOST_FLOATS, "floats of a matrix");
        float[] read = input.floatsUpTo(MAXIMUM_DIMENSION, "floats of a bias");
        bias = biased ? read : null;
      }
      case "RmDT" -> map = input.vector(4, "entries of a map of dimensions");
      case "VNrm" -> input.readFloat("the norm");
      case "VCnt" -> mean = input.floatsUpTo(MAXIMUM_DIMENSION, "floats of a mean");
      case "HRot" -> input.readInt("the seed");
      case "Viqt" -> {
        input.floatsUpTo(MAXIMUM_DIMENSION, "floats of a mean");
        input.readFlag("do_pca");
        transform(new Undoing());
        transform(new Undoing());
      }
      default ->
          throw FileErrors.incompatible(
              path
                  + ": a transform of the type '"
                  + printable(fourcc)
                  + "' is not known. "
                  + IndexTypes.EXPORT_WITH_FAISS);
    }
    int before = dimension(input.readInt("d_in"));
    int after = dimension(input.readInt("d_out"));
    input.readFlag("is_trained");
    switch (fourcc) {
      case "VNrm" -> {
        undoing.transforms.add(new Transform.Normalisation(before));
        return "L2norm";
      }
      case "VCnt" -> {
        requireLength(mean, before, "a mean");
        undoing.transforms.add(new Transform.Centring(before, mean));
        return "Centred";
      }
      case "RmDT" -> {
        undoing.transforms.add(new Transform.Remapping(before, origins(map, before, after)));
        return "Remap" + after;
      }
      case "HRot", "Viqt" -> {
        String name = fourcc.equals("HRot") ? "HadamardRotation" : "ITQTransform";
        undoing.obstacle =
            name
                + " cannot be undone, FAISS itself cannot reconstruct vectors behind it. Migrate"
                + " from the original vectors.";
        return name;
      }
      default -> {
        return rotation(undoing, fourcc, power, before, after, matrix, bias);
      }
    }
  }

  private String rotation(
      Undoing undoing,
      String fourcc,
      boolean power,
      int before,
      int after,
      float[] matrix,
      float[] bias)
      throws IOException {
    String name =
        (fourcc.startsWith("P")
                ? power ? "PCAW" : "PCA"
                : fourcc.equals("rrot") ? "RR" : fourcc.equals("Viqm") ? "ITQ" : "Linear")
            + after;
    if (matrix.length < (long) before * after) {
      throw input.damaged(
          name + " has a matrix of " + matrix.length + " floats for " + before + " x " + after);
    }
    if (bias != null && bias.length < after) {
      throw input.damaged(name + " has a bias of " + bias.length + " floats");
    }
    if (!Transform.Rotation.orthonormal(matrix, before, after)) {
      undoing.obstacle =
          name
              + " is no rotation (its matrix is not orthonormal), so that FAISS itself cannot"
              + " reconstruct vectors behind it. Migrate from the original vectors.";
    }
    undoing.transforms.add(new Transform.Rotation(name, before, after, matrix, bias));
    return name;
  }

  private int dimension(int dimension) {
    if (dimension < 1 || dimension > MAXIMUM_DIMENSION) {
      throw input.damaged("a transform says dimension " + dimension);
    }
    return dimension;
  }

  private void requireLength(float[] values, int wanted, String what) {
    if (values.length != wanted) {
      throw input.damaged(what + " has " + values.length + " floats where " + wanted + " belong");
    }
  }

  private int[] origins(IndexInput.Region map, int before, int after) throws IOException {
    if (map.bytes() != after * 4L) {
      throw input.damaged(
          "a map of dimensions has " + map.bytes() / 4 + " entries where " + after + " belong");
    }
    IndexInput again = new IndexInput(path, channel);
    again.seek(map.offset());
    int[] origins = new int[after];
    for (int i = 0; i < after; i++) {
      origins[i] = again.readInt("a map of dimensions");
      if (origins[i] < -1 || origins[i] >= before) {
        throw input.damaged("a map of dimensions refers to dimension " + origins[i]);
      }
    }
    return origins;
  }

  private Header binaryHeader(String name) throws IOException {
    String what = "the header of " + name;
    int bits = input.readInt(what);
    int codeSize = input.readInt(what);
    int swapped = Integer.reverseBytes(bits);
    if (bits != swapped
        && swapped > 0
        && swapped <= MAXIMUM_DIMENSION
        && swapped == 8L * Integer.reverseBytes(codeSize)) {
      throw bigEndian();
    }
    long rows = input.readLong(what);
    boolean trained = input.readFlag(what + ": is_trained");
    input.readInt(what);
    if (bits < 8 || bits > MAXIMUM_DIMENSION || bits % 8 != 0 || codeSize != bits / 8) {
      throw input.damaged(what + " says " + bits + " bits in " + codeSize + " bytes");
    }
    if (rows < 0) {
      throw input.damaged(what + " says " + rows + " vectors");
    }
    return new Header(bits, rows, trained, IndexFile.HAMMING, 0);
  }

  private Node binary(String fourcc, String around) throws IOException {
    if (++depth > DEEPEST) {
      throw input.damaged("indexes are nested more than " + DEEPEST + " deep");
    }
    Node node =
        switch (fourcc) {
          case "IBxF" -> {
            Header header = binaryHeader("IndexBinaryFlat");
            BitCodec codec = new BitCodec(header.dimension());
            yield readable(
                header,
                "BinaryFlat",
                new CodedRows(
                    header.rows(),
                    codes(header.rows(), codec.codeSize()),
                    new Packing.Plain(codec.codeSize()),
                    codec));
          }
          case "IBMp", "IBM2" -> {
            Header header = binaryHeader("IndexBinaryIDMap");
            Node inner = nestedBinary("a binary id map");
            if (inner.header().rows() != header.rows()
                || inner.header().dimension() != header.dimension()) {
              throw input.damaged(
                  "the id map says "
                      + header.rows()
                      + " vectors, the index in it "
                      + inner.header().rows());
            }
            IndexInput.Region ids = input.vector(header.rows(), 8, "ids");
            String type = fourcc.equals("IBMp") ? "IDMap" : "IDMap2";
            yield around(
                header, type, inner, inner.rows() == null ? null : idMap(inner.rows(), ids));
          }
          case "IBwF" -> {
            Header header = binaryHeader("IndexBinaryIVF");
            long count = input.readLong("the number of lists");
            long probes = input.readLong("nprobe");
            Node quantizer = nestedBinary("IndexBinaryIVF");
            directMap();
            BitCodec codec = new BitCodec(header.dimension());
            Packing packing = new Packing.Plain(codec.codeSize());
            Lists lists = lists(count, packing, codec.codeSize());
            Inverted inverted = new Inverted(header, count, probes, quantizer, null);
            yield listRows(inverted, "Binary", lists, packing, codec, false);
          }
          case "IBHf", "IBHc" -> {
            Header header = binaryHeader("IndexBinaryHNSW");
            if (fourcc.equals("IBHc")) {
              input.readFlag("keep_max_size_level0");
              input.readFlag("base_level_only");
              input.readInt("the number of entry points");
            }
            Map<String, String> params = graph(header.rows());
            yield overGraph(
                header, "HNSW" + params.get("M"), nestedBinary("IndexBinaryHNSW"), params);
          }
          default -> throw refuse(fourcc, around);
        };
    depth--;
    return node;
  }

  private Node nestedBinary(String around) throws IOException {
    String fourcc = input.fourcc("the type of the index inside " + around);
    return fourcc.equals("null") ? absent(around) : binary(fourcc, around);
  }

  private static String metricName(int metric) {
    Metric known = IndexFile.metric(metric);
    return known == null ? "number " + metric : known.spelling();
  }

  private StoreException refuse(String fourcc, String around) throws IOException {
    String name = IndexTypes.unsupportedClass(fourcc);
    if (name != null) {
      return FileErrors.incompatible(
          path
              + ": index type "
              + name
              + " ("
              + fourcc
              + ")"
              + (around.isEmpty() ? "" : " inside " + around)
              + " cannot be read: "
              + IndexTypes.reason(fourcc));
    }
    if (!around.isEmpty()) {
      return input.damaged(around + " holds an unknown index type");
    }
    String reversed = new StringBuilder(fourcc).reverse().toString();
    if (IndexTypes.isIndex(reversed)) {
      return bigEndian();
    }
    return foreign();
  }

  private StoreException bigEndian() {
    return FileErrors.incompatible(
        path
            + " looks big-endian: FAISS wrote it on a machine with another order of bytes, and no"
            + " other machine reads it. Save the vectors there (index.reconstruct_n(0,"
            + " index.ntotal)) and add them to a new index here.");
  }

  private StoreException foreign() throws IOException {
    byte[] start = new byte[(int) Math.min(64, input.size())];
    channel.read(java.nio.ByteBuffer.wrap(start), 0);
    return FileErrors.incompatible(
        path
            + " is "
            + IndexTypes.foreignFormat(start, start.length)
            + ", not a FAISS index; supported: "
            + IndexTypes.SUPPORTED);
  }
}
