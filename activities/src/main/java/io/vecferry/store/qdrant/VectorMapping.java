package io.vecferry.store.qdrant;

import io.qdrant.client.grpc.JsonWithInt.ListValue;
import io.qdrant.client.grpc.JsonWithInt.Struct;
import io.qdrant.client.grpc.JsonWithInt.Value;
import io.qdrant.client.grpc.Points.DenseVector;
import io.qdrant.client.grpc.Points.MultiDenseVector;
import io.qdrant.client.grpc.Points.NamedVectors;
import io.qdrant.client.grpc.Points.SparseIndices;
import io.qdrant.client.grpc.Points.SparseVector;
import io.qdrant.client.grpc.Points.Vector;
import io.qdrant.client.grpc.Points.VectorOutput;
import io.qdrant.client.grpc.Points.Vectors;
import io.qdrant.client.grpc.Points.VectorsOutput;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.ElementType;
import io.vecferry.record.MultiVectors;
import io.vecferry.record.SparseVectors;
import io.vecferry.record.VectorColumn;
import io.vecferry.record.VectorKind;
import io.vecferry.store.StoreException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Puts vector columns of records into messages, and takes them back.
 *
 * <p>A server brings vectors of a cosine field to unit length. Their original length is kept with
 * the point, and what is read is brought back to it; vectors that the server leaves alone keep
 * every bit.
 */
final class VectorMapping {
  /**
   * The server leaves a vector alone whose squared length, summed up in 32-bit floats, is within
   * 1e-6 of 1. That sum is off by some 1e-7, in an order that depends on its processor.
   */
  private static final double CERTAINLY_UNIT = 5e-7;

  /** It leaves one alone whose squared length is below 1.19e-7, too. */
  private static final double CERTAINLY_TINY = 1e-7;

  /** A squared length above this is infinite as a 32-bit float, and the server stores zeros. */
  private static final double LARGEST_SQUARE = Float.MAX_VALUE * 0.999;

  private static final float LARGEST_HALF = 65504;
  private static final float LARGEST_BYTE = 255;

  /** Components that the server takes in one multi-vector, which must stay below. */
  private static final int LARGEST_MULTI_VECTOR = 1 << 20;

  private final List<VectorField> fields;
  private final boolean byKind;

  /**
   * @param fields the collection's fields
   * @param byKind whether vectors are sent by kind, see {@link ServerVersion#takesVectorsByKind}
   */
  VectorMapping(List<VectorField> fields, boolean byKind) {
    this.fields = fields;
    this.byKind = byKind;
  }

  // Writing

  /**
   * Pairs the columns of a batch with the fields of the collection.
   *
   * @throws StoreException INCOMPATIBLE when a column has no field
   */
  Encoder encoder(List<VectorColumn> columns) {
    List<VectorField> paired = new ArrayList<>();
    for (VectorColumn column : columns) {
      paired.add(
          fields.stream()
              .filter(field -> field.recordName().equals(column.name()))
              .findFirst()
              .orElseThrow(
                  () ->
                      new StoreException(
                          FailureClass.INCOMPATIBLE,
                          "the collection has no vector field '"
                              + column.name()
                              + "'; it has "
                              + fields.stream().map(VectorField::recordName).toList())));
    }
    return new Encoder(columns, paired);
  }

  /** The columns of one batch, to be sent. */
  final class Encoder {
    private final List<VectorColumn> columns;
    private final List<VectorField> paired;

    private Encoder(List<VectorColumn> columns, List<VectorField> paired) {
      this.columns = columns;
      this.paired = paired;
    }

    /** Why the collection cannot hold the vectors of a row; null when it can. */
    String problem(int row) {
      for (int i = 0; i < columns.size(); i++) {
        String problem =
            columns.get(i).isNull(row) ? null : problem(columns.get(i), paired.get(i), row);
        if (problem != null) {
          return "vector '" + columns.get(i).name() + "' " + problem;
        }
      }
      return null;
    }

    private String problem(VectorColumn column, VectorField field, int row) {
      if (column instanceof DenseVectors dense && field.kind() == VectorKind.DENSE) {
        return dense.dimension() != field.dimension()
            ? wrongDimension(dense.dimension(), field)
            : componentProblem(dense.values(), row * dense.dimension(), field);
      }
      if (column instanceof MultiVectors multi && field.kind() == VectorKind.MULTI) {
        int first = multi.offsets()[row];
        int end = multi.offsets()[row + 1];
        if (multi.dimension() != field.dimension()) {
          return wrongDimension(multi.dimension(), field);
        }
        if (first == end) {
          return "is a multi-vector without vectors, which Qdrant does not take";
        }
        if ((long) (end - first) * multi.dimension() >= LARGEST_MULTI_VECTOR) {
          return String.format(
              Locale.ROOT,
              "is a multi-vector of %,d components; Qdrant takes fewer than %,d",
              (long) (end - first) * multi.dimension(),
              LARGEST_MULTI_VECTOR);
        }
        for (int vector = first; vector < end; vector++) {
          String problem = componentProblem(multi.values(), vector * multi.dimension(), field);
          if (problem != null) {
            return problem;
          }
        }
        return null;
      }
      if (column instanceof SparseVectors && field.kind() == VectorKind.SPARSE) {
        return null;
      }
      return "is of another kind than the collection's, which is "
          + field.kind().name().toLowerCase(Locale.ROOT);
    }

    private String wrongDimension(int dimension, VectorField field) {
      return "has " + dimension + " components, the collection's have " + field.dimension();
    }

    private String componentProblem(float[] values, int start, VectorField field) {
      if (field.normalised() && squaredLength(values, start, field.dimension()) > LARGEST_SQUARE) {
        return "is so long that its squared length is no 32-bit float; under cosine Qdrant would"
            + " store zeros";
      }
      if (field.element() == ElementType.FLOAT32) {
        return null;
      }
      for (int i = 0; i < field.dimension(); i++) {
        float value = values[start + i];
        if (field.element() == ElementType.FLOAT16 && Math.abs(value) > LARGEST_HALF) {
          return "is " + value + " at component " + i + ", too large for half precision";
        }
        if (field.element() == ElementType.UINT8
            && !(value >= 0 && value <= LARGEST_BYTE && value == (int) value)) {
          return "is " + value + " at component " + i + ", no whole number from 0 to 255";
        }
      }
      return null;
    }

    Vectors vectors(int row) {
      if (columns.size() == 1 && paired.get(0).name().isEmpty() && !columns.get(0).isNull(row)) {
        return Vectors.newBuilder().setVector(vector(0, row)).build();
      }
      NamedVectors.Builder named = NamedVectors.newBuilder();
      for (int i = 0; i < columns.size(); i++) {
        if (!columns.get(i).isNull(row)) {
          named.putVectors(paired.get(i).name(), vector(i, row));
        }
      }
      return Vectors.newBuilder().setVectors(named).build();
    }

    private Vector vector(int index, int row) {
      VectorColumn column = columns.get(index);
      if (column instanceof DenseVectors dense) {
        int start = row * dense.dimension();
        return byKind
            ? Vector.newBuilder().setDense(dense(dense.values(), start, dense.dimension())).build()
            : flat(dense.values(), start, dense.dimension()).build();
      }
      if (column instanceof SparseVectors sparse) {
        return sparse(sparse, row);
      }
      return multi((MultiVectors) column, row);
    }

    @SuppressWarnings("deprecation")
    private Vector sparse(SparseVectors sparse, int row) {
      int start = sparse.offsets()[row];
      int end = sparse.offsets()[row + 1];
      if (byKind) {
        SparseVector.Builder out = SparseVector.newBuilder();
        for (int i = start; i < end; i++) {
          out.addIndices(sparse.indices()[i]).addValues(sparse.values()[i]);
        }
        return Vector.newBuilder().setSparse(out).build();
      }
      SparseIndices.Builder indices = SparseIndices.newBuilder();
      for (int i = start; i < end; i++) {
        indices.addData(sparse.indices()[i]);
      }
      return flat(sparse.values(), start, end - start).setIndices(indices).build();
    }

    @SuppressWarnings("deprecation")
    private Vector multi(MultiVectors multi, int row) {
      int first = multi.offsets()[row];
      int end = multi.offsets()[row + 1];
      int dimension = multi.dimension();
      if (!byKind) {
        return flat(multi.values(), first * dimension, (end - first) * dimension)
            .setVectorsCount(end - first)
            .build();
      }
      MultiDenseVector.Builder out = MultiDenseVector.newBuilder();
      for (int vector = first; vector < end; vector++) {
        out.addVectors(dense(multi.values(), vector * dimension, dimension));
      }
      return Vector.newBuilder().setMultiDense(out).build();
    }

    @SuppressWarnings("deprecation")
    private Vector.Builder flat(float[] values, int start, int length) {
      Vector.Builder out = Vector.newBuilder();
      for (int i = start; i < start + length; i++) {
        out.addData(values[i]);
      }
      return out;
    }

    private DenseVector dense(float[] values, int start, int length) {
      DenseVector.Builder out = DenseVector.newBuilder();
      for (int i = start; i < start + length; i++) {
        out.addData(values[i]);
      }
      return out.build();
    }

    /**
     * The lengths that the server takes away from a row: a number for the only field, otherwise by
     * field, a list for a multi-vector. Null when it takes none away.
     */
    Value norms(int row) {
      Struct.Builder byField = null;
      for (int i = 0; i < columns.size(); i++) {
        VectorField field = paired.get(i);
        if (!field.normalised() || columns.get(i).isNull(row)) {
          continue;
        }
        Value norms = norms(columns.get(i), row);
        if (norms == null) {
          continue;
        }
        if (isOnlyDense()) {
          return norms;
        }
        byField = byField == null ? Struct.newBuilder() : byField;
        byField.putFields(field.name(), norms);
      }
      return byField == null ? null : Value.newBuilder().setStructValue(byField).build();
    }

    private Value norms(VectorColumn column, int row) {
      if (column instanceof DenseVectors dense) {
        double square = squaredLength(dense.values(), row * dense.dimension(), dense.dimension());
        return isLeftAlone(square) ? null : number(Math.sqrt(square));
      }
      MultiVectors multi = (MultiVectors) column;
      ListValue.Builder list = ListValue.newBuilder();
      boolean changed = false;
      for (int vector = multi.offsets()[row]; vector < multi.offsets()[row + 1]; vector++) {
        double square =
            squaredLength(multi.values(), vector * multi.dimension(), multi.dimension());
        changed |= !isLeftAlone(square);
        list.addValues(number(Math.sqrt(square)));
      }
      return changed ? Value.newBuilder().setListValue(list).build() : null;
    }
  }

  private boolean isOnlyDense() {
    return fields.size() == 1 && fields.get(0).kind() == VectorKind.DENSE;
  }

  static boolean isLeftAlone(double squaredLength) {
    return Math.abs(squaredLength - 1) <= CERTAINLY_UNIT || squaredLength <= CERTAINLY_TINY;
  }

  private static Value number(double number) {
    return Value.newBuilder().setDoubleValue(number).build();
  }

  private static double squaredLength(float[] values, int start, int length) {
    double sum = 0;
    for (int i = start; i < start + length; i++) {
      sum += (double) values[i] * values[i];
    }
    return sum;
  }

  // Reading

  Decoder decoder(int rows) {
    return new Decoder(rows);
  }

  /**
   * Collects the vectors of points into columns, one for each field, in the order of the fields.
   */
  final class Decoder {
    private final List<Column> columns;
    private int row;

    private Decoder(int rows) {
      columns = fields.stream().map(field -> new Column(field, rows)).toList();
    }

    /**
     * Adds a point.
     *
     * @param norms lengths as {@link Encoder#norms} made them, or null
     */
    void add(VectorsOutput vectors, Value norms) {
      for (Column column : columns) {
        VectorField field = column.field;
        VectorOutput vector = null;
        if (vectors.hasVectors()) {
          vector = vectors.getVectors().getVectorsMap().get(field.name());
        } else if (vectors.hasVector() && field.name().isEmpty()) {
          vector = vectors.getVector();
        }
        if (vector == null) {
          column.addNull(row);
        } else {
          column.add(row, vector, normsOf(field, norms));
        }
      }
      row++;
    }

    private Value normsOf(VectorField field, Value norms) {
      if (norms == null || !field.normalised()) {
        return null;
      }
      return norms.hasStructValue()
          ? norms.getStructValue().getFieldsMap().get(field.name())
          : isOnlyDense() ? norms : null;
    }

    List<VectorColumn> build() {
      List<VectorColumn> built = new ArrayList<>();
      for (Column column : columns) {
        built.add(column.build(row));
      }
      return built;
    }
  }

  /** A column that grows. */
  private static final class Column {
    private final VectorField field;
    private final int[] offsets;
    private float[] values;
    private int[] indices;
    private boolean[] nulls;
    private int end;

    Column(VectorField field, int rows) {
      this.field = field;
      this.offsets = field.kind() == VectorKind.DENSE ? null : new int[rows + 1];
      this.values = new float[Math.multiplyExact(rows, Math.max(1, field.dimension()))];
      this.indices = field.kind() == VectorKind.SPARSE ? new int[rows] : null;
    }

    void addNull(int row) {
      if (nulls == null) {
        nulls =
            new boolean[offsets == null ? values.length / field.dimension() : offsets.length - 1];
      }
      nulls[row] = true;
      if (offsets == null) {
        end += field.dimension();
      } else {
        offsets[row + 1] = offsets[row];
      }
    }

    void add(int row, VectorOutput vector, Value norms) {
      switch (field.kind()) {
        case DENSE -> {
          addDense(vector);
          if (norms != null && norms.hasDoubleValue()) {
            restore(end - field.dimension(), norms.getDoubleValue());
          }
        }
        case SPARSE -> addSparse(row, vector);
        case MULTI -> addMulti(row, vector, norms);
      }
    }

    @SuppressWarnings("deprecation")
    private void addDense(VectorOutput vector) {
      if (vector.hasDense()) {
        addRow(vector.getDense());
        return;
      }
      requireDimension(vector.getDataCount(), field.dimension());
      reserve(field.dimension());
      for (int i = 0; i < field.dimension(); i++) {
        values[end++] = vector.getData(i);
      }
    }

    private void addRow(DenseVector vector) {
      requireDimension(vector.getDataCount(), field.dimension());
      reserve(field.dimension());
      for (int i = 0; i < field.dimension(); i++) {
        values[end++] = vector.getData(i);
      }
    }

    @SuppressWarnings("deprecation")
    private void addMulti(int row, VectorOutput vector, Value norms) {
      int start = end;
      int count;
      if (vector.hasMultiDense()) {
        count = vector.getMultiDense().getVectorsCount();
        for (int i = 0; i < count; i++) {
          addRow(vector.getMultiDense().getVectors(i));
        }
      } else {
        count = vector.getVectorsCount();
        requireDimension(vector.getDataCount(), count * field.dimension());
        reserve(vector.getDataCount());
        for (int i = 0; i < vector.getDataCount(); i++) {
          values[end++] = vector.getData(i);
        }
      }
      offsets[row + 1] = offsets[row] + count;
      if (norms != null && norms.getListValue().getValuesCount() == count) {
        for (int i = 0; i < count; i++) {
          restore(
              start + i * field.dimension(), norms.getListValue().getValues(i).getDoubleValue());
        }
      }
    }

    @SuppressWarnings("deprecation")
    private void addSparse(int row, VectorOutput vector) {
      boolean byKind = vector.hasSparse();
      int count = byKind ? vector.getSparse().getValuesCount() : vector.getDataCount();
      int found =
          byKind ? vector.getSparse().getIndicesCount() : vector.getIndices().getDataCount();
      requireDimension(found, count);
      reserve(count);
      if (indices.length < values.length) {
        indices = Arrays.copyOf(indices, values.length);
      }
      int start = end;
      boolean sorted = true;
      for (int i = 0; i < count; i++) {
        int index = byKind ? vector.getSparse().getIndices(i) : vector.getIndices().getData(i);
        sorted &= end == start || Integer.compareUnsigned(indices[end - 1], index) < 0;
        indices[end] = index;
        values[end++] = byKind ? vector.getSparse().getValues(i) : vector.getData(i);
      }
      if (!sorted) {
        sort(start);
      }
      offsets[row + 1] = end;
    }

    /** Servers sort the entries; this is for those that do not. */
    private void sort(int start) {
      long[] entries = new long[end - start];
      for (int i = 0; i < entries.length; i++) {
        entries[i] =
            ((long) (indices[start + i] ^ Integer.MIN_VALUE) << 32)
                | (Float.floatToRawIntBits(values[start + i]) & 0xffffffffL);
      }
      Arrays.sort(entries);
      for (int i = 0; i < entries.length; i++) {
        indices[start + i] = (int) (entries[i] >> 32) ^ Integer.MIN_VALUE;
        values[start + i] = Float.intBitsToFloat((int) entries[i]);
      }
    }

    /**
     * Brings a vector to a length. The length that it has is measured as the wanted one was, so
     * that a vector that the server has left alone after all keeps every bit.
     */
    private void restore(int start, double norm) {
      double length = Math.sqrt(squaredLength(values, start, field.dimension()));
      if (length == 0 || length == norm) {
        return;
      }
      double factor = norm / length;
      for (int i = start; i < start + field.dimension(); i++) {
        values[i] = (float) (values[i] * factor);
      }
    }

    private void reserve(int more) {
      if (end + more > values.length) {
        values = Arrays.copyOf(values, Math.max(Math.addExact(end, more), values.length * 2));
      }
    }

    private void requireDimension(int found, int expected) {
      if (found != expected) {
        throw new StoreException(
            FailureClass.SOURCE_CHANGED,
            "a point has "
                + found
                + " components in vector '"
                + field.name()
                + "', "
                + expected
                + " were expected");
      }
    }

    VectorColumn build(int rows) {
      String name = field.recordName();
      boolean[] absent = nulls == null ? null : Arrays.copyOf(nulls, rows);
      return switch (field.kind()) {
        case DENSE ->
            new DenseVectors(
                name,
                field.dimension(),
                end == values.length ? values : Arrays.copyOf(values, end),
                absent);
        case SPARSE ->
            new SparseVectors(name, Arrays.copyOf(offsets, rows + 1), indices, values, absent);
        case MULTI ->
            new MultiVectors(
                name, field.dimension(), Arrays.copyOf(offsets, rows + 1), values, absent);
      };
    }
  }
}
