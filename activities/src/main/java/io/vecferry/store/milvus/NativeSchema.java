package io.vecferry.store.milvus;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.milvus.grpc.CollectionSchema;
import io.milvus.grpc.ConsistencyLevel;
import io.milvus.grpc.DataType;
import io.milvus.grpc.FieldSchema;
import io.milvus.grpc.FunctionSchema;
import io.milvus.grpc.FunctionType;
import io.milvus.grpc.KeyValuePair;
import io.milvus.grpc.ValueField;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Everything that makes a collection what it is, beside its rows. As JSON it is part of what a
 * source says about itself, so that the archive documents it and a Milvus target can be made alike.
 *
 * @param schema fields and functions, and the description that people gave it
 * @param shards number of shards; 0 when the server does not say
 * @param partitions partitions behind a partition key; 0 without one
 * @param properties settings of the collection
 * @param indexes parameters of the index of a field, by field
 * @param recordNames names of the vector fields in records where they differ, by field
 * @param document name of the field with the document; null for none
 */
record NativeSchema(
    CollectionSchema schema,
    int shards,
    long partitions,
    ConsistencyLevel consistency,
    Map<String, String> properties,
    Map<String, Map<String, String>> indexes,
    Map<String, String> recordNames,
    String document) {
  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  /** Canonical JSON in one line. */
  String toJson() {
    ObjectNode root = MAPPER.createObjectNode();
    if (!schema.getDescription().isEmpty()) {
      root.put("description", schema.getDescription());
    }
    ArrayNode fields = root.putArray("fields");
    for (FieldSchema field : schema.getFieldsList()) {
      write(field, fields.addObject());
    }
    for (FunctionSchema function : schema.getFunctionsList()) {
      ObjectNode node = root.withArray("functions").addObject();
      node.put("name", function.getName());
      node.put("type", function.getType().name());
      function.getInputFieldNamesList().forEach(node.putArray("inputs")::add);
      function.getOutputFieldNamesList().forEach(node.putArray("outputs")::add);
      write(pairs(function.getParamsList()), "params", node);
    }
    root.put("dynamic", schema.getEnableDynamicField());
    if (shards > 0) {
      root.put("shards", shards);
    }
    if (partitions > 0) {
      root.put("partitions", partitions);
    }
    root.put("consistency", consistency.name());
    write(properties, "properties", root);
    if (!indexes.isEmpty()) {
      ObjectNode all = root.putObject("indexes");
      indexes.forEach((field, parameters) -> write(parameters, field, all));
    }
    write(recordNames, "recordNames", root);
    if (document != null) {
      root.put("document", document);
    }
    return root.toString();
  }

  private static void write(FieldSchema field, ObjectNode node) {
    node.put("name", field.getName());
    node.put("type", field.getDataType().name());
    if (field.getDataType() == DataType.Array) {
      node.put("element", field.getElementType().name());
    }
    putIf(node, "primary", field.getIsPrimaryKey());
    putIf(node, "autoId", field.getAutoID());
    putIf(node, "partitionKey", field.getIsPartitionKey());
    putIf(node, "clusteringKey", field.getIsClusteringKey());
    putIf(node, "nullable", field.getNullable());
    putIf(node, "computed", field.getIsFunctionOutput());
    if (!field.getDescription().isEmpty()) {
      node.put("description", field.getDescription());
    }
    write(pairs(field.getTypeParamsList()), "params", node);
    ValueField value = field.getDefaultValue();
    switch (value.getDataCase()) {
      case BOOL_DATA -> node.put("default", value.getBoolData());
      case INT_DATA -> node.put("default", value.getIntData());
      case LONG_DATA -> node.put("default", value.getLongData());
      case FLOAT_DATA -> node.put("default", value.getFloatData());
      case DOUBLE_DATA -> node.put("default", value.getDoubleData());
      case STRING_DATA -> node.put("default", value.getStringData());
      case BYTES_DATA -> node.put("default", value.getBytesData().toStringUtf8());
      default -> {
        // No default, or one of a type that a target is not made with.
      }
    }
  }

  private static void putIf(ObjectNode node, String key, boolean value) {
    if (value) {
      node.put(key, true);
    }
  }

  private static void write(Map<String, String> values, String key, ObjectNode node) {
    if (!values.isEmpty()) {
      ObjectNode object = node.putObject(key);
      values.forEach(object::put);
    }
  }

  static Map<String, String> pairs(List<KeyValuePair> pairs) {
    Map<String, String> map = new LinkedHashMap<>();
    pairs.forEach(pair -> map.put(pair.getKey(), pair.getValue()));
    return map;
  }

  static List<KeyValuePair> pairs(Map<String, String> map) {
    List<KeyValuePair> pairs = new ArrayList<>();
    map.forEach(
        (key, value) -> pairs.add(KeyValuePair.newBuilder().setKey(key).setValue(value).build()));
    return pairs;
  }

  /** Reads what {@link #toJson} wrote; empty when the text is absent or something else. */
  static Optional<NativeSchema> parse(String json) {
    if (json == null) {
      return Optional.empty();
    }
    try {
      JsonNode root = MAPPER.readTree(json);
      CollectionSchema.Builder schema =
          CollectionSchema.newBuilder()
              .setDescription(root.path("description").asText(""))
              .setEnableDynamicField(root.path("dynamic").asBoolean());
      root.path("fields").forEach(node -> schema.addFields(field(node)));
      root.path("functions").forEach(node -> schema.addFunctions(function(node)));
      Map<String, Map<String, String>> indexes = new LinkedHashMap<>();
      root.path("indexes")
          .fields()
          .forEachRemaining(e -> indexes.put(e.getKey(), map(e.getValue())));
      return Optional.of(
          new NativeSchema(
              schema.build(),
              root.path("shards").asInt(),
              root.path("partitions").asLong(),
              ConsistencyLevel.valueOf(root.path("consistency").asText("Bounded")),
              map(root.path("properties")),
              indexes,
              map(root.path("recordNames")),
              root.hasNonNull("document") ? root.get("document").asText() : null));
    } catch (JsonProcessingException | IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private static FieldSchema field(JsonNode node) {
    DataType type = DataType.valueOf(node.path("type").asText());
    FieldSchema.Builder field =
        FieldSchema.newBuilder()
            .setName(node.path("name").asText())
            .setDataType(type)
            .setIsPrimaryKey(node.path("primary").asBoolean())
            .setAutoID(node.path("autoId").asBoolean())
            .setIsPartitionKey(node.path("partitionKey").asBoolean())
            .setIsClusteringKey(node.path("clusteringKey").asBoolean())
            .setNullable(node.path("nullable").asBoolean())
            .setIsFunctionOutput(node.path("computed").asBoolean())
            .setDescription(node.path("description").asText(""))
            .addAllTypeParams(pairs(map(node.path("params"))));
    if (type == DataType.Array) {
      field.setElementType(DataType.valueOf(node.path("element").asText()));
    }
    if (node.has("default")) {
      field.setDefaultValue(defaultValue(type, node.get("default")));
    }
    return field.build();
  }

  private static ValueField defaultValue(DataType type, JsonNode value) {
    ValueField.Builder field = ValueField.newBuilder();
    return switch (type) {
      case Bool -> field.setBoolData(value.asBoolean()).build();
      case Int8, Int16, Int32 -> field.setIntData(value.asInt()).build();
      case Int64 -> field.setLongData(value.asLong()).build();
      case Float -> field.setFloatData(Float.parseFloat(value.asText())).build();
      case Double -> field.setDoubleData(value.asDouble()).build();
      default -> field.setStringData(value.asText()).build();
    };
  }

  private static FunctionSchema function(JsonNode node) {
    FunctionSchema.Builder function =
        FunctionSchema.newBuilder()
            .setName(node.path("name").asText())
            .setType(FunctionType.valueOf(node.path("type").asText()))
            .addAllParams(pairs(map(node.path("params"))));
    node.path("inputs").forEach(name -> function.addInputFieldNames(name.asText()));
    node.path("outputs").forEach(name -> function.addOutputFieldNames(name.asText()));
    return function.build();
  }

  private static Map<String, String> map(JsonNode node) {
    Map<String, String> map = new LinkedHashMap<>();
    node.fields().forEachRemaining(e -> map.put(e.getKey(), e.getValue().asText()));
    return map;
  }
}
