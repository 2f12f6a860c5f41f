package io.vecferry.store.milvus;

import io.milvus.grpc.CollectionSchema;
import io.milvus.grpc.DataType;
import io.milvus.grpc.FieldSchema;
import io.milvus.grpc.KeyValuePair;
import io.vecferry.record.ElementType;
import io.vecferry.record.IdKind;
import io.vecferry.record.VectorKind;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * How the fields of a collection and the columns of records correspond. Fields that a function of
 * the server computes are not part of it: they come and go with their inputs. Pure.
 *
 * @param idField name of the key field
 * @param textIds whether the key is a text; otherwise an INT64
 * @param longestId most bytes of a text key
 * @param vectors vector fields in the order of the schema
 * @param document field with the document; null for none
 * @param scalars all other declared fields, which are members of the metadata
 * @param dynamic whether there is a field for any other member
 * @param note what a load has left in the collection; null where there was none
 */
record Layout(
    String idField,
    boolean textIds,
    int longestId,
    List<Vector> vectors,
    Document document,
    List<Scalar> scalars,
    boolean dynamic,
    CollectionNote note) {
  /** The dynamic field, which is in no schema. */
  static final String DYNAMIC = "$meta";

  /** Most bytes of a value of type JSON, and of all dynamic members of a row together. */
  static final int LONGEST_JSON = 65_536;

  private static final List<String> DOCUMENT_NAMES = List.of("document", "text", "page_content");

  Layout {
    vectors = List.copyOf(vectors);
    scalars = List.copyOf(scalars);
  }

  /**
   * A vector field.
   *
   * @param field its name in the collection
   * @param name its name in records
   * @param dimension components; bits of a binary vector; 0 for a sparse one
   */
  record Vector(String field, String name, DataType type, int dimension, boolean nullable) {

    VectorKind kind() {
      return type == DataType.SparseFloatVector ? VectorKind.SPARSE : VectorKind.DENSE;
    }

    ElementType element() {
      return switch (type) {
        case Float16Vector -> ElementType.FLOAT16;
        case BFloat16Vector -> ElementType.BFLOAT16;
        case Int8Vector -> ElementType.INT8;
        case BinaryVector -> ElementType.BIT;
        default -> ElementType.FLOAT32;
      };
    }
  }

  /**
   * The field with the document.
   *
   * @param longest most bytes
   */
  record Document(String field, int longest, boolean nullable) {}

  /**
   * A declared field that holds a metadata key of the same name.
   *
   * @param element type of the elements of an ARRAY; otherwise {@code None}
   * @param longest most bytes of a text, or of each text in an ARRAY
   * @param capacity most elements of an ARRAY
   */
  record Scalar(
      String field, DataType type, DataType element, int longest, int capacity, boolean nullable) {}

  /**
   * The layout of a collection that is there.
   *
   * @param wantedDocument name of the document field; null for the usual ones
   */
  static Layout of(CollectionSchema schema, CollectionNote note, String wantedDocument) {
    FieldSchema key = null;
    List<Vector> vectors = new ArrayList<>();
    List<Scalar> scalars = new ArrayList<>();
    Document document = null;
    String documentField = documentField(schema, note, wantedDocument);
    Set<String> computed = computed(schema);
    for (FieldSchema field : schema.getFieldsList()) {
      if (field.getIsPrimaryKey()) {
        key = field;
      } else if (computed.contains(field.getName()) || field.getIsDynamic()) {
        continue;
      } else if (isVector(field.getDataType())) {
        String name =
            note == null
                ? field.getName()
                : note.load().vectorNames().getOrDefault(field.getName(), field.getName());
        vectors.add(
            new Vector(
                field.getName(),
                name,
                field.getDataType(),
                number(field, "dim"),
                field.getNullable()));
      } else if (field.getName().equals(documentField)) {
        document = new Document(field.getName(), longest(field), field.getNullable());
      } else {
        scalars.add(
            new Scalar(
                field.getName(),
                field.getDataType(),
                field.getElementType(),
                longest(field),
                number(field, "max_capacity"),
                field.getNullable()));
      }
    }
    if (key == null) {
      throw new IllegalArgumentException("a collection without a key field");
    }
    return new Layout(
        key.getName(),
        key.getDataType() == DataType.VarChar,
        longest(key),
        vectors,
        document,
        scalars,
        schema.getEnableDynamicField(),
        note);
  }

  private static String documentField(
      CollectionSchema schema, CollectionNote note, String wantedDocument) {
    if (note != null) {
      return note.document();
    }
    List<String> texts =
        schema.getFieldsList().stream()
            .filter(field -> field.getDataType() == DataType.VarChar && !field.getIsPrimaryKey())
            .map(FieldSchema::getName)
            .toList();
    if (wantedDocument != null) {
      return texts.contains(wantedDocument) ? wantedDocument : null;
    }
    return DOCUMENT_NAMES.stream().filter(texts::contains).findFirst().orElse(null);
  }

  /** Names of fields that the server computes. */
  static Set<String> computed(CollectionSchema schema) {
    Set<String> names = new HashSet<>();
    schema.getFunctionsList().forEach(function -> names.addAll(function.getOutputFieldNamesList()));
    schema.getFieldsList().stream()
        .filter(FieldSchema::getIsFunctionOutput)
        .forEach(field -> names.add(field.getName()));
    return names;
  }

  static boolean isVector(DataType type) {
    return switch (type) {
      case FloatVector,
          BinaryVector,
          Float16Vector,
          BFloat16Vector,
          SparseFloatVector,
          Int8Vector ->
          true;
      default -> false;
    };
  }

  private static int longest(FieldSchema field) {
    int longest = number(field, "max_length");
    return longest == 0 ? MilvusOptions.LONGEST_TEXT : longest;
  }

  private static int number(FieldSchema field, String parameter) {
    for (KeyValuePair pair : field.getTypeParamsList()) {
      if (pair.getKey().equals(parameter)) {
        return Integer.parseInt(pair.getValue());
      }
    }
    return 0;
  }

  /** Names that members of the metadata cannot have in the dynamic field. */
  Set<String> declared() {
    Set<String> names = new HashSet<>();
    names.add(DYNAMIC);
    names.add(idField);
    vectors.forEach(vector -> names.add(vector.field()));
    scalars.forEach(scalar -> names.add(scalar.field()));
    if (document != null) {
      names.add(document.field());
    }
    return names;
  }

  /** Fields to ask for, so that a record can be made of the answer. */
  List<String> outputFields() {
    List<String> names = new ArrayList<>();
    names.add(idField);
    vectors.forEach(vector -> names.add(vector.field()));
    if (document != null) {
      names.add(document.field());
    }
    scalars.forEach(scalar -> names.add(scalar.field()));
    if (dynamic) {
      names.add(DYNAMIC);
    }
    return names;
  }

  /** Kinds of ids that its records have. */
  Set<IdKind> idKinds() {
    if (!textIds) {
      return Set.of(IdKind.INT64);
    }
    return note == null || note.load().idKinds().isEmpty()
        ? Set.of(IdKind.STRING)
        : note.load().idKinds();
  }

  /** The kind of an id whose row does not say it. */
  IdKind kindOf(String id) {
    if (!textIds) {
      return IdKind.INT64;
    }
    return note == null ? IdKind.STRING : note.load().kindOf(id);
  }

  /** The vector field that records call by this name. */
  Optional<Vector> vector(String name) {
    return vectors.stream().filter(vector -> vector.name().equals(name)).findFirst();
  }

  /** Bytes that the vectors of a row take as floats; sparse ones count as a few entries. */
  long vectorBytes() {
    return vectors.stream()
        .mapToLong(vector -> vector.dimension() == 0 ? 1_024 : 4L * vector.dimension())
        .sum();
  }

  /** For each vector field of the collection, its name in the records. */
  static Map<String, String> names(List<Vector> vectors) {
    Map<String, String> names = new java.util.LinkedHashMap<>();
    vectors.forEach(vector -> names.put(vector.field(), vector.name()));
    return names;
  }
}
