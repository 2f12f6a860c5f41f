package io.vecferry.archive;

import io.vecferry.archive.ListColumn.Lists;
import io.vecferry.record.MultiVectors;
import io.vecferry.record.VectorColumn;
import java.io.IOException;
import java.util.List;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;

/** Several dense vectors per record: a nullable list of lists of floats. */
final class MultiCodec extends VectorCodec {
  private final ListColumn column;

  MultiCodec(PartSchema.VectorField field, MessageType schema) {
    super(field);
    this.column =
        new ListColumn(
            schema, List.of(field.column()), PrimitiveTypeName.FLOAT, 2, field.dimension());
  }

  static Type type(PartSchema.VectorField field) {
    Type vector =
        listOf(Type.Repetition.REQUIRED, element(PrimitiveTypeName.FLOAT, null), "element");
    return listOf(Type.Repetition.OPTIONAL, vector, field.column());
  }

  @Override
  String misfit(VectorColumn vectors) {
    return vectors instanceof MultiVectors multi && multi.dimension() == field().dimension()
        ? null
        : "is not of several vectors of dimension " + field().dimension();
  }

  @Override
  void write(PageOutput output, List<VectorColumn> batches, boolean split) throws IOException {
    column.write(
        output, batches.stream().map(batch -> lists((MultiVectors) batch)).toList(), split, split);
  }

  private static Lists lists(MultiVectors batch) {
    int[] offsets = new int[batch.rows() + 1];
    for (int row = 0; row < offsets.length; row++) {
      offsets[row] = batch.offsets()[row] * batch.dimension();
    }
    return new Lists(
        offsets, batch.nulls(), new Words.Floats(batch.values(), offsets[batch.rows()]));
  }

  @Override
  VectorColumn read(RowGroup group, int rows) throws IOException {
    Lists lists = column.read(group, rows, new Words.Floats(new float[0], 0));
    int[] offsets = lists.offsets();
    for (int row = 0; row < offsets.length; row++) {
      offsets[row] /= field().dimension();
    }
    return new MultiVectors(
        field().name(),
        field().dimension(),
        offsets,
        ((Words.Floats) lists.values()).toArray(),
        lists.nulls());
  }
}
