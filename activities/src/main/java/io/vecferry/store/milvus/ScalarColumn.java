package io.vecferry.store.milvus;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.io.NumberOutput;
import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.milvus.grpc.DataType;
import io.milvus.grpc.FieldData;
import io.milvus.grpc.ScalarField;
import io.vecferry.record.MetadataJson;
import io.vecferry.record.Numbers;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * Builds the column of one declared field from a member of the metadata. A value is taken when the
 * field gives it back exactly as it is spelled; in any other row stands null, or where the field
 * has none, something that means nothing.
 */
final class ScalarColumn {
  private static final int LONGEST_INTEGER = 20;
  private static final ByteString EMPTY_JSON = ByteString.copyFromUtf8("{}");

  private final Layout.Scalar field;
  private final boolean anyJson;
  private final FieldData.Builder data;
  private final ScalarField.Builder column;
  private State state;
  private Value pending;

  private enum State {
    ABSENT,
    EXACT,
    INEXACT
  }

  /**
   * @param anyJson whether a field of type JSON takes other values than objects
   */
  ScalarColumn(Layout.Scalar field, boolean anyJson) {
    this.field = field;
    this.anyJson = anyJson;
    this.data = FieldData.newBuilder().setFieldName(field.field()).setType(field.type());
    this.column = empty(field.type());
    if (field.type() == DataType.Array) {
      column.getArrayDataBuilder().setElementType(field.element());
    }
  }

  Layout.Scalar field() {
    return field;
  }

  /** Forgets the value of the row before. */
  void reset() {
    state = State.ABSENT;
    pending = new Value();
    if (field.type() == DataType.Array) {
      pending.array = empty(field.element()).build();
    }
  }

  /** Whether the row's value, or that it has none, is kept as it is. */
  boolean isExact() {
    return state == State.EXACT || (state == State.ABSENT && field.nullable());
  }

  boolean isAbsent() {
    return state == State.ABSENT;
  }

  /** Takes the value that the parser stands on, and moves to its end. */
  void take(JsonParser parser) throws IOException {
    boolean exact =
        switch (field.type()) {
          case JSON -> takeJson(parser);
          case Array -> takeArray(parser);
          default -> takeSingle(parser, field.type(), field.longest(), pending);
        };
    state = exact ? State.EXACT : State.INEXACT;
  }

  private boolean takeJson(JsonParser parser) throws IOException {
    boolean object = parser.currentToken() == JsonToken.START_OBJECT;
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (JsonGenerator generator = MetadataJson.FACTORY.createGenerator(out)) {
      MetadataJson.copyValue(parser, generator);
    }
    pending.json = UnsafeByteOperations.unsafeWrap(out.toByteArray());
    return (object || anyJson) && out.size() <= Layout.LONGEST_JSON;
  }

  private boolean takeArray(JsonParser parser) throws IOException {
    if (parser.currentToken() != JsonToken.START_ARRAY) {
      parser.skipChildren();
      return false;
    }
    boolean exact = true;
    int elements = 0;
    ScalarField.Builder array = empty(field.element());
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      Value element = new Value();
      exact &= takeSingle(parser, field.element(), field.longest(), element);
      if (exact) {
        append(element, field.element(), array);
        elements++;
      }
    }
    if (!exact || elements > field.capacity()) {
      return false;
    }
    pending.array = array.build();
    return true;
  }

  /** Takes a value that is neither array nor object; skips those. */
  private static boolean takeSingle(JsonParser parser, DataType type, int longest, Value into)
      throws IOException {
    JsonToken token = parser.currentToken();
    if (token.isStructStart()) {
      parser.skipChildren();
      return false;
    }
    String text = parser.getText();
    return switch (type) {
      case Bool -> {
        into.truth = token == JsonToken.VALUE_TRUE;
        yield token == JsonToken.VALUE_TRUE || token == JsonToken.VALUE_FALSE;
      }
      case Int8 -> into.takeInteger(token, text, Byte.MIN_VALUE, Byte.MAX_VALUE);
      case Int16 -> into.takeInteger(token, text, Short.MIN_VALUE, Short.MAX_VALUE);
      case Int32 -> into.takeInteger(token, text, Integer.MIN_VALUE, Integer.MAX_VALUE);
      case Int64 -> into.takeInteger(token, text, Long.MIN_VALUE, Long.MAX_VALUE);
      case Float -> {
        if (token != JsonToken.VALUE_NUMBER_FLOAT) {
          yield false;
        }
        into.number = Float.parseFloat(text);
        yield Double.isFinite(into.number) && spell((float) into.number).equals(text);
      }
      case Double -> {
        if (token != JsonToken.VALUE_NUMBER_FLOAT) {
          yield false;
        }
        into.number = Double.parseDouble(text);
        yield Double.isFinite(into.number) && Numbers.spell(into.number).equals(text);
      }
      case VarChar -> {
        into.text = text;
        yield token == JsonToken.VALUE_STRING
            && text.getBytes(StandardCharsets.UTF_8).length <= longest;
      }
      default -> false;
    };
  }

  /** The shortest decimal text of a float, in the spelling of {@link Numbers#spell}. */
  static String spell(float value) {
    return Numbers.spell(Double.parseDouble(NumberOutput.toString(value, true)));
  }

  /** Adds the row whose value was taken. */
  void commit() {
    if (field.nullable()) {
      data.addValidData(state == State.EXACT);
      if (state != State.EXACT) {
        return;
      }
    }
    if (state == State.INEXACT) {
      reset();
    }
    append(pending, field.type(), column);
  }

  FieldData build() {
    return data.setScalars(column).build();
  }

  private static void append(Value value, DataType type, ScalarField.Builder column) {
    switch (type) {
      case Bool -> column.getBoolDataBuilder().addData(value.truth);
      case Int8, Int16, Int32 -> column.getIntDataBuilder().addData((int) value.integer);
      case Int64 -> column.getLongDataBuilder().addData(value.integer);
      case Float -> column.getFloatDataBuilder().addData((float) value.number);
      case Double -> column.getDoubleDataBuilder().addData(value.number);
      case VarChar -> column.getStringDataBuilder().addData(value.text);
      case JSON -> column.getJsonDataBuilder().addData(value.json);
      case Array -> column.getArrayDataBuilder().addData(value.array);
      default -> throw new IllegalArgumentException("no column of type " + type);
    }
  }

  /** A column without rows; Milvus wants to see which kind it is. */
  private static ScalarField.Builder empty(DataType type) {
    ScalarField.Builder column = ScalarField.newBuilder();
    switch (type) {
      case Bool -> column.getBoolDataBuilder();
      case Int8, Int16, Int32 -> column.getIntDataBuilder();
      case Int64 -> column.getLongDataBuilder();
      case Float -> column.getFloatDataBuilder();
      case Double -> column.getDoubleDataBuilder();
      case VarChar -> column.getStringDataBuilder();
      case JSON -> column.getJsonDataBuilder();
      case Array -> column.getArrayDataBuilder();
      default -> throw new IllegalArgumentException("no column of type " + type);
    }
    return column;
  }

  /** One value; as it starts, it stands where a row has none. */
  private static final class Value {
    private boolean truth;
    private long integer;
    private double number;
    private String text = "";
    private ByteString json = EMPTY_JSON;
    private ScalarField array;

    boolean takeInteger(JsonToken token, String spelled, long smallest, long largest) {
      if (token != JsonToken.VALUE_NUMBER_INT || spelled.length() > LONGEST_INTEGER) {
        return false;
      }
      try {
        integer = Long.parseLong(spelled);
      } catch (NumberFormatException e) {
        return false;
      }
      return integer >= smallest && integer <= largest && Long.toString(integer).equals(spelled);
    }
  }
}
