package io.vecferry.report;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The JSON Schema of {@code report.json}, made of the records that it is written from. Members may
 * be added in later versions, so a schema allows others than it names.
 */
public final class ReportSchema {
  private final Map<String, ObjectNode> definitions = new TreeMap<>();

  private ReportSchema() {}

  /** The schema, in a stable order of keys. */
  public static ObjectNode make() {
    ReportSchema schema = new ReportSchema();
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    root.put("$schema", "https://json-schema.org/draft/2020-12/schema");
    root.put("title", "Report of a vecferry migration");
    root.put("$comment", "Format version " + MigrationReport.FORMAT_VERSION);
    root.setAll(schema.object(MigrationReport.class));
    ObjectNode defined = root.putObject("$defs");
    schema.definitions.forEach(defined::set);
    return root;
  }

  private ObjectNode object(Class<?> record) {
    ObjectNode object = JsonNodeFactory.instance.objectNode().put("type", "object");
    ObjectNode properties = object.putObject("properties");
    ArrayNode required = object.putArray("required");
    for (RecordComponent component : record.getRecordComponents()) {
      properties.set(component.getName(), value(component.getGenericType()));
      Class<?> type = component.getType();
      // Texts, numbers and records that are null are left out; lists and maps never are.
      if (type.isPrimitive() || List.class.equals(type) || Map.class.equals(type)) {
        required.add(component.getName());
      }
    }
    return object;
  }

  private ObjectNode value(Type type) {
    ObjectNode value = JsonNodeFactory.instance.objectNode();
    if (type instanceof ParameterizedType generic) {
      Type[] arguments = generic.getActualTypeArguments();
      if (List.class.equals(generic.getRawType())) {
        value.put("type", "array").set("items", value(arguments[0]));
      } else {
        value.put("type", "object").set("additionalProperties", value(arguments[1]));
      }
      return value;
    }
    Class<?> plain = (Class<?>) type;
    if (plain.isRecord()) {
      String name = plain.getSimpleName();
      if (!definitions.containsKey(name)) {
        // Known before its members are looked at, which may be of the same kind.
        definitions.put(name, value);
        definitions.put(name, object(plain));
      }
      return JsonNodeFactory.instance.objectNode().put("$ref", "#/$defs/" + name);
    }
    if (plain.isEnum()) {
      ArrayNode names = value.put("type", "string").putArray("enum");
      for (Object constant : plain.getEnumConstants()) {
        names.add(((Enum<?>) constant).name());
      }
      return value;
    }
    return value.put("type", name(plain));
  }

  private static String name(Class<?> type) {
    if (type == String.class) {
      return "string";
    }
    if (type == boolean.class || type == Boolean.class) {
      return "boolean";
    }
    if (type == double.class || type == Double.class) {
      return "number";
    }
    if (type == int.class || type == long.class || type == Integer.class || type == Long.class) {
      return "integer";
    }
    throw new IllegalArgumentException("a report has no " + type);
  }
}
