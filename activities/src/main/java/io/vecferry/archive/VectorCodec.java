package io.vecferry.archive;

import io.vecferry.record.VectorColumn;
import java.io.IOException;
import java.util.List;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;
import org.apache.parquet.schema.Types;

/** How the vectors of one field lie in the columns of a Parquet file; one subclass per kind. */
abstract sealed class VectorCodec permits DenseCodec, SparseCodec, MultiCodec {

  private final PartSchema.VectorField field;

  VectorCodec(PartSchema.VectorField field) {
    this.field = field;
  }

  /**
   * The codec of a field.
   *
   * @param schema the schema of the file
   * @throws BadColumn when the schema does not have the field as it should be
   */
  static VectorCodec of(PartSchema.VectorField field, MessageType schema) {
    return switch (field.kind()) {
      case DENSE -> new DenseCodec(field, schema);
      case SPARSE -> new SparseCodec(field, schema);
      case MULTI -> new MultiCodec(field, schema);
    };
  }

  PartSchema.VectorField field() {
    return field;
  }

  /** The columns of a field as they are written. */
  static Type type(PartSchema.VectorField field) {
    return switch (field.kind()) {
      case DENSE -> DenseCodec.type(field);
      case SPARSE -> SparseCodec.type(field);
      case MULTI -> MultiCodec.type(field);
    };
  }

  /** What keeps a column of a batch from being written, null when nothing does. */
  abstract String misfit(VectorColumn column);

  /**
   * Writes the column of all batches of a row group.
   *
   * @param split whether bytes of equal weight of floats are put together and compressed
   */
  abstract void write(PageOutput output, List<VectorColumn> batches, boolean split)
      throws IOException;

  /**
   * Reads the column of a row group.
   *
   * @throws BadColumn when it is not as it should be
   */
  abstract VectorColumn read(RowGroup group, int rows) throws IOException;

  static Type listOf(Type.Repetition repetition, Type element, String name) {
    return Types.buildGroup(repetition)
        .as(LogicalTypeAnnotation.listType())
        .addField(Types.repeatedGroup().addField(element).named("list"))
        .named(name);
  }

  static Type element(PrimitiveTypeName type, LogicalTypeAnnotation annotation) {
    return Types.required(type).as(annotation).named("element");
  }
}
