package io.vecferry.store.milvus;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.milvus.grpc.CollectionSchema;
import io.milvus.grpc.ConsistencyLevel;
import io.milvus.grpc.DataType;
import io.milvus.grpc.FieldSchema;
import io.milvus.grpc.FunctionSchema;
import io.vecferry.plan.FieldMapping;
import io.vecferry.plan.Finding;
import io.vecferry.plan.RecordProfile;
import io.vecferry.record.ElementType;
import io.vecferry.record.IdKind;
import io.vecferry.record.VectorKind;
import io.vecferry.spec.Suggestion;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.MappingRows;
import io.vecferry.store.Metric;
import io.vecferry.store.VectorFieldInfo;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * A collection that is to be made: what the records need, what the spec asks for, and what the
 * source had when it was Milvus too. Whatever the server cannot do becomes a finding. Pure.
 *
 * @param schema fields and functions
 * @param vectorNames for each vector field its name in the records
 * @param document name of the field with the document; null for none
 * @param description what the source's collection was described as
 * @param indexes parameters of the indexes to make, by field
 */
record Blueprint(
    CollectionSchema schema,
    Map<String, String> vectorNames,
    String document,
    String description,
    int shards,
    long partitions,
    ConsistencyLevel consistency,
    Map<String, String> properties,
    Map<String, Map<String, String>> indexes,
    List<Finding> findings) {

  static Blueprint of(MilvusOptions options, ServerVersion version, LoadSchema load) {
    return new Maker(options, version, load).make();
  }

  /** Where everything that records have goes. */
  List<FieldMapping> mapping(LoadSchema load) {
    Map<String, FieldSchema> fields = new LinkedHashMap<>();
    schema.getFieldsList().forEach(field -> fields.put(field.getName(), field));
    FieldSchema key =
        schema.getFieldsList().stream()
            .filter(FieldSchema::getIsPrimaryKey)
            .findFirst()
            .orElseThrow();
    MappingRows rows =
        new MappingRows(load)
            .id(
                words(key) + ", primary key",
                Set.of(key.getDataType() == DataType.Int64 ? IdKind.INT64 : IdKind.STRING),
                "as text; the kind is noted in the collection")
            .vectors(field -> words(fields.get(MappingRows.called(vectorNames, field))), 0);
    if (document != null) {
      rows.document(words(fields.get(document)));
    }
    Set<String> taken = new HashSet<>(vectorNames.keySet());
    taken.add(key.getName());
    taken.add(Layout.DYNAMIC);
    if (document != null) {
      taken.add(document);
    }
    return rows.keys(
            one ->
                fields.containsKey(one.name()) && !taken.contains(one.name())
                    ? words(fields.get(one.name()))
                    : "dynamic field",
            one ->
                taken.contains(one.name())
                    ? "in one text with the others, cannot be searched"
                    : FieldMapping.EXACT)
        .rows();
  }

  private String words(FieldSchema field) {
    StringBuilder words = new StringBuilder();
    words.append(field.getName()).append(", ").append(field.getDataType());
    field.getTypeParamsList().stream()
        .filter(pair -> pair.getKey().equals("dim") || pair.getKey().equals("max_length"))
        .forEach(pair -> words.append('(').append(pair.getValue()).append(')'));
    Map<String, String> index = indexes.getOrDefault(field.getName(), Map.of());
    if (index.containsKey("index_type")) {
      words.append(", ").append(index.get("index_type"));
      words.append(index.containsKey("metric_type") ? " " + index.get("metric_type") : "");
      String params = index.getOrDefault("params", "{}");
      words.append(params.equals("{}") ? "" : " " + params);
    }
    return words.append(field.getIsPartitionKey() ? ", partition key" : "").toString();
  }

  /** Collects the parts. */
  private static final class Maker {
    private static final int MOST_FIELDS = 64;
    private static final int LARGEST_DIMENSION = 32_768;
    private static final int LARGEST_BIT_DIMENSION = 8 * LARGEST_DIMENSION;
    private static final int SMALLEST_ID_LIMIT = 1_024;
    private static final int ID_HEADROOM = 4;
    private static final int NAMED_KEYS = 5;
    private static final JsonMapper MAPPER = JsonMapper.builder().build();

    private final MilvusOptions options;
    private final ServerVersion version;
    private final LoadSchema load;
    private final RecordProfile profile;
    private final Optional<NativeSchema> nativeSchema;
    private final List<Finding> findings = new ArrayList<>();
    private final Set<String> keys;
    private final Map<String, FieldSchema> fields = new LinkedHashMap<>();
    private final Map<String, String> vectorNames = new LinkedHashMap<>();
    private final Map<String, Map<String, String>> indexes = new LinkedHashMap<>();
    private final List<FunctionSchema> functions = new ArrayList<>();
    private boolean dynamic = true;
    private String document;

    Maker(MilvusOptions options, ServerVersion version, LoadSchema load) {
      this.options = options;
      this.version = version;
      this.load = load;
      this.profile = load.profile();
      this.nativeSchema = NativeSchema.parse(load.configuration().get(MilvusStore.SCHEMA));
      this.keys = profile.keys().stream().map(RecordProfile.Key::name).collect(Collectors.toSet());
    }

    Blueprint make() {
      if (!Names.isLegal(options.collection())) {
        findings.add(
            Finding.blocking(
                "target.collection",
                "'"
                    + options.collection()
                    + "' is no name for a Milvus collection: a letter or _, then letters, digits"
                    + " and _, at most "
                    + Names.LONGEST
                    + ".",
                "Use " + Names.legal(options.collection()) + "."));
      }
      nativeSchema.ifPresent(schema -> dynamic = schema.schema().getEnableDynamicField());
      addKey();
      load.vectors().forEach(this::addVector);
      checkNumberOfVectors();
      addDocument();
      addNativeFields();
      addAskedFields();
      addPartitionKey();
      addFunctions();
      addIndexes();
      checkRows();
      CollectionSchema.Builder schema =
          CollectionSchema.newBuilder()
              .setName(options.collection())
              .setEnableDynamicField(dynamic)
              .addAllFields(fields.values())
              .addAllFunctions(functions);
      if (fields.size() > MOST_FIELDS) {
        findings.add(
            Finding.blocking(
                "target.options.fields",
                "the collection would have "
                    + fields.size()
                    + " fields, Milvus takes "
                    + MOST_FIELDS
                    + ".",
                "Leave some keys to the dynamic field."));
      }
      return new Blueprint(
          schema.build(),
          vectorNames,
          document,
          nativeSchema.map(s -> s.schema().getDescription()).orElse(""),
          nativeSchema.map(NativeSchema::shards).filter(shards -> shards > 0).orElse(1),
          nativeSchema.map(NativeSchema::partitions).orElse(0L),
          nativeSchema.map(NativeSchema::consistency).orElse(ConsistencyLevel.Bounded),
          nativeSchema.map(NativeSchema::properties).orElse(Map.of()),
          indexes,
          findings);
    }

    /** The name that was asked for, or the first usual one that no metadata key has. */
    private String freeName(String asked, String... usual) {
      if (asked != null) {
        return asked;
      }
      for (String name : usual) {
        if (!keys.contains(name) && !fields.containsKey(name)) {
          return name;
        }
      }
      return usual[0];
    }

    private static FieldSchema.Builder field(String name, DataType type) {
      return FieldSchema.newBuilder().setName(name).setDataType(type);
    }

    private static FieldSchema.Builder text(String name, int longest) {
      return field(name, DataType.VarChar)
          .addAllTypeParams(NativeSchema.pairs(Map.of("max_length", Integer.toString(longest))));
    }

    private void add(FieldSchema.Builder field, String subject) {
      String name = field.getName();
      if (!Names.isLegal(name)) {
        findings.add(
            Finding.blocking(
                subject,
                "'"
                    + name
                    + "' is no name for a field of Milvus: a letter or _, then letters, digits and"
                    + " _.",
                "Use " + Names.legal(name) + "."));
      } else if (fields.containsKey(name)) {
        findings.add(
            Finding.blocking(
                subject, "two fields would have the name '" + name + "'.", "Give one another."));
      } else {
        fields.put(name, field.build());
      }
    }

    private void addKey() {
      FieldSchema own =
          nativeSchema
              .flatMap(
                  schema ->
                      schema.schema().getFieldsList().stream()
                          .filter(FieldSchema::getIsPrimaryKey)
                          .findFirst())
              .orElse(null);
      boolean allInt64 = load.idKinds().equals(Set.of(IdKind.INT64));
      DataType type =
          options.idType() != null
              ? options.idType()
              : allInt64 ? DataType.Int64 : DataType.VarChar;
      if (type == DataType.Int64 && !allInt64) {
        findings.add(
            Finding.blocking(
                "target.options.idType",
                "is INT64, and the source has ids that are " + load.idKinds() + ".",
                "Use VARCHAR."));
      }
      String name =
          freeName(
              options.idField() != null ? options.idField() : own == null ? null : own.getName(),
              "id",
              "pk",
              "record_id");
      FieldSchema.Builder key;
      if (type == DataType.Int64) {
        key = field(name, type);
      } else if (own != null && own.getDataType() == type) {
        key = field(name, type).addAllTypeParams(own.getTypeParamsList());
      } else {
        int longest = Math.max(SMALLEST_ID_LIMIT, ID_HEADROOM * profile.longestId());
        key = text(name, Math.min(longest, MilvusOptions.LONGEST_TEXT));
      }
      if (own != null) {
        key.setDescription(own.getDescription());
      }
      add(key.setIsPrimaryKey(true), "target.options.idField");
      if (profile.longestId() > MilvusOptions.LONGEST_TEXT) {
        findings.add(tooLong("ids", profile.longestId()));
      }
    }

    private static Finding tooLong(String what, int longest) {
      return Finding.warning(
          "target",
          what
              + " have up to "
              + longest
              + " bytes, a text of Milvus holds "
              + MilvusOptions.LONGEST_TEXT
              + "; such records are refused one by one.",
          "Shorten them, or allow for them with import.maxRejects.");
    }

    private void addVector(VectorFieldInfo info) {
      FieldSchema own = ownVectorField(info.name());
      String name;
      if (own != null) {
        name = own.getName();
      } else if (info.name().isEmpty()) {
        name = freeName(options.vectorField(), "vector", "embedding", "dense_vector");
      } else {
        name = Names.legal(info.name());
        for (int i = 2; fields.containsKey(name); i++) {
          name = Names.legal(info.name()) + "_" + i;
        }
      }
      String what = info.name().isEmpty() ? "the vectors" : "vector field '" + info.name() + "'";
      DataType type = type(info, what);
      if (type == null) {
        return;
      }
      checkDimension(info, type, what);
      if (!IndexRules.metrics(type).contains(info.metric())) {
        findings.add(
            Finding.blocking(
                "target.metric",
                what
                    + " compare by "
                    + info.metric().spelling()
                    + ", Milvus compares "
                    + type
                    + " by "
                    + IndexRules.metrics(type).stream()
                        .map(Metric::spelling)
                        .collect(Collectors.joining(", "))
                    + ".",
                "Migrate to a store that has it."));
      }
      if (info.optional()) {
        findings.add(
            Finding.info(
                "target",
                "Milvus has no rows without a vector; records without "
                    + (info.name().isEmpty() ? "one" : "vector '" + info.name() + "'")
                    + " are rejects and count against import.maxRejects"));
      }
      FieldSchema.Builder field = field(name, type);
      if (own != null) {
        field.setDescription(own.getDescription());
      }
      if (own != null && own.getDataType() == type) {
        field.addAllTypeParams(own.getTypeParamsList());
      } else if (type != DataType.SparseFloatVector) {
        field.addAllTypeParams(
            NativeSchema.pairs(Map.of("dim", Integer.toString(info.dimension()))));
      }
      add(field, "target.options.vectorField");
      vectorNames.put(name, info.name());
    }

    /** The vector field that a Milvus source has under this name. */
    private FieldSchema ownVectorField(String name) {
      if (nativeSchema.isEmpty()) {
        return null;
      }
      Map<String, String> renamed = nativeSchema.get().recordNames();
      return nativeSchema.get().schema().getFieldsList().stream()
          .filter(field -> Layout.isVector(field.getDataType()))
          .filter(field -> renamed.getOrDefault(field.getName(), field.getName()).equals(name))
          .findFirst()
          .orElse(null);
    }

    private DataType type(VectorFieldInfo info, String what) {
      if (info.kind() == VectorKind.MULTI) {
        findings.add(
            Finding.blocking(
                "target",
                what + " are several per record, which Milvus fields do not hold.",
                "Migrate to a store that has such vectors."));
        return null;
      }
      if (info.kind() == VectorKind.SPARSE) {
        if (!version.hasVectors(DataType.SparseFloatVector)) {
          findings.add(
              Finding.blocking(
                  "target",
                  what + " are sparse; " + version.product() + " has no sparse vectors.",
                  "Milvus has them from 2.4 on."));
        }
        return DataType.SparseFloatVector;
      }
      DataType type =
          switch (info.element()) {
            case FLOAT32, UINT8 -> DataType.FloatVector;
            case FLOAT16 -> DataType.Float16Vector;
            case BFLOAT16 -> DataType.BFloat16Vector;
            case INT8 -> DataType.Int8Vector;
            case BIT -> DataType.BinaryVector;
          };
      if (type == DataType.BinaryVector && !version.hasVectors(type)) {
        findings.add(
            Finding.blocking(
                "target",
                what + " are bits; " + version.product() + " has no binary vectors.",
                ""));
      } else if (!version.hasVectors(type) || info.element() == ElementType.UINT8) {
        findings.add(
            Finding.warning(
                "target",
                what
                    + " are kept as "
                    + info.element()
                    + " in the source; "
                    + version.product()
                    + " gets the same numbers as 32-bit floats.",
                ""));
        type = DataType.FloatVector;
      }
      return type;
    }

    private void checkDimension(VectorFieldInfo info, DataType type, String what) {
      if (type == DataType.SparseFloatVector) {
        return;
      }
      boolean bits = type == DataType.BinaryVector;
      int largest = bits ? LARGEST_BIT_DIMENSION : LARGEST_DIMENSION;
      int smallest = bits ? Byte.SIZE : version.smallestDimension();
      if (info.dimension() < smallest
          || info.dimension() > largest
          || (bits && info.dimension() % Byte.SIZE != 0)) {
        findings.add(
            Finding.blocking(
                "target",
                what
                    + " have "
                    + info.dimension()
                    + " components, "
                    + version.product()
                    + " takes "
                    + smallest
                    + " to "
                    + largest
                    + (bits ? ", in multiples of 8" : "")
                    + ".",
                ""));
      }
    }

    private void checkNumberOfVectors() {
      if (load.vectors().isEmpty()) {
        findings.add(
            Finding.blocking(
                "target", "the records have no vectors; a Milvus collection needs a field.", ""));
      } else if (load.vectors().size() > version.mostVectorFields()) {
        findings.add(
            Finding.blocking(
                "target",
                "the records have "
                    + load.vectors().size()
                    + " vector fields, "
                    + version.product()
                    + " takes "
                    + version.mostVectorFields()
                    + " in a collection.",
                version.lite() ? "" : "Milvus takes several from 2.4 on, as set on the server."));
      }
    }

    private void addDocument() {
      boolean wanted = !MilvusOptions.NO_DOCUMENT.equals(options.documentField());
      boolean none = profile.complete() && profile.longestDocument() < 0;
      FieldSchema own =
          nativeSchema
              .filter(schema -> schema.document() != null)
              .flatMap(
                  schema ->
                      schema.schema().getFieldsList().stream()
                          .filter(field -> field.getName().equals(schema.document()))
                          .findFirst())
              .orElse(null);
      if (own != null) {
        document = own.getName();
        add(adapted(own), "target.options.documentField");
      } else if (wanted && !none) {
        document = freeName(options.documentField(), "document", "text", "page_content");
        add(
            text(document, MilvusOptions.LONGEST_TEXT).setNullable(version.hasNullableFields()),
            "target.options.documentField");
      } else if (!wanted && profile.longestDocument() >= 0) {
        findings.add(
            Finding.blocking(
                "target.options.documentField",
                "is none, and records have documents.",
                "Name a field, or leave the key out."));
      }
      if (profile.longestDocument() > MilvusOptions.LONGEST_TEXT) {
        findings.add(tooLong("documents", profile.longestDocument()));
      }
    }

    /** A field of another Milvus as this server can have it. */
    private FieldSchema.Builder adapted(FieldSchema own) {
      FieldSchema.Builder field = own.toBuilder().setAutoID(false);
      if (!version.hasNullableFields()) {
        field.setNullable(false).clearDefaultValue().setIsClusteringKey(false);
      }
      return field;
    }

    private void addNativeFields() {
      if (nativeSchema.isEmpty()) {
        return;
      }
      CollectionSchema own = nativeSchema.get().schema();
      Set<String> computed = Layout.computed(own);
      for (FieldSchema field : own.getFieldsList()) {
        boolean done =
            field.getIsPrimaryKey()
                || Layout.isVector(field.getDataType())
                || computed.contains(field.getName())
                || field.getName().equals(document)
                || options.fields().containsKey(field.getName());
        if (done) {
          continue;
        }
        if (!version.hasScalars(field.getDataType())) {
          dynamic = true;
          findings.add(
              Finding.warning(
                  "target",
                  "field '"
                      + field.getName()
                      + "' has the type "
                      + field.getDataType()
                      + "; its values become texts in the dynamic field.",
                  ""));
          continue;
        }
        FieldSchema.Builder adapted = adapted(field);
        if (options.partitionKey() != null) {
          adapted.setIsPartitionKey(false);
        }
        add(adapted, "target");
      }
    }

    private void addAskedFields() {
      options.fields().forEach((key, type) -> addScalar(key, type, "target.options.fields." + key));
      if (!options.autoFields() || profile.rows() == 0) {
        return;
      }
      for (RecordProfile.Key key : profile.keys()) {
        MilvusOptions.FieldType type = uniformType(key);
        if (type != null
            && Names.isLegal(key.name())
            && !fields.containsKey(key.name())
            && fields.size() < MOST_FIELDS) {
          addScalar(key.name(), type, "target.options.autoFields");
        }
      }
    }

    private MilvusOptions.FieldType uniformType(RecordProfile.Key key) {
      if (key.rows() < profile.rows() || key.types().size() != 1) {
        return null;
      }
      return switch (key.types().get(0)) {
        case "boolean" -> new MilvusOptions.FieldType(DataType.Bool, 0);
        case "integer" -> new MilvusOptions.FieldType(DataType.Int64, 0);
        case "number" -> new MilvusOptions.FieldType(DataType.Double, 0);
        case "text" -> MilvusOptions.FieldType.TEXT;
        default -> null;
      };
    }

    private void addScalar(String key, MilvusOptions.FieldType type, String subject) {
      FieldSchema.Builder field =
          type.type() == DataType.VarChar ? text(key, type.longest()) : field(key, type.type());
      boolean partitionKey = key.equals(options.partitionKey());
      add(field.setNullable(version.hasNullableFields() && !partitionKey), subject);
    }

    private void addPartitionKey() {
      String key = options.partitionKey();
      if (key == null) {
        return;
      }
      Optional<RecordProfile.Key> seen =
          profile.keys().stream().filter(one -> one.name().equals(key)).findFirst();
      if (!fields.containsKey(key)) {
        boolean integers = seen.map(one -> one.types().equals(List.of("integer"))).orElse(false);
        add(
            integers ? field(key, DataType.Int64) : text(key, MilvusOptions.LONGEST_TEXT),
            "target.partitionKey");
      }
      FieldSchema field = fields.get(key);
      if (field == null) {
        return;
      }
      if (field.getIsPrimaryKey()
          || (field.getDataType() != DataType.VarChar && field.getDataType() != DataType.Int64)
          || key.equals(document)) {
        findings.add(
            Finding.blocking(
                "target.partitionKey",
                "'"
                    + key
                    + "' cannot be one: a partition key is a VARCHAR or INT64 field of its"
                    + " own.",
                "Choose another metadata key."));
        return;
      }
      fields.put(key, field.toBuilder().setIsPartitionKey(true).setNullable(false).build());
      long with = seen.map(RecordProfile.Key::rows).orElse(0L);
      if (profile.rows() > 0 && with < profile.rows()) {
        findings.add(
            Finding.warning(
                "target.partitionKey",
                (with == 0 ? "none" : "only " + with)
                    + " of the "
                    + profile.rows()
                    + " records that were looked at "
                    + (with == 0 ? "has" : "have")
                    + " the key '"
                    + key
                    + (with == 0
                        ? "'; all come to the partition of "
                        : "'; the others come to the partition of ")
                    + (field.getDataType() == DataType.Int64 ? "0" : "the empty text")
                    + ".",
                with == 0 ? near(key) : ""));
      }
    }

    /** Metadata keys that somebody may have meant. */
    private String near(String key) {
      String near = Suggestion.didYouMean(key, keys).strip();
      return near.isEmpty() && !keys.isEmpty()
          ? "Their keys are: "
              + keys.stream().sorted().limit(NAMED_KEYS).collect(Collectors.joining(", "))
              + (keys.size() > NAMED_KEYS ? ", ..." : "")
              + "."
          : near;
    }

    private void addFunctions() {
      if (nativeSchema.isEmpty() || nativeSchema.get().schema().getFunctionsCount() == 0) {
        return;
      }
      CollectionSchema own = nativeSchema.get().schema();
      if (!version.hasFunctions()) {
        findings.add(
            Finding.warning(
                "target",
                "the source computes "
                    + String.join(", ", Layout.computed(own))
                    + " by functions, which "
                    + version.product()
                    + " does not have; they are left out.",
                ""));
        return;
      }
      Set<String> computed = Layout.computed(own);
      own.getFieldsList().stream()
          .filter(field -> computed.contains(field.getName()))
          .forEach(field -> add(field.toBuilder(), "target"));
      functions.addAll(own.getFunctionsList());
    }

    private void addIndexes() {
      Map<String, Map<String, String>> own =
          nativeSchema.map(NativeSchema::indexes).orElse(Map.of());
      own.forEach(
          (field, parameters) -> {
            if (fields.containsKey(field) && !vectorNames.containsKey(field)) {
              indexes.put(field, parameters);
            }
          });
      for (VectorFieldInfo info : load.vectors()) {
        String field = fieldOf(info.name());
        if (field != null) {
          indexes.put(field, index(info, fields.get(field).getDataType(), own.get(field)));
        }
      }
    }

    private String fieldOf(String recordName) {
      return vectorNames.entrySet().stream()
          .filter(
              entry -> entry.getValue().equals(recordName) && fields.containsKey(entry.getKey()))
          .map(Map.Entry::getKey)
          .findFirst()
          .orElse(null);
    }

    private Map<String, String> index(
        VectorFieldInfo info, DataType type, Map<String, String> own) {
      boolean asked = !info.indexType().isEmpty() || !info.indexParams().isEmpty();
      if (own != null && !asked) {
        Map<String, String> same = new LinkedHashMap<>(own);
        same.put("metric_type", info.metric().name());
        return same;
      }
      VectorFieldInfo source =
          load.sourceVectors().stream()
              .filter(one -> one.name().equals(info.name()))
              .findFirst()
              .orElse(null);
      IndexRules.Choice nearest =
          IndexRules.nearest(source, info.metric(), type, load.rows(), version);
      if (!asked) {
        return parameters(nearest.type(), nearest.metric(), nearest.build());
      }
      String wanted = info.indexType().isEmpty() ? nearest.type() : info.indexType();
      IndexRules.Choice choice =
          IndexRules.asked(
              new VectorFieldInfo(
                  info.name(),
                  info.kind(),
                  info.element(),
                  info.dimension(),
                  info.metric(),
                  info.metricArgument(),
                  wanted,
                  info.indexParams(),
                  info.optional()),
              type,
              version,
              findings);
      Map<String, String> build =
          new TreeMap<>(IndexRules.missing(choice, info.dimension(), load.rows()));
      build.putAll(choice.build());
      return parameters(choice.type(), choice.metric(), build);
    }

    private static Map<String, String> parameters(
        String type, Metric metric, Map<String, String> build) {
      Map<String, String> parameters = new LinkedHashMap<>();
      parameters.put("index_type", type);
      parameters.put("metric_type", metric.name());
      try {
        parameters.put("params", MAPPER.writeValueAsString(new TreeMap<>(build)));
      } catch (JsonProcessingException e) {
        throw new IllegalStateException("texts are JSON", e);
      }
      return parameters;
    }

    private void checkRows() {
      List<String> hidden =
          profile.keys().stream()
              .map(RecordProfile.Key::name)
              .filter(key -> key.equals(Layout.DYNAMIC) || isTaken(key))
              .limit(NAMED_KEYS)
              .toList();
      if (!hidden.isEmpty()) {
        findings.add(
            Finding.warning(
                "target",
                "metadata keys "
                    + String.join(", ", hidden)
                    + " have the names of fields; such metadata is kept as one text beside the"
                    + " others, and these keys cannot be searched.",
                "Name the fields otherwise with options.idField, options.vectorField and"
                    + " options.documentField."));
      }
      if (profile.longestMetadata() > Layout.LONGEST_JSON && dynamic && !version.lite()) {
        findings.add(
            Finding.warning(
                "target",
                "metadata has up to "
                    + profile.longestMetadata()
                    + " bytes, the dynamic field of Milvus holds "
                    + Layout.LONGEST_JSON
                    + " per record; records that do not fit are refused one by one.",
                "Give long keys a field of their own with options.fields, or allow for rejects"
                    + " with import.maxRejects."));
      }
      if (version.lite()) {
        findings.add(
            Finding.info(
                "target",
                "Milvus Lite writes JSON anew; numbers that it would spell otherwise are kept as"
                    + " text beside the metadata"));
      }
    }

    /** Whether a key has the name of a field that is not there for it. */
    private boolean isTaken(String key) {
      FieldSchema field = fields.get(key);
      return field != null
          && (field.getIsPrimaryKey() || vectorNames.containsKey(key) || key.equals(document));
    }
  }
}
