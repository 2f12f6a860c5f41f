package io.vecferry.store.qdrant;

import io.qdrant.client.grpc.Collections.CollectionConfig;
import io.qdrant.client.grpc.Collections.CollectionInfo;
import io.qdrant.client.grpc.Collections.CollectionParams;
import io.qdrant.client.grpc.Collections.Datatype;
import io.qdrant.client.grpc.Collections.Distance;
import io.qdrant.client.grpc.Collections.HnswConfigDiff;
import io.qdrant.client.grpc.Collections.VectorParams;
import io.vecferry.record.ElementType;
import io.vecferry.record.VectorKind;
import io.vecferry.store.Metric;
import io.vecferry.store.VectorFieldInfo;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A collection as it was when it was looked at: its own name, its fields, and how records are put
 * into it.
 *
 * @param collection its name; not the alias by which it may have been found
 * @param info what the server says about it
 * @param aliases aliases that users gave it
 * @param note what a load noted; null for a collection that vecferry did not make
 * @param fields its vector fields
 * @param limits what strict mode allows
 * @param points how records become points
 * @param metadataKey payload key below which metadata is; empty where it is the payload
 */
record Layout(
    String collection,
    CollectionInfo info,
    List<String> aliases,
    CollectionNote note,
    List<VectorField> fields,
    Limits limits,
    PointMapping points,
    String metadataKey) {

  static Layout of(
      String collection,
      CollectionInfo info,
      List<String> aliases,
      Settings settings,
      ServerVersion version) {
    CollectionNote note =
        CollectionNote.find(info.getConfig().getMetadataMap(), aliases).orElse(null);
    List<VectorField> fields = fields(info.getConfig().getParams(), note);
    String metadataKey = note == null ? settings.metadataKey() : note.metadataKey();
    PayloadMapping payloads =
        note == null
            ? new PayloadMapping(settings.documentKey(), metadataKey, false)
            : new PayloadMapping(note.documentKey(), metadataKey, true);
    return new Layout(
        collection,
        info,
        aliases.stream().filter(alias -> !CollectionNote.isNote(alias)).toList(),
        note,
        fields,
        Limits.of(info.getConfig().getStrictModeConfig()),
        new PointMapping(
            new IdMapping(note == null ? null : note.load()),
            payloads,
            new VectorMapping(fields, version.takesVectorsByKind())),
        metadataKey);
  }

  /**
   * Where a payload has a metadata key, as Qdrant spells paths: keys that are not plain stand in
   * quotes.
   *
   * @param metadataKey payload key below which metadata is; empty where it is the payload
   */
  static String path(String metadataKey, String key) {
    return metadataKey.isEmpty() ? quoted(key) : quoted(metadataKey) + "." + quoted(key);
  }

  /** Whether a path can name a payload key: Qdrant's quotes know no escapes. */
  static boolean canName(String key) {
    return key.indexOf('"') < 0 && key.indexOf('\\') < 0;
  }

  private static String quoted(String key) {
    return key.matches("[A-Za-z0-9_-]+") ? key : '"' + key + '"';
  }

  /** The vector field with this name in records; null when there is none. */
  VectorField field(String recordName) {
    return fields.stream()
        .filter(field -> field.recordName().equals(recordName))
        .findFirst()
        .orElse(null);
  }

  /** Dense fields first, because they are what is searched. */
  private static List<VectorField> fields(CollectionParams params, CollectionNote note) {
    Map<String, VectorParams> dense = dense(params);
    List<VectorField> fields = new ArrayList<>();
    for (VectorKind kind : List.of(VectorKind.DENSE, VectorKind.MULTI)) {
      dense.forEach(
          (name, field) -> {
            if (field.hasMultivectorConfig() == (kind == VectorKind.MULTI)) {
              fields.add(
                  new VectorField(
                      name,
                      recordName(name, note),
                      kind,
                      element(field.getDatatype()),
                      (int) field.getSize(),
                      metric(field.getDistance())));
            }
          });
    }
    for (String name : new TreeMap<>(params.getSparseVectorsConfig().getMapMap()).keySet()) {
      fields.add(
          new VectorField(
              name, recordName(name, note), VectorKind.SPARSE, ElementType.FLOAT32, 0, Metric.IP));
    }
    return List.copyOf(fields);
  }

  /** The dense fields, by name; the one without a name first. */
  static Map<String, VectorParams> dense(CollectionParams params) {
    return params.getVectorsConfig().hasParams()
        ? Map.of("", params.getVectorsConfig().getParams())
        : new TreeMap<>(params.getVectorsConfig().getParamsMap().getMapMap());
  }

  private static String recordName(String name, CollectionNote note) {
    return note == null ? name : note.load().vectorNames().getOrDefault(name, name);
  }

  private static ElementType element(Datatype type) {
    return switch (type) {
      case Uint8 -> ElementType.UINT8;
      case Float16 -> ElementType.FLOAT16;
      case Float32, Default, UNRECOGNIZED -> ElementType.FLOAT32;
    };
  }

  static Metric metric(Distance distance) {
    return switch (distance) {
      case Euclid -> Metric.L2;
      case Dot -> Metric.IP;
      case Manhattan -> Metric.L1;
      case Cosine, UnknownDistance, UNRECOGNIZED -> Metric.COSINE;
    };
  }

  /** The fields as every store describes them. */
  List<VectorFieldInfo> describeFields() {
    CollectionConfig config = info.getConfig();
    Map<String, VectorParams> dense = dense(config.getParams());
    List<VectorFieldInfo> described = new ArrayList<>();
    for (VectorField field : fields) {
      HnswConfigDiff hnsw = config.getHnswConfig();
      VectorParams own = dense.get(field.name());
      if (own != null && own.hasHnswConfig()) {
        hnsw = hnsw.toBuilder().mergeFrom(own.getHnswConfig()).build();
      }
      boolean sparse = field.kind() == VectorKind.SPARSE;
      boolean graph = hnsw.getM() > 0;
      Map<String, String> parameters = new LinkedHashMap<>();
      if (!sparse && graph) {
        parameters.put("M", Long.toString(hnsw.getM()));
        parameters.put("efConstruction", Long.toString(hnsw.getEfConstruct()));
      }
      described.add(
          new VectorFieldInfo(
              field.recordName(),
              field.kind(),
              field.element(),
              field.dimension(),
              field.metric(),
              0,
              sparse ? "inverted" : graph ? "HNSW" : "FLAT",
              parameters));
    }
    return described;
  }
}
