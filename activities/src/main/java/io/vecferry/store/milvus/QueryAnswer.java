package io.vecferry.store.milvus;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.ExtensionRegistryLite;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnknownFieldSet;
import com.google.protobuf.UnsafeByteOperations;
import com.google.protobuf.WireFormat;
import io.milvus.grpc.FieldData;
import io.milvus.grpc.FloatArray;
import io.milvus.grpc.MilvusServiceGrpc;
import io.milvus.grpc.QueryRequest;
import io.milvus.grpc.QueryResults;
import io.milvus.grpc.VectorField;
import io.milvus.shaded.io.grpc.MethodDescriptor;
import io.milvus.shaded.io.grpc.Status;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads the answer to a query as the generated code does, but for its vectors of floats: they stay
 * the bytes that came, see {@link VectorCodec#packed}. The generated code reads them one by one
 * into an array that it makes larger again and again.
 */
final class QueryAnswer implements MethodDescriptor.Marshaller<QueryResults> {
  /** The call whose answers are read so. */
  static final MethodDescriptor<QueryRequest, QueryResults> METHOD =
      MilvusServiceGrpc.getQueryMethod().toBuilder(
              MilvusServiceGrpc.getQueryMethod().getRequestMarshaller(), new QueryAnswer())
          .build();

  private static final MethodDescriptor.Marshaller<QueryResults> GENERATED =
      MilvusServiceGrpc.getQueryMethod().getResponseMarshaller();

  /** Takes one field of a message, whose tag was read. */
  @FunctionalInterface
  private interface FieldReader {
    void read(int tag) throws IOException;
  }

  @Override
  public InputStream stream(QueryResults results) {
    return GENERATED.stream(results);
  }

  @Override
  public QueryResults parse(InputStream stream) {
    try {
      return results(CodedInputStream.newInstance(stream));
    } catch (IOException e) {
      throw Status.INTERNAL
          .withDescription("Invalid protobuf byte sequence")
          .withCause(e)
          .asRuntimeException();
    }
  }

  private static QueryResults results(CodedInputStream input) throws IOException {
    input.setSizeLimit(Integer.MAX_VALUE);
    QueryResults.Builder results = QueryResults.newBuilder();
    UnknownFieldSet.Builder rest = UnknownFieldSet.newBuilder();
    fields(
        input,
        tag -> {
          if (tag == delimited(QueryResults.FIELDS_DATA_FIELD_NUMBER)) {
            results.addFieldsData(column(input));
          } else {
            rest.mergeFieldFrom(tag, input);
          }
        });
    return results.mergeFrom(rest.build().toByteString()).build();
  }

  private static FieldData column(CodedInputStream input) throws IOException {
    FieldData.Builder column = FieldData.newBuilder();
    UnknownFieldSet.Builder rest = UnknownFieldSet.newBuilder();
    message(
        input,
        tag -> {
          if (tag == delimited(FieldData.SCALARS_FIELD_NUMBER)) {
            input.readMessage(column.getScalarsBuilder(), ExtensionRegistryLite.getEmptyRegistry());
          } else if (tag == delimited(FieldData.VECTORS_FIELD_NUMBER)) {
            column.setVectors(vectors(input));
          } else {
            rest.mergeFieldFrom(tag, input);
          }
        });
    return column.mergeFrom(rest.build().toByteString()).build();
  }

  private static VectorField vectors(CodedInputStream input) throws IOException {
    VectorField.Builder vectors = VectorField.newBuilder();
    UnknownFieldSet.Builder rest = UnknownFieldSet.newBuilder();
    message(
        input,
        tag -> {
          FieldDescriptor field =
              VectorField.getDescriptor().findFieldByNumber(WireFormat.getTagFieldNumber(tag));
          if (tag == delimited(VectorField.FLOAT_VECTOR_FIELD_NUMBER)) {
            vectors.setFloatVector(VectorCodec.packed(floats(input)));
          } else if (tag == delimited(VectorField.SPARSE_FLOAT_VECTOR_FIELD_NUMBER)) {
            input.readMessage(
                vectors.getSparseFloatVectorBuilder(), ExtensionRegistryLite.getEmptyRegistry());
          } else if (WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_LENGTH_DELIMITED
              && field != null
              && field.getJavaType() == FieldDescriptor.JavaType.BYTE_STRING) {
            vectors.setField(field, bytes(input));
          } else {
            rest.mergeFieldFrom(tag, input);
          }
        });
    return vectors.mergeFrom(rest.build().toByteString()).build();
  }

  /** Packed floats, which come in one piece; pieces and single floats are allowed too. */
  private static ByteString floats(CodedInputStream input) throws IOException {
    List<ByteString> pieces = new ArrayList<>();
    message(
        input,
        tag -> {
          if (tag == delimited(FloatArray.DATA_FIELD_NUMBER)) {
            pieces.add(bytes(input));
          } else if (WireFormat.getTagFieldNumber(tag) == FloatArray.DATA_FIELD_NUMBER
              && WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_FIXED32) {
            pieces.add(ByteString.copyFrom(input.readRawBytes(Float.BYTES)));
          } else {
            input.skipField(tag);
          }
        });
    return pieces.size() == 1 ? pieces.get(0) : ByteString.copyFrom(pieces);
  }

  private static ByteString bytes(CodedInputStream input) throws IOException {
    return UnsafeByteOperations.unsafeWrap(input.readByteArray());
  }

  private static int delimited(int field) {
    return field << 3 | WireFormat.WIRETYPE_LENGTH_DELIMITED;
  }

  private static void message(CodedInputStream input, FieldReader reader) throws IOException {
    int outer = input.pushLimit(input.readRawVarint32());
    fields(input, reader);
    input.popLimit(outer);
  }

  private static void fields(CodedInputStream input, FieldReader reader) throws IOException {
    for (int tag = input.readTag(); tag != 0; tag = input.readTag()) {
      if (WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_END_GROUP) {
        throw new InvalidProtocolBufferException("the end of a group that has not begun");
      }
      reader.read(tag);
    }
  }
}
