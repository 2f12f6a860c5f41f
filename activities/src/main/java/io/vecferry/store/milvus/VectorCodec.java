package io.vecferry.store.milvus;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import com.google.protobuf.UnsafeByteOperations;
import io.milvus.grpc.DataType;
import io.milvus.grpc.FieldData;
import io.milvus.grpc.FloatArray;
import io.milvus.grpc.SparseFloatArray;
import io.milvus.grpc.VectorField;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.SparseVectors;
import io.vecferry.record.VectorColumn;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * Vectors as Milvus sends them: floats as packed floats, every other type as bytes, all of them
 * little-endian. Bits are packed with the first component in the highest bit, as numpy does it.
 */
final class VectorCodec {
  private static final int BITS_OF_A_BYTE = 8;

  private VectorCodec() {}

  /** Bytes of one dense vector on the wire. */
  static int width(DataType type, int dimension) {
    return switch (type) {
      case FloatVector -> Float.BYTES * dimension;
      case Float16Vector, BFloat16Vector -> Short.BYTES * dimension;
      case Int8Vector -> dimension;
      case BinaryVector -> dimension / BITS_OF_A_BYTE;
      default -> throw new IllegalArgumentException("not a dense type: " + type);
    };
  }

  /**
   * Why a row cannot be held in a field, or null.
   *
   * @param column the records' vectors; null when they have no such field
   */
  static String problem(Layout.Vector field, VectorColumn column, int row) {
    if (column == null || column.isNull(row)) {
      return field.nullable()
          ? null
          : "it has no vector '" + field.name() + "', and Milvus has no rows without one";
    }
    if (column instanceof DenseVectors dense && field.type() != DataType.SparseFloatVector) {
      if (dense.dimension() != field.dimension()) {
        return "vector '%s' has %d components, the field '%s' has %d"
            .formatted(field.name(), dense.dimension(), field.field(), field.dimension());
      }
      return narrowing(field, dense, row);
    }
    if (column instanceof SparseVectors && field.type() == DataType.SparseFloatVector) {
      return null;
    }
    return "vector '" + field.name() + "' is not of the kind of the field '" + field.field() + "'";
  }

  private static String narrowing(Layout.Vector field, DenseVectors dense, int row) {
    if (field.type() == DataType.FloatVector) {
      return null;
    }
    float[] values = dense.values();
    int start = row * dense.dimension();
    for (int i = start; i < start + dense.dimension(); i++) {
      float kept =
          switch (field.type()) {
            case Float16Vector -> halfToFloat(floatToHalf(values[i]));
            case BFloat16Vector -> brainToFloat(floatToBrain(values[i]));
            case Int8Vector -> (byte) values[i];
            default -> values[i] == 1 ? 1 : 0;
          };
      if (Float.floatToRawIntBits(kept) != Float.floatToRawIntBits(values[i])) {
        return "component %d of vector '%s' is %s, which %s cannot hold"
            .formatted(i - start, field.name(), values[i], field.type());
      }
    }
    return null;
  }

  /**
   * A column of vectors.
   *
   * @param column the records' vectors; null when no row has one
   * @param rows rows to take; null for all, in order
   * @param count number of rows
   */
  static FieldData encode(Layout.Vector field, VectorColumn column, int[] rows, int count) {
    FieldData.Builder data =
        FieldData.newBuilder().setFieldName(field.field()).setType(field.type());
    int present = count;
    int[] taken = rows;
    if (field.nullable()) {
      taken = new int[count];
      present = 0;
      for (int i = 0; i < count; i++) {
        int row = rows == null ? i : rows[i];
        boolean valid = column != null && !column.isNull(row);
        data.addValidData(valid);
        if (valid) {
          taken[present++] = row;
        }
      }
    }
    VectorField.Builder vectors = VectorField.newBuilder().setDim(field.dimension());
    if (column instanceof SparseVectors sparse) {
      encode(sparse, taken, present, vectors);
    } else if (column instanceof DenseVectors dense) {
      ByteString bytes = bytes(field.type(), dense, taken, present);
      switch (field.type()) {
        case FloatVector -> vectors.setFloatVector(packed(bytes));
        case Float16Vector -> vectors.setFloat16Vector(bytes);
        case BFloat16Vector -> vectors.setBfloat16Vector(bytes);
        case Int8Vector -> vectors.setInt8Vector(bytes);
        default -> vectors.setBinaryVector(bytes);
      }
    }
    return data.setVectors(vectors).build();
  }

  /**
   * Packed floats whose bytes are there already. The field is given as one that this message does
   * not know: it is written like any other, but without a call for each float.
   */
  static FloatArray packed(ByteString bytes) {
    if (bytes.isEmpty()) {
      return FloatArray.getDefaultInstance();
    }
    return FloatArray.newBuilder()
        .setUnknownFields(
            UnknownFieldSet.newBuilder()
                .addField(
                    FloatArray.DATA_FIELD_NUMBER,
                    UnknownFieldSet.Field.newBuilder().addLengthDelimited(bytes).build())
                .build())
        .build();
  }

  /** The bytes that {@link #packed} was made of. */
  static ByteString bytes(FloatArray floats) {
    List<ByteString> data =
        floats.getUnknownFields().getField(FloatArray.DATA_FIELD_NUMBER).getLengthDelimitedList();
    return data.isEmpty() ? ByteString.EMPTY : data.get(0);
  }

  /** Vectors of some rows, one after the other. */
  static ByteString bytes(DataType type, DenseVectors dense, int[] rows, int count) {
    int dimension = dense.dimension();
    byte[] bytes = new byte[Math.multiplyExact(count, width(type, dimension))];
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    if (type == DataType.FloatVector && rows == null) {
      buffer.asFloatBuffer().put(dense.values(), 0, count * dimension);
      return UnsafeByteOperations.unsafeWrap(bytes);
    }
    for (int i = 0; i < count; i++) {
      put(type, dense.values(), (rows == null ? i : rows[i]) * dimension, dimension, buffer);
    }
    return UnsafeByteOperations.unsafeWrap(bytes);
  }

  private static void put(
      DataType type, float[] values, int start, int dimension, ByteBuffer buffer) {
    switch (type) {
      case FloatVector -> {
        for (int i = start; i < start + dimension; i++) {
          buffer.putFloat(values[i]);
        }
      }
      case Float16Vector -> {
        for (int i = start; i < start + dimension; i++) {
          buffer.putShort(floatToHalf(values[i]));
        }
      }
      case BFloat16Vector -> {
        for (int i = start; i < start + dimension; i++) {
          buffer.putShort(floatToBrain(values[i]));
        }
      }
      case Int8Vector -> {
        for (int i = start; i < start + dimension; i++) {
          buffer.put((byte) values[i]);
        }
      }
      default -> {
        for (int i = start; i < start + dimension; i += BITS_OF_A_BYTE) {
          int bits = 0;
          for (int bit = 0; bit < BITS_OF_A_BYTE; bit++) {
            bits = bits << 1 | (values[i + bit] == 1 ? 1 : 0);
          }
          buffer.put((byte) bits);
        }
      }
    }
  }

  private static void encode(
      SparseVectors sparse, int[] rows, int count, VectorField.Builder vectors) {
    SparseFloatArray.Builder array = SparseFloatArray.newBuilder();
    long dimension = 0;
    for (int i = 0; i < count; i++) {
      int row = rows == null ? i : rows[i];
      int start = sparse.offsets()[row];
      int end = sparse.offsets()[row + 1];
      byte[] bytes = new byte[(end - start) * (Integer.BYTES + Float.BYTES)];
      ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
      for (int entry = start; entry < end; entry++) {
        buffer.putInt(sparse.indices()[entry]).putFloat(sparse.values()[entry]);
      }
      if (end > start) {
        dimension = Math.max(dimension, Integer.toUnsignedLong(sparse.indices()[end - 1]) + 1);
      }
      array.addContents(UnsafeByteOperations.unsafeWrap(bytes));
    }
    vectors.setSparseFloatVector(array.setDim(dimension)).setDim(dimension);
  }

  /** Reads a dense vector that came as bytes. */
  static void read(
      DataType type, ByteString bytes, int row, int dimension, float[] target, int start) {
    int width = width(type, dimension);
    ByteBuffer buffer = bytes.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    buffer.position(buffer.position() + row * width);
    if (type == DataType.FloatVector) {
      buffer.asFloatBuffer().get(target, start, dimension);
      return;
    }
    for (int i = start; i < start + dimension; i++) {
      switch (type) {
        case Float16Vector -> target[i] = halfToFloat(buffer.getShort());
        case BFloat16Vector -> target[i] = brainToFloat(buffer.getShort());
        case Int8Vector -> target[i] = buffer.get();
        default -> {
          int bit = (i - start) % BITS_OF_A_BYTE;
          int bits = buffer.get(buffer.position() + (i - start) / BITS_OF_A_BYTE);
          target[i] = bits >> (BITS_OF_A_BYTE - 1 - bit) & 1;
        }
      }
    }
  }

  static float brainToFloat(short brain) {
    return Float.intBitsToFloat(brain << Short.SIZE);
  }

  /** The upper half; exact for what came from {@link #brainToFloat}. */
  static short floatToBrain(float value) {
    return (short) (Float.floatToRawIntBits(value) >>> Short.SIZE);
  }

  static float halfToFloat(short half) {
    int sign = (half & 0x8000) << 16;
    int exponent = half >> 10 & 0x1f;
    int fraction = half & 0x3ff;
    if (exponent == 0) {
      // Subnormal numbers are multiples of the smallest one.
      float value = fraction * 0x1p-24f;
      return sign == 0 ? value : -value;
    }
    int wide = exponent == 0x1f ? 0xff : exponent - 15 + 127;
    return Float.intBitsToFloat(sign | wide << 23 | fraction << 13);
  }

  /** Cuts off what does not fit; exact for what came from {@link #halfToFloat}. */
  static short floatToHalf(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = bits >>> 16 & 0x8000;
    int exponent = (bits >>> 23 & 0xff) - 127 + 15;
    int fraction = bits & 0x7fffff;
    if (exponent >= 0x1f) {
      return (short) (sign | 0x7c00 | (exponent == 0xff - 127 + 15 ? fraction >>> 13 : 0));
    }
    if (exponent > 0) {
      return (short) (sign | exponent << 10 | fraction >>> 13);
    }
    int multiple = (int) (Math.abs(value) * 0x1p24f);
    return (short) (sign | multiple);
  }
}
