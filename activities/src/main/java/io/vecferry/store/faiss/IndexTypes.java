package io.vecferry.store.faiss;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** Names for what stands at the beginning of a file: FAISS index classes and foreign formats. */
final class IndexTypes {
  static final String SUPPORTED =
      "Flat, IDMap, IVF, HNSW, NSG, NNDescent, scalar and product quantizers, Refine,"
          + " PreTransform, and binary indexes";

  /** What to do about a type that FAISS can decode and vecferry cannot. */
  static final String EXPORT_WITH_FAISS =
      "Write a flat index with FAISS itself (index_factory(d, \"Flat\") with"
          + " index.reconstruct_n(0, index.ntotal) added to it) and migrate that one, or migrate"
          + " from the original vectors.";

  private static final String FROM_ORIGINALS = "Migrate from the original vectors.";

  private static final Map<String, String> CLASSES = new HashMap<>();

  static {
    String table =
        """
        IxHe IndexLSH
        IxHE IndexLSH
        IxLa IndexLattice
        IwSh IndexIVFSpectralHash
        IxRq IndexResidualQuantizer
        IxRQ IndexResidualQuantizer
        IxLS IndexLocalSearchQuantizer
        IxPR IndexProductResidualQuantizer
        IxPL IndexProductLocalSearchQuantizer
        ImRQ ResidualCoarseQuantizer
        IwRQ IndexIVFResidualQuantizer
        IwLS IndexIVFLocalSearchQuantizer
        IwPR IndexIVFProductResidualQuantizer
        IwPL IndexIVFProductLocalSearchQuantizer
        ILfs IndexLocalSearchQuantizerFastScan
        IRfs IndexResidualQuantizerFastScan
        IPLf IndexProductLocalSearchQuantizerFastScan
        IPRf IndexProductResidualQuantizerFastScan
        IVLf IndexIVFLocalSearchQuantizerFastScan
        IVRf IndexIVFResidualQuantizerFastScan
        NPLf IndexIVFProductLocalSearchQuantizerFastScan
        NPRf IndexIVFProductResidualQuantizerFastScan
        Ixrq IndexRaBitQ
        Ixrr IndexRaBitQ
        Iwrq IndexIVFRaBitQ
        Iwrr IndexIVFRaBitQ
        Irfn IndexRaBitQFastScan
        Irfs IndexRaBitQFastScan
        Iwrn IndexIVFRaBitQFastScan
        Iwrf IndexIVFRaBitQFastScan
        IxEe IndexEDEN
        IxEd IndexEDEN
        IwEe IndexIVFEDEN
        IwEd IndexIVFEDEN
        IxFP IndexFlatPanorama
        IxFp IndexFlatPanorama
        IwPn IndexIVFFlatPanorama
        IwP2 IndexIVFFlatPanorama
        IRMf IndexRowwiseMinMax
        IRMh IndexRowwiseMinMaxFP16
        ILVQ IndexSVSVamanaLVQ
        IBFf IndexBinaryFromFloat
        IBHh IndexBinaryHash
        IBHm IndexBinaryMultiHash
        """;
    table.lines().forEach(line -> CLASSES.put(line.substring(0, 4), line.substring(5).strip()));
  }

  private IndexTypes() {}

  /** The class of an index type that cannot be read, or null when this is no FAISS type at all. */
  static String unsupportedClass(String fourcc) {
    return fourcc.startsWith("ISV") || fourcc.startsWith("ISI") ? "IndexSVS" : CLASSES.get(fourcc);
  }

  /** Whether an index may start with this: index types are the only ones that start so. */
  static boolean isIndex(String fourcc) {
    return fourcc.matches("I[xwvHNBMR][A-Za-z0-9]{2}|I[PR]fs|Imiq") || CLASSES.containsKey(fourcc);
  }

  /** Why a class cannot be read, and what to do. */
  static String reason(String fourcc) {
    return switch (fourcc) {
      case "IxHe", "IxHE", "IwSh", "IBHh", "IBFf" ->
          "it keeps only bits that were computed from the vectors. " + FROM_ORIGINALS;
      case "IRMf", "IRMh" ->
          "it only encodes vectors for others and never holds any. " + FROM_ORIGINALS;
      default -> "vecferry does not decode it. " + EXPORT_WITH_FAISS;
    };
  }

  /** What a file with this beginning is, in words. */
  static String foreignFormat(byte[] head, int length) {
    if (length == 0) {
      return "an empty file";
    }
    if (startsWith(head, length, 0x1f, 0x8b)) {
      return "a gzip file";
    }
    if (startsWith(head, length, 0x28, 0xb5, 0x2f, 0xfd)) {
      return "a zstd file";
    }
    if (startsWith(head, length, 0x93, 'N', 'U', 'M', 'P', 'Y')) {
      return "a NumPy array file";
    }
    if (startsWith(head, length, 'P', 'A', 'R', '1')) {
      return "a Parquet file";
    }
    if (startsWith(head, length, 'P', 'K', 3, 4) || startsWith(head, length, 'P', 'K', 5, 6)) {
      return "a zip file";
    }
    if (startsWith(head, length, 0x89, 'H', 'D', 'F')) {
      return "an HDF5 file";
    }
    if (startsWith(head, length, 'S', 'Q', 'L', 'i', 't', 'e')) {
      return "an SQLite file";
    }
    if (head[0] == (byte) 0x80 && length > 1 && head[1] >= 2 && head[1] <= 5) {
      return "a Python pickle";
    }
    boolean text = true;
    for (int i = 0; i < length; i++) {
      text &=
          head[i] >= 0x20 && head[i] < 0x7f
              || head[i] == '\n'
              || head[i] == '\r'
              || head[i] == '\t';
    }
    if (!text) {
      return "a file that starts with the bytes " + hexadecimal(head, Math.min(length, 8));
    }
    String start = new String(head, 0, length, StandardCharsets.US_ASCII).strip();
    return start.startsWith("{") || start.startsWith("[") ? "a JSON file" : "a text file";
  }

  private static boolean startsWith(byte[] head, int length, int... prefix) {
    if (length < prefix.length) {
      return false;
    }
    for (int i = 0; i < prefix.length; i++) {
      if ((head[i] & 0xff) != prefix[i]) {
        return false;
      }
    }
    return true;
  }

  private static String hexadecimal(byte[] head, int length) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      text.append(String.format("%s%02x", i == 0 ? "" : " ", head[i] & 0xff));
    }
    return text.toString();
  }
}
