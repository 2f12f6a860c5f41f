package io.vecferry.store.qdrant;

import io.qdrant.client.grpc.Collections.BinaryQuantization;
import io.qdrant.client.grpc.Collections.CompressionRatio;
import io.qdrant.client.grpc.Collections.HnswConfigDiff;
import io.qdrant.client.grpc.Collections.ProductQuantization;
import io.qdrant.client.grpc.Collections.QuantizationConfig;
import io.qdrant.client.grpc.Collections.QuantizationType;
import io.qdrant.client.grpc.Collections.ScalarQuantization;
import io.vecferry.plan.Finding;
import io.vecferry.store.IndexParameter;
import io.vecferry.store.IndexParameters;
import io.vecferry.store.StoreSettings;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The index that a spec asks for, in Qdrant's terms: one graph over all vectors, which may be
 * quantized. Names of parameters are taken in the spellings of all stores.
 *
 * @param hnsw what is not the server's default
 * @param quantization what is asked for; null for none or the server's default
 * @param findings what cannot be
 */
record IndexPlan(HnswConfigDiff hnsw, QuantizationConfig quantization, List<Finding> findings) {
  /**
   * Types that are taken, in upper case without punctuation, and the quantization that they mean.
   */
  private static final Map<String, String> TYPES = types();

  private static final List<String> SHOWN_TYPES =
      List.of("HNSW", "FLAT", "HNSW_SQ", "HNSW_PQ", "HNSW_BQ");

  private static Map<String, String> types() {
    Map<String, String> types = new LinkedHashMap<>();
    for (String type : List.of("", "HNSW", "HNSWFLAT", "AUTOINDEX", "FLAT")) {
      types.put(type, "none");
    }
    for (String type : List.of("HNSWSQ", "HNSWSQ8", "INT8HNSW")) {
      types.put(type, "scalar");
    }
    types.put("HNSWPQ", "product");
    for (String type : List.of("HNSWBQ", "BBQHNSW")) {
      types.put(type, "binary");
    }
    return types;
  }

  /** Largest beam that is taken, and largest of most other parameters. */
  static final int LARGEST = 10_000;

  private static final IndexParameters PARAMETERS =
      new IndexParameters(
          "Qdrant's graph",
          List.of(
              IndexParameter.degree("M", 2, LARGEST),
              IndexParameter.searchBeam("ef", 0, LARGEST),
              IndexParameter.buildBeam("efConstruction", 4, LARGEST),
              IndexParameter.whole("fullScanThreshold", 0, Long.MAX_VALUE),
              IndexParameter.whole("maxIndexingThreads", 0, LARGEST),
              IndexParameter.words("onDisk", "true", "false"),
              IndexParameter.whole("payloadM", 0, LARGEST)));

  /**
   * @param type the spec's {@code index.type}
   * @param parameters the spec's {@code index.params}
   * @param quantization the spec's {@code options.quantization}; empty for what the type means
   */
  static IndexPlan of(String type, Map<String, String> parameters, String quantization) {
    List<Finding> findings = new ArrayList<>();
    String plain = plain(type).toUpperCase(Locale.ROOT);
    String meant = TYPES.get(plain);
    if (meant == null) {
      findings.add(
          Finding.blocking(
              "target.index.type",
              "Qdrant has no index of type '" + type + "', only a graph that may be quantized.",
              "Use one of "
                  + String.join(", ", SHOWN_TYPES)
                  + ", or leave it out, which means HNSW."));
    }
    HnswConfigDiff.Builder hnsw = HnswConfigDiff.newBuilder();
    PARAMETERS.read(parameters, findings).forEach((name, value) -> set(hnsw, name, value));
    if (plain.equals("FLAT")) {
      if (hnsw.hasM()) {
        findings.add(
            Finding.blocking(
                "target.index.params.M",
                "FLAT means no graph, which has no degree.",
                "Leave it out."));
      }
      hnsw.setM(0);
    }
    return new IndexPlan(
        hnsw.build(), quantization(quantization.isEmpty() ? meant : quantization), findings);
  }

  /** The beam of a search that a spec asks for; 0 when it does not. */
  static int searchBeam(StoreSettings settings) {
    Map<String, String> parameters =
        PARAMETERS.read(settings.texts("index.params"), new ArrayList<>());
    return Integer.parseInt(parameters.getOrDefault("ef", "0"));
  }

  private static void set(HnswConfigDiff.Builder hnsw, String name, String value) {
    switch (name) {
      case "M" -> hnsw.setM(Long.parseLong(value));
      case "efConstruction" -> hnsw.setEfConstruct(Long.parseLong(value));
      case "fullScanThreshold" -> hnsw.setFullScanThreshold(Long.parseLong(value));
      case "payloadM" -> hnsw.setPayloadM(Long.parseLong(value));
      case "maxIndexingThreads" -> hnsw.setMaxIndexingThreads(Long.parseLong(value));
      case "onDisk" -> hnsw.setOnDisk(Boolean.parseBoolean(value));
      default -> {
        // The beam of a search is no property of the collection; see searchBeam.
      }
    }
  }

  private static QuantizationConfig quantization(String kind) {
    QuantizationConfig.Builder config = QuantizationConfig.newBuilder();
    return switch (kind == null ? "none" : kind) {
      case "scalar" ->
          config
              .setScalar(
                  ScalarQuantization.newBuilder()
                      .setType(QuantizationType.Int8)
                      .setQuantile(0.99f)
                      .setAlwaysRam(true))
              .build();
      case "product" ->
          config
              .setProduct(
                  ProductQuantization.newBuilder()
                      .setCompression(CompressionRatio.x16)
                      .setAlwaysRam(true))
              .build();
      case "binary" -> config.setBinary(BinaryQuantization.newBuilder().setAlwaysRam(true)).build();
      default -> null;
    };
  }

  private static String plain(String name) {
    return name.replaceAll("[^A-Za-z0-9]", "");
  }
}
