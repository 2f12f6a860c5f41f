package io.vecferry.archive;

import io.vecferry.archive.ListColumn.Lists;
import io.vecferry.record.SparseVectors;
import io.vecferry.record.VectorColumn;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;
import org.apache.parquet.schema.Types;

/**
 * Sparse vectors: a nullable struct of two lists of one length, {@code indices} and {@code values}.
 */
final class SparseCodec extends VectorCodec {
  private static final String INDICES = "indices";
  private static final String VALUES = "values";

  private final ListColumn indices;
  private final ListColumn values;

  SparseCodec(PartSchema.VectorField field, MessageType schema) {
    super(field);
    this.indices =
        new ListColumn(schema, List.of(field.column(), INDICES), PrimitiveTypeName.INT32, 1, 0);
    this.values =
        new ListColumn(schema, List.of(field.column(), VALUES), PrimitiveTypeName.FLOAT, 1, 0);
  }

  static Type type(PartSchema.VectorField field) {
    Type index = element(PrimitiveTypeName.INT32, LogicalTypeAnnotation.intType(32, false));
    return Types.optionalGroup()
        .addField(listOf(Type.Repetition.REQUIRED, index, INDICES))
        .addField(listOf(Type.Repetition.REQUIRED, element(PrimitiveTypeName.FLOAT, null), VALUES))
        .named(field.column());
  }

  @Override
  String misfit(VectorColumn vectors) {
    return vectors instanceof SparseVectors ? null : "is not sparse";
  }

  @Override
  void write(PageOutput output, List<VectorColumn> batches, boolean split) throws IOException {
    List<SparseVectors> vectors = batches.stream().map(SparseVectors.class::cast).toList();
    // Indices ascend and are small, so that compressing them costs little and saves half.
    indices.write(output, vectors.stream().map(SparseCodec::indices).toList(), false, true);
    values.write(output, vectors.stream().map(SparseCodec::values).toList(), split, split);
  }

  private static Lists indices(SparseVectors batch) {
    int entries = batch.offsets()[batch.rows()];
    return new Lists(batch.offsets(), batch.nulls(), new Words.Integers(batch.indices(), entries));
  }

  private static Lists values(SparseVectors batch) {
    int entries = batch.offsets()[batch.rows()];
    return new Lists(batch.offsets(), batch.nulls(), new Words.Floats(batch.values(), entries));
  }

  @Override
  VectorColumn read(RowGroup group, int rows) throws IOException {
    Words.Integers foundIndices = new Words.Integers(new int[0], 0);
    Words.Floats foundValues = new Words.Floats(new float[0], 0);
    Lists first = indices.read(group, rows, foundIndices);
    Lists second = values.read(group, rows, foundValues);
    if (!Arrays.equals(first.offsets(), second.offsets())
        || !Arrays.equals(first.nulls(), second.nulls())) {
      throw new BadColumn("its indices and values are not of the same number");
    }
    return new SparseVectors(
        field().name(),
        first.offsets(),
        ((Words.Integers) first.values()).toArray(),
        ((Words.Floats) second.values()).toArray(),
        first.nulls());
  }
}
