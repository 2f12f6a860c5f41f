package io.vecferry.store.faiss;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** Names for what stands at the beginning of a file: FAISS index classes and foreign formats. */
final class IndexTypes {
  static final String SUPPORTED =
      "IndexFlatL2 (IxF2), IndexFlatIP (IxFI), IndexFlat (IxFl), and IndexIDMap (IxMp) and"
          + " IndexIDMap2 (IxM2) over them";

  private static final Map<String, String> CLASSES = new HashMap<>();

  static {
    String table =
        """
        IxSQ IndexScalarQuantizer
        IxPq IndexPQ
        IxPQ IndexPQ
        IxPo IndexPQ
        IwFl IndexIVFFlat
        IwFd IndexIVFFlatDedup
        IwSq IndexIVFScalarQuantizer
        IwSQ IndexIVFScalarQuantizer
        IwPQ IndexIVFPQ
        IwQR IndexIVFPQR
        IHNf IndexHNSWFlat
        IHNs IndexHNSWSQ
        IHNp IndexHNSWPQ
        IHN2 IndexHNSW2Level
        IH00 IndexHNSW
        IHNc IndexHNSWCagra
        IHc2 IndexHNSWCagra
        IHfP IndexHNSWFlatPanorama
        IxRF IndexRefineFlat
        IxRP IndexRefinePanorama
        IxPT IndexPreTransform
        Ix2L Index2Layer
        Imiq MultiIndexQuantizer
        IPfs IndexPQFastScan
        IwPf IndexIVFPQFastScan
        IRMf IndexRowwiseMinMax
        IRMh IndexRowwiseMinMaxFP16
        IwIQ IndexIVFIndependentQuantizer
        IxHe IndexLSH
        IxHE IndexLSH
        INSf IndexNSGFlat
        INSp IndexNSGPQ
        INSs IndexNSGSQ
        INNf IndexNNDescentFlat
        IxRq IndexResidualQuantizer
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
        Iwrn IndexIVFRaBitQFastScan
        IxEe IndexEDEN
        IwEe IndexIVFEDEN
        IxFP IndexFlatPanorama
        IxFp IndexFlatPanorama
        IwPn IndexIVFFlatPanorama
        IwP2 IndexIVFFlatPanorama
        IvFl IndexIVFFlat of before 2018
        IvFL IndexIVFFlat of before 2018
        IvSQ IndexIVFScalarQuantizer of before 2018
        IvPQ IndexIVFPQ of before 2018
        IvQR IndexIVFPQR of before 2018
        IBxF IndexBinaryFlat
        IBMp IndexBinaryIDMap
        IBM2 IndexBinaryIDMap2
        IBwF IndexBinaryIVF
        IBHf IndexBinaryHNSW
        IBFf IndexBinaryFromFloat
        IBHh IndexBinaryHash
        IBHm IndexBinaryMultiHash
        """;
    table.lines().forEach(line -> CLASSES.put(line.substring(0, 4), line.substring(5).strip()));
  }

  private IndexTypes() {}

  /** The class of an index type that cannot be read, or null when this is no FAISS type at all. */
  static String unsupportedClass(String fourcc) {
    return fourcc.startsWith("ISV") ? "IndexSVS" : CLASSES.get(fourcc);
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
