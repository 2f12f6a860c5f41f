package io.vecferry.store.qdrant;

import io.qdrant.client.grpc.Collections.CollectionConfig;
import io.qdrant.client.grpc.Collections.CreateCollection;
import io.qdrant.client.grpc.Collections.Datatype;
import io.qdrant.client.grpc.Collections.Distance;
import io.qdrant.client.grpc.Collections.KeywordIndexParams;
import io.qdrant.client.grpc.Collections.MultiVectorConfig;
import io.qdrant.client.grpc.Collections.PayloadIndexParams;
import io.qdrant.client.grpc.Collections.PayloadSchemaInfo;
import io.qdrant.client.grpc.Collections.PayloadSchemaType;
import io.qdrant.client.grpc.Collections.ShardingMethod;
import io.qdrant.client.grpc.Collections.SparseVectorParams;
import io.qdrant.client.grpc.Collections.UpdateCollection;
import io.qdrant.client.grpc.Collections.VectorParams;
import io.qdrant.client.grpc.Collections.VectorsConfig;
import io.qdrant.client.grpc.Points.CreateFieldIndexCollection;
import io.qdrant.client.grpc.Points.FieldType;
import io.vecferry.plan.FieldMapping;
import io.vecferry.plan.Finding;
import io.vecferry.plan.RecordProfile;
import io.vecferry.record.ElementType;
import io.vecferry.record.IdKind;
import io.vecferry.record.VectorKind;
import io.vecferry.store.LoadNote;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.MappingRows;
import io.vecferry.store.Metric;
import io.vecferry.store.ReservedKeys;
import io.vecferry.store.VectorFieldInfo;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Makes of a schema to be loaded the requests that set the collection up, and says what it cannot.
 */
final class LoadPlan {
  /** Payload key of documents when nothing was said. */
  static final String DEFAULT_DOCUMENT_KEY = "document";

  private static final String FORBIDDEN = "<>:\"/\\|?*\0\u001f";
  private static final int LONGEST_COLLECTION_NAME = 255;
  private static final int LONGEST_VECTOR_NAME = 200;
  private static final int LARGEST_DIMENSION = 65_536;

  /** Of a vector that was divided by its length and multiplied with it. */
  private static final double NORMALISED_DEVIATION = 1e-6;

  /** The same where components have eleven bits. */
  private static final double HALF_DEVIATION = 1e-3;

  /** Lengths above this overflow when they are squared as 32-bit floats. */
  private static final double LARGEST_NORM = 1.8e19;

  private final LoadSchema schema;
  private final Settings settings;
  private final ServerVersion version;
  private final CollectionConfig same;
  private final IndexPlan index;
  private final Map<String, String> vectorNames = new LinkedHashMap<>();
  private final List<Finding> findings = new ArrayList<>();

  LoadPlan(LoadSchema schema, Settings settings, ServerVersion version) {
    this.schema = schema;
    this.settings = settings;
    this.version = version;
    this.same = NativeConfiguration.config(schema.configuration());
    VectorFieldInfo first = schema.vectors().isEmpty() ? null : schema.vectors().get(0);
    this.index =
        first == null
            ? IndexPlan.of("", Map.of(), settings.quantization())
            : IndexPlan.of(first.indexType(), first.indexParams(), settings.quantization());
    nameVectors();
    findings.addAll(index.findings());
    findServer();
    findNames();
    findVectors();
    findIds();
    findMetadata();
    findPayloadIndexes();
  }

  /** What cannot be, and what will be different. */
  List<Finding> findings() {
    return findings;
  }

  private String documentKey() {
    return settings.documentKey().isEmpty()
        ? NativeConfiguration.documentKey(schema.configuration(), DEFAULT_DOCUMENT_KEY)
        : settings.documentKey();
  }

  private String metadataKey() {
    return settings.metadataKey().isEmpty()
        ? NativeConfiguration.metadataKey(schema.configuration())
        : settings.metadataKey();
  }

  // Requests

  /**
   * What sets a collection up.
   *
   * @param create makes it, with everything deferred that can wait
   * @param later is to be done when the load is finished
   */
  record Creation(CreateCollection create, UpdateCollection later) {}

  Creation creation() {
    CreateCollection.Builder create =
        CreateCollection.newBuilder().setCollectionName(settings.collection());
    if (same != null) {
      copyConfiguration(create);
    }
    create.getHnswConfigBuilder().mergeFrom(index.hnsw());
    if (settings.quantization().equals("none")) {
      create.clearQuantizationConfig();
    } else if (index.quantization() != null) {
      create.setQuantizationConfig(index.quantization());
    }
    settings.onDiskPayload().ifPresent(create::setOnDiskPayload);
    if (settings.shards() > 0) {
      create.setShardNumber(settings.shards());
    }
    if (settings.replicas() > 0) {
      create.setReplicationFactor(settings.replicas());
    }
    addVectors(create);
    UpdateCollection later = Deferral.defer(create);
    return new Creation(create.build(), later);
  }

  CollectionNote note(LoadStamp stamp, UpdateCollection later) {
    return new CollectionNote(
        new LoadNote(stamp, schema.idKinds(), vectorNames),
        documentKey(),
        metadataKey(),
        Deferral.toJson(later));
  }

  /** Requests that make the indexes of payload keys; they belong before the load. */
  List<CreateFieldIndexCollection> payloadIndexes() {
    List<CreateFieldIndexCollection> requests = new ArrayList<>();
    Set<String> done = new TreeSet<>();
    if (!settings.partitionKey().isEmpty()) {
      KeywordIndexParams.Builder tenant = KeywordIndexParams.newBuilder();
      if (version.knowsTenants()) {
        tenant.setIsTenant(true);
      }
      String path = Layout.path(metadataKey(), settings.partitionKey());
      done.add(path);
      requests.add(
          payloadIndex(path, FieldType.FieldTypeKeyword)
              .setFieldIndexParams(PayloadIndexParams.newBuilder().setKeywordIndexParams(tenant))
              .build());
    }
    settings
        .payloadIndexes()
        .forEach(
            (path, type) -> {
              FieldType fieldType = fieldType(type);
              if (fieldType != null && done.add(path)) {
                requests.add(payloadIndex(path, fieldType).build());
              }
            });
    NativeConfiguration.indexes(schema.configuration())
        .forEach(
            (path, index) -> {
              if (done.add(path)) {
                requests.add(payloadIndex(path, index));
              }
            });
    return requests;
  }

  private CreateFieldIndexCollection payloadIndex(String path, PayloadSchemaInfo index) {
    PayloadSchemaType type = index.getDataType();
    CreateFieldIndexCollection.Builder request =
        payloadIndex(path, FieldType.forNumber(type.getNumber() - 1));
    if (index.hasParams()) {
      request.setFieldIndexParams(index.getParams());
    }
    return request.build();
  }

  private CreateFieldIndexCollection.Builder payloadIndex(String path, FieldType type) {
    return CreateFieldIndexCollection.newBuilder()
        .setCollectionName(settings.collection())
        .setWait(true)
        .setFieldName(path)
        .setFieldType(type);
  }

  private void copyConfiguration(CreateCollection.Builder create) {
    create
        .setHnswConfig(same.getHnswConfig())
        .setOptimizersConfig(same.getOptimizerConfig())
        .setOnDiskPayload(same.getParams().getOnDiskPayload());
    if (same.getWalConfig().getWalCapacityMb() > 0) {
      create.setWalConfig(same.getWalConfig());
    }
    if (same.hasQuantizationConfig()) {
      create.setQuantizationConfig(same.getQuantizationConfig());
    }
    if (same.hasStrictModeConfig()) {
      create.setStrictModeConfig(same.getStrictModeConfig());
    }
    if (same.getParams().getShardNumber() > 0
        && same.getParams().getShardingMethod() != ShardingMethod.Custom) {
      create.setShardNumber(same.getParams().getShardNumber());
    }
    if (version.keepsMetadata()) {
      create.putAllMetadata(same.getMetadataMap());
    }
  }

  private void addVectors(CreateCollection.Builder create) {
    for (Map.Entry<String, String> names : vectorNames.entrySet()) {
      VectorFieldInfo field = field(names.getValue());
      if (field.kind() == VectorKind.SPARSE) {
        SparseVectorParams params =
            same == null
                ? null
                : same.getParams().getSparseVectorsConfig().getMapMap().get(field.name());
        create
            .getSparseVectorsConfigBuilder()
            .putMap(
                names.getKey(), params == null ? SparseVectorParams.getDefaultInstance() : params);
      } else if (names.getKey().isEmpty()) {
        create.setVectorsConfig(VectorsConfig.newBuilder().setParams(params(field)));
      } else {
        create
            .getVectorsConfigBuilder()
            .getParamsMapBuilder()
            .putMap(names.getKey(), params(field));
      }
    }
  }

  private VectorParams params(VectorFieldInfo field) {
    VectorParams own = same == null ? null : Layout.dense(same.getParams()).get(field.name());
    VectorParams.Builder params = own == null ? VectorParams.newBuilder() : own.toBuilder();
    params.setSize(field.dimension()).setDistance(distance(field.metric()));
    Datatype datatype = datatype(field);
    if (datatype != null) {
      params.setDatatype(datatype);
    }
    if (field.kind() == VectorKind.MULTI && !params.hasMultivectorConfig()) {
      params.setMultivectorConfig(MultiVectorConfig.getDefaultInstance());
    }
    settings.onDisk().ifPresent(params::setOnDisk);
    if (!field.indexType().isEmpty() || !field.indexParams().isEmpty()) {
      // The spec's index counts for all fields, whatever the source had.
      params.clearHnswConfig();
    }
    return params.build();
  }

  /**
   * What a field is stored as; null for the server's default, 32-bit floats. Half precision would
   * change vectors that the server normalises.
   */
  private Datatype datatype(VectorFieldInfo field) {
    return switch (field.element()) {
      case UINT8 -> Datatype.Uint8;
      case FLOAT16 -> field.metric() == Metric.COSINE && same == null ? null : Datatype.Float16;
      case FLOAT32, BFLOAT16, INT8, BIT -> null;
    };
  }

  /**
   * How far components may be from what was written: the server normalises vectors under cosine,
   * and they are read with the length that is kept beside them.
   */
  double deviation() {
    return schema.vectors().stream()
        .filter(field -> field.metric() == Metric.COSINE && field.kind() != VectorKind.SPARSE)
        .map(this::datatype)
        .filter(datatype -> datatype != Datatype.Uint8)
        .mapToDouble(
            datatype -> datatype == Datatype.Float16 ? HALF_DEVIATION : NORMALISED_DEVIATION)
        .max()
        .orElse(0);
  }

  private static Distance distance(Metric metric) {
    return switch (metric) {
      case L2 -> Distance.Euclid;
      case IP -> Distance.Dot;
      case L1 -> Distance.Manhattan;
      case COSINE -> Distance.Cosine;
      case LINF, LP, CANBERRA, BRAY_CURTIS, JENSEN_SHANNON, HAMMING, JACCARD ->
          Distance.UnknownDistance;
    };
  }

  private static FieldType fieldType(String type) {
    return switch (type) {
      case "keyword" -> FieldType.FieldTypeKeyword;
      case "integer" -> FieldType.FieldTypeInteger;
      case "float" -> FieldType.FieldTypeFloat;
      case "geo" -> FieldType.FieldTypeGeo;
      case "text" -> FieldType.FieldTypeText;
      case "bool" -> FieldType.FieldTypeBool;
      case "datetime" -> FieldType.FieldTypeDatetime;
      case "uuid" -> FieldType.FieldTypeUuid;
      default -> null;
    };
  }

  private VectorFieldInfo field(String recordName) {
    return schema.vectors().stream()
        .filter(field -> field.name().equals(recordName))
        .findFirst()
        .orElseThrow();
  }

  // Names

  /** The one dense field without a name has none in Qdrant either; beside others it needs one. */
  private void nameVectors() {
    long dense =
        schema.vectors().stream().filter(field -> field.kind() != VectorKind.SPARSE).count();
    for (VectorFieldInfo field : schema.vectors()) {
      boolean sparse = field.kind() == VectorKind.SPARSE;
      String name = field.name();
      if (name.isEmpty()) {
        name = sparse ? "sparse" : dense == 1 ? "" : "vector";
      } else if (!isName(name, LONGEST_VECTOR_NAME)) {
        name = cleaned(name);
      }
      while (vectorNames.containsKey(name) || (!name.equals(field.name()) && isTaken(name))) {
        name += "_";
      }
      vectorNames.put(name, field.name());
    }
  }

  private boolean isTaken(String name) {
    return schema.vectors().stream().anyMatch(field -> field.name().equals(name));
  }

  private static boolean isName(String name, int longest) {
    return !name.isEmpty()
        && name.getBytes(StandardCharsets.UTF_8).length <= longest
        && name.chars().noneMatch(character -> FORBIDDEN.indexOf(character) >= 0);
  }

  private static String cleaned(String name) {
    StringBuilder cleaned = new StringBuilder();
    name.codePoints()
        .map(character -> FORBIDDEN.indexOf(character) >= 0 ? '_' : character)
        .takeWhile(
            character ->
                cleaned.toString().getBytes(StandardCharsets.UTF_8).length
                    < LONGEST_VECTOR_NAME - 20)
        .forEach(cleaned::appendCodePoint);
    return cleaned.toString();
  }

  // Findings

  private void findServer() {
    if (!version.supported()) {
      findings.add(
          Finding.blocking(
              "target.url",
              "the server is Qdrant " + version.text() + "; vecferry needs 1.10 or newer.",
              "Update the server."));
    }
    if (!settings.partitionKey().isEmpty() && !version.knowsTenants()) {
      findings.add(
          Finding.warning(
              "target.partitionKey",
              "Qdrant "
                  + version.text()
                  + " has no index for tenants; the key gets an ordinary keyword index.",
              "With 1.11 or newer the points of a tenant are stored together."));
    }
    if (!settings.partitionKey().isEmpty()
        && !(Layout.canName(settings.partitionKey()) && Layout.canName(metadataKey()))) {
      findings.add(
          Finding.blocking(
              "target.partitionKey",
              "Qdrant cannot index the payload key "
                  + Layout.path(metadataKey(), settings.partitionKey())
                  + ": its paths have no keys with \" or \\.",
              "Name another key, or leave it out."));
    }
  }

  private void findNames() {
    String name = settings.collection();
    if (name.equals(".")
        || name.equals("..")
        || name.length() > LONGEST_COLLECTION_NAME
        || !isName(name, Integer.MAX_VALUE)) {
      findings.add(
          Finding.blocking(
              "target.collection",
              "'" + name + "' cannot be the name of a Qdrant collection.",
              "Use 1 to 255 characters without < > : \" / \\ | ? * and control characters."));
    }
    vectorNames.forEach(
        (own, original) -> {
          if (!own.equals(original)) {
            findings.add(
                Finding.info(
                    "target",
                    "the vector field '"
                        + original
                        + "' is named '"
                        + own
                        + "' in the collection, and gets its name back when vecferry reads it."));
          }
        });
  }

  private void findVectors() {
    if (schema.vectors().isEmpty()) {
      findings.add(
          Finding.blocking("target", "the source has no vectors.", "Choose another source."));
    }
    for (VectorFieldInfo field : schema.vectors()) {
      String what = "vector '" + field.name() + "': ";
      if (field.kind() == VectorKind.SPARSE) {
        if (field.metric() != Metric.IP) {
          findings.add(
              Finding.blocking(
                  "target.metric",
                  what
                      + "Qdrant compares sparse vectors by inner product only, not by "
                      + field.metric().spelling()
                      + ".",
                  "Choose another target for it."));
        }
        continue;
      }
      if (field.dimension() < 1 || field.dimension() > LARGEST_DIMENSION) {
        findings.add(
            Finding.blocking(
                "target",
                what + "has " + field.dimension() + " components; Qdrant takes 1 to 65536.",
                "Choose another target for it."));
      }
      if (distance(field.metric()) == Distance.UnknownDistance) {
        findings.add(
            Finding.blocking(
                "target.metric",
                what
                    + "Qdrant cannot compare by "
                    + field.metric().spelling()
                    + ", only by cosine, l2, ip and l1.",
                "Choose a target that can; another metric would change the order of answers."));
      }
      findElement(field, what);
      if (field.metric() == Metric.COSINE && field.element() != ElementType.UINT8) {
        findNormalisation(field, what);
      }
    }
  }

  private void findElement(VectorFieldInfo field, String what) {
    switch (field.element()) {
      case BFLOAT16, INT8, BIT ->
          findings.add(
              Finding.info(
                  "target",
                  what
                      + "Qdrant has no type "
                      + field.element().name().toLowerCase(Locale.ROOT)
                      + "; the components become 32-bit floats, which is exact."));
      case FLOAT16 -> {
        if (field.metric() == Metric.COSINE) {
          findings.add(
              same == null
                  ? Finding.info(
                      "target",
                      what
                          + "is stored as 32-bit floats, because in half precision Qdrant would"
                          + " change vectors when it normalises them.")
                  : Finding.warning(
                      "target",
                      what
                          + "is stored in half precision, as in the source, and normalised by"
                          + " Qdrant once more: components may change by their last bit.",
                      ""));
        }
      }
      case FLOAT32, UINT8 -> {}
    }
  }

  private void findNormalisation(VectorFieldInfo field, String what) {
    RecordProfile profile = schema.profile();
    if (profile.largestNorm() > LARGEST_NORM) {
      findings.add(
          Finding.blocking(
              "target.metric",
              what
                  + String.format(
                      Locale.ROOT,
                      "there are vectors of length %.3g; under cosine Qdrant stores zeros instead of"
                          + " vectors longer than %.1g.",
                      profile.largestNorm(),
                      LARGEST_NORM),
              "Scale them down at the source."));
    } else if (profile.rows() > 0
        && VectorMapping.isLeftAlone(profile.smallestNorm() * profile.smallestNorm())
        && VectorMapping.isLeftAlone(profile.largestNorm() * profile.largestNorm())) {
      findings.add(
          Finding.info(
              "target.metric",
              what
                  + "Qdrant normalises vectors under cosine; all that were looked at have unit length"
                  + " already, and those stay as they are to the bit."));
    } else {
      findings.add(
          Finding.warning(
              "target.metric",
              what
                  + "Qdrant normalises vectors under cosine. Users of the collection see unit length;"
                  + " the original length goes into the payload key "
                  + ReservedKeys.NORM
                  + ", and vecferry gives the vectors back with it, within the last two bits of a"
                  + " component.",
              ""));
    }
  }

  /** Where everything that records have goes. */
  List<FieldMapping> mapping() {
    return new MappingRows(schema)
        .id(
            "id of the point",
            Set.of(IdKind.UUID, idMapping().numbers()),
            "what is no point id becomes a version 5 UUID, the original is in the payload key "
                + ReservedKeys.ID)
        .vectors(this::words, deviation())
        .document("payload key " + documentKey())
        .keys(
            key -> "payload key " + Layout.path(metadataKey(), key.name()) + indexed(key),
            key ->
                isNeeded(key)
                    ? "only in the text in " + ReservedKeys.METADATA_JSON
                    : FieldMapping.EXACT)
        .rows();
  }

  private String words(VectorFieldInfo field) {
    String name = MappingRows.called(vectorNames, field);
    String vector = name.isEmpty() ? "the vector" : "vector " + name;
    if (field.kind() == VectorKind.SPARSE) {
      return vector + ", sparse";
    }
    Datatype datatype = datatype(field);
    return vector
        + ", "
        + (datatype == null ? Datatype.Float32 : datatype)
        + "("
        + field.dimension()
        + "), "
        + distance(field.metric())
        + ", "
        + (index.quantization() == null
            ? "HNSW"
            : "HNSW with "
                + index.quantization().getQuantizationCase().name().toLowerCase(Locale.ROOT)
                + " quantization");
  }

  private String indexed(RecordProfile.Key key) {
    String path = Layout.path(metadataKey(), key.name());
    return payloadIndexes().stream()
        .filter(request -> request.getFieldName().equals(path))
        .map(request -> ", " + request.getFieldType().name().replace("FieldType", "") + " index")
        .findFirst()
        .orElse("");
  }

  private IdMapping idMapping() {
    return new IdMapping(new LoadNote(new LoadStamp("", ""), schema.idKinds(), Map.of()));
  }

  private void findIds() {
    Set<IdKind> mapped = new TreeSet<>();
    IdMapping mapping = idMapping();
    for (IdKind kind : schema.idKinds()) {
      boolean own = kind == IdKind.UUID || kind == mapping.numbers();
      if (!own) {
        mapped.add(kind);
      }
    }
    if (!mapped.isEmpty()) {
      findings.add(
          Finding.info(
              "target",
              "Qdrant has whole numbers and UUIDs as ids only. Ids of kind "
                  + String.join(
                      ", ", mapped.stream().map(k -> k.name().toLowerCase(Locale.ROOT)).toList())
                  + " become version 5 UUIDs (of texts in the namespace "
                  + IdMapping.TEXTS
                  + "); the original is in the payload key "
                  + ReservedKeys.ID
                  + "."));
    } else if (mapping.numbers() == IdKind.INT64 && schema.idKinds().contains(IdKind.INT64)) {
      findings.add(
          Finding.info(
              "target",
              "Numbers stay ids; a negative one becomes a UUID, because Qdrant has none, with the"
                  + " original in the payload key "
                  + ReservedKeys.ID
                  + "."));
    }
  }

  private boolean isDocument(RecordProfile.Key key) {
    return metadataKey().isEmpty()
        && key.name().equals(documentKey())
        && schema.profile().longestDocument() >= 0;
  }

  /** Whether the payload needs a key for something else. */
  private boolean isNeeded(RecordProfile.Key key) {
    return isDocument(key)
        || (metadataKey().isEmpty() && key.name().startsWith(ReservedKeys.PREFIX));
  }

  private void findMetadata() {
    for (RecordProfile.Key key : schema.profile().keys()) {
      boolean document = isDocument(key);
      if (isNeeded(key)) {
        findings.add(
            Finding.warning(
                "target",
                "metadata has a key '"
                    + key.name()
                    + "', which the payload needs for something else; there it is only in the text"
                    + " in "
                    + ReservedKeys.METADATA_JSON
                    + ".",
                document ? "Name another key in target.options.documentKey." : ""));
      }
    }
  }

  private void findPayloadIndexes() {
    settings
        .payloadIndexes()
        .forEach(
            (path, type) -> {
              if (fieldType(type) == null) {
                findings.add(
                    Finding.blocking(
                        "target.options.payloadIndexes." + path,
                        "must be one of keyword, integer, float, geo, text, bool, datetime, uuid,"
                            + " got '"
                            + type
                            + "'.",
                        "Correct it."));
              }
            });
  }
}
