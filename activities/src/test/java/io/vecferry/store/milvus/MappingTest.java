package io.vecferry.store.milvus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.milvus.grpc.DataType;
import io.milvus.grpc.FieldData;
import io.milvus.grpc.JSONArray;
import io.milvus.grpc.LongArray;
import io.milvus.grpc.QueryResults;
import io.milvus.grpc.ScalarField;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.SparseVectors;
import io.vecferry.record.TextColumn;
import io.vecferry.record.VectorColumn;
import io.vecferry.store.LoadNote;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.Reject;
import io.vecferry.store.StoreException;
import io.vecferry.verify.RecordComparator;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Records to columns and back, without a server. */
class MappingTest {
  private static final ServerVersion OLD = ServerVersion.parse("v2.3.5");
  private static final ServerVersion NEW = ServerVersion.parse("2.6.0");
  private static final ServerVersion LITE = ServerVersion.parse("milvus_lite-3.2.2");
  private static final int DIMENSION = 8;

  private static CollectionNote note(IdKind... kinds) {
    return new CollectionNote(
        new LoadNote(new LoadStamp("m", "l"), Set.of(kinds), Map.of("vector", "")),
        "document",
        "",
        Map.of());
  }

  private static Layout.Vector vector(DataType type) {
    return new Layout.Vector("vector", "", type, DIMENSION, false);
  }

  private static Layout layout(boolean dynamic, boolean nullable, Layout.Scalar... scalars) {
    return new Layout(
        "id",
        true,
        100,
        List.of(vector(DataType.FloatVector)),
        new Layout.Document("document", 50, nullable),
        List.of(scalars),
        dynamic,
        note(IdKind.STRING));
  }

  private static Layout.Scalar scalar(String name, DataType type, boolean nullable) {
    return new Layout.Scalar(name, type, DataType.None, 20, 0, nullable);
  }

  private static RecordBatch batch(String[] ids, String[] documents, String... metadata) {
    return batch(IdColumn.ofStrings(ids), TextColumn.of(documents), TextColumn.of(metadata));
  }

  private static RecordBatch batch(IdColumn ids, TextColumn documents, TextColumn metadata) {
    float[] values = new float[ids.rows() * DIMENSION];
    for (int i = 0; i < values.length; i++) {
      values[i] = i - 0.5f;
    }
    return new RecordBatch(
        ids, List.of(new DenseVectors("", DIMENSION, values)), documents, metadata);
  }

  /** One record with this metadata. */
  private static RecordBatch one(String metadata) {
    return batch(new String[] {"a"}, new String[] {"d"}, metadata);
  }

  private static RowEncoder.Encoded encode(
      Layout layout, ServerVersion version, RecordBatch batch) {
    return new RowEncoder(layout, version).encode(batch);
  }

  /** What a server answers that has taken these columns. */
  private static QueryResults answer(RowEncoder.Encoded encoded) {
    return new QueryAnswer()
        .parse(
            QueryResults.newBuilder()
                .addAllFieldsData(encoded.columns())
                .build()
                .toByteString()
                .newInput());
  }

  private static RecordBatch decode(Layout layout, RowEncoder.Encoded encoded) {
    Page page = new Page(answer(encoded), layout);
    BatchBuilder builder = new BatchBuilder(layout, page.rows());
    for (int row = 0; row < page.rows(); row++) {
      builder.add(page, row);
    }
    return builder.build();
  }

  private static RecordBatch roundTrip(Layout layout, ServerVersion version, RecordBatch batch) {
    RowEncoder.Encoded encoded = encode(layout, version, batch);
    assertThat(encoded.rejects()).isEmpty();
    RecordBatch decoded = decode(layout, encoded);
    RecordComparator comparator = new RecordComparator(0, true, true);
    comparator.compare(batch, decoded);
    assertThat(comparator.result().differences()).isEmpty();
    assertThat(comparator.result().bitExactRows()).isEqualTo(batch.rows());
    return decoded;
  }

  private static String dynamic(RowEncoder.Encoded encoded, int row) {
    return encoded.columns().stream()
        .filter(FieldData::getIsDynamic)
        .map(column -> column.getScalars().getJsonData().getData(row).toStringUtf8())
        .findFirst()
        .orElseThrow();
  }

  private static FieldData column(RowEncoder.Encoded encoded, String name) {
    return encoded.columns().stream()
        .filter(column -> column.getFieldName().equals(name))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void takesMetadataAsItIsSpelled() {
    for (String metadata :
        List.of(
            "{}",
            "{\"a\":1,\"b\":1.0,\"c\":1e5,\"d\":1.10,\"z\":-0}",
            "{\"huge\":123456789012345678901234567890}",
            "{\"a.b\":1,\"$set\":2,\"\":3,\" \":4}",
            "{\"nested\":{\"a\":[1,[2.5,{\"b\":null}]]}}")) {
      RecordBatch record = one(metadata);
      assertThat(dynamic(encode(layout(true, false), OLD, record), 0)).isEqualTo(metadata);
      roundTrip(layout(true, false), OLD, record);
      roundTrip(layout(true, false), LITE, record);
    }
  }

  @Test
  void keepsAsTextWhatTheServerWouldRefuseOrChange() {
    for (String metadata :
        List.of(
            "{\"far\":1e400,\"near\":1}",
            "{\"$meta\":1,\"near\":1}",
            "{\"id\":\"other\",\"near\":1}",
            "{\"vector\":[1],\"document\":2,\"near\":1}",
            "{\"_vecferry_id_kind\":\"int64\",\"near\":1}")) {
      RecordBatch record = one(metadata);
      assertThat(dynamic(encode(layout(true, false), OLD, record), 0))
          .startsWith("{\"near\":1,\"_vecferry_metadata_json\":");
      roundTrip(layout(true, false), OLD, record);
      roundTrip(layout(true, false), LITE, record);
    }
    assertThat(dynamic(encode(layout(true, false), LITE, one("{\"e\":1e5}")), 0))
        .isEqualTo("{\"e\":1e5,\"_vecferry_metadata_json\":\"{\\\"e\\\":1e5}\"}");
  }

  @Test
  void tellsAbsentFromEmpty() {
    RecordBatch records =
        batch(new String[] {"a", "b"}, new String[] {null, ""}, new String[] {null, "{}"});
    RowEncoder.Encoded encoded = encode(layout(true, false), OLD, records);
    assertThat(dynamic(encoded, 0))
        .isEqualTo("{\"_vecferry_no_metadata\":true,\"_vecferry_no_document\":true}");
    assertThat(dynamic(encoded, 1)).isEqualTo("{}");
    roundTrip(layout(true, false), OLD, records);
    encoded = encode(layout(true, true), NEW, records);
    assertThat(dynamic(encoded, 0)).isEqualTo("{\"_vecferry_no_metadata\":true}");
    assertThat(column(encoded, "document").getValidDataList()).containsExactly(false, true);
    assertThat(column(encoded, "document").getScalars().getStringData().getDataList())
        .containsExactly("");
    roundTrip(layout(true, true), NEW, records);
  }

  @Test
  void keepsKindsOfIdsThatTheCollectionDoesNotTell() {
    IdColumn ids =
        new IdColumn(
            TextColumn.of("1", "18446744073709551615", "1f"),
            new IdKind[] {IdKind.INT64, IdKind.UINT64, IdKind.STRING});
    RecordBatch records =
        batch(ids, TextColumn.of("x", "y", "z"), TextColumn.of("{}", null, "{\"a\":1}"));
    RowEncoder.Encoded encoded = encode(layout(true, false), OLD, records);
    assertThat(dynamic(encoded, 0)).isEqualTo("{\"_vecferry_id_kind\":\"int64\"}");
    assertThat(dynamic(encoded, 2)).isEqualTo("{\"a\":1}");
    roundTrip(layout(true, false), OLD, records);
  }

  @Test
  void declaredFieldsTakeWhatTheyGiveBackExactly() {
    Layout layout =
        layout(
            true,
            false,
            scalar("year", DataType.Int64, false),
            scalar("price", DataType.Double, false),
            scalar("weight", DataType.Float, false),
            scalar("title", DataType.VarChar, false),
            scalar("ok", DataType.Bool, false),
            scalar("small", DataType.Int8, false),
            scalar("extra", DataType.JSON, false));
    String fits =
        "{\"year\":-9223372036854775808,\"price\":0.1,\"weight\":0.1,\"title\":\"é\",\"ok\":true,"
            + "\"small\":-128,\"extra\":{\"a\":1.10},\"more\":1}";
    RowEncoder.Encoded encoded = encode(layout, OLD, one(fits));
    assertThat(dynamic(encoded, 0)).isEqualTo("{\"more\":1}");
    assertThat(column(encoded, "weight").getScalars().getFloatData().getData(0)).isEqualTo(0.1f);
    assertThat(column(encoded, "extra").getScalars().getJsonData().getData(0).toStringUtf8())
        .isEqualTo("{\"a\":1.10}");
    roundTrip(layout, OLD, one(fits));
    for (String member :
        List.of(
            "\"year\":1.0",
            "\"year\":9223372036854775808",
            "\"year\":-0",
            "\"year\":\"1\"",
            "\"year\":null",
            "\"price\":1",
            "\"price\":0.10",
            "\"price\":1e400",
            "\"weight\":0.12345678901234567",
            "\"title\":1",
            "\"title\":\"" + "x".repeat(21) + "\"",
            "\"title\":[\"a\"]",
            "\"ok\":1",
            "\"small\":128",
            "\"extra\":[1]",
            "\"extra\":null")) {
      String metadata = "{" + member + ",\"more\":[1,{\"x\":2}]}";
      roundTrip(layout, OLD, one(metadata));
      assertThat(dynamic(encode(layout, OLD, one(metadata)), 0))
          .startsWith("{\"more\":[1,{\"x\":2}],\"_vecferry_metadata_json\":");
    }
    roundTrip(layout, OLD, one("{}"));
    roundTrip(layout, OLD, one(null));
    roundTrip(layout, OLD, one("{\"_vecferry_norm\":1}"));
  }

  @Test
  void nullableFieldsNeedNothingBesideThem() {
    Layout layout =
        layout(
            true,
            true,
            scalar("year", DataType.Int64, true),
            scalar("title", DataType.VarChar, true));
    RecordBatch records =
        batch(
            new String[] {"a", "b", "c"},
            new String[] {"x", null, ""},
            "{\"year\":1}",
            "{\"title\":\"t\",\"more\":2}",
            "{}");
    RowEncoder.Encoded encoded = encode(layout, NEW, records);
    assertThat(dynamic(encoded, 0)).isEqualTo("{}");
    assertThat(dynamic(encoded, 1)).isEqualTo("{\"more\":2}");
    assertThat(column(encoded, "year").getValidDataList()).containsExactly(true, false, false);
    assertThat(column(encoded, "year").getScalars().getLongData().getDataList())
        .containsExactly(1L);
    roundTrip(layout, NEW, records);
    roundTrip(layout, NEW, one("{\"year\":null}"));
  }

  @Test
  void readsNullableFieldsThatCarryAValueForEveryRow() {
    Layout layout = layout(true, true, scalar("year", DataType.Int64, true));
    RowEncoder.Encoded encoded =
        encode(
            layout,
            NEW,
            batch(new String[] {"a", "b"}, new String[] {"x", "y"}, "{}", "{\"year\":7}"));
    FieldData year =
        FieldData.newBuilder()
            .setFieldName("year")
            .setType(DataType.Int64)
            .addValidData(false)
            .addValidData(true)
            .setScalars(
                ScalarField.newBuilder().setLongData(LongArray.newBuilder().addData(0).addData(7)))
            .build();
    QueryResults full =
        QueryResults.newBuilder()
            .addAllFieldsData(
                answer(encoded).getFieldsDataList().stream()
                    .map(column -> column.getFieldName().equals("year") ? year : column)
                    .toList())
            .build();
    Page page = new Page(full, layout);
    assertThat(new String(page.members(0), StandardCharsets.UTF_8)).isEqualTo("{}");
    assertThat(new String(page.members(1), StandardCharsets.UTF_8)).isEqualTo("{\"year\":7}");
  }

  @Test
  void arraysOfOneTypeFitTheirField() {
    Layout.Scalar tags = new Layout.Scalar("tags", DataType.Array, DataType.VarChar, 5, 2, false);
    Layout.Scalar numbers =
        new Layout.Scalar("numbers", DataType.Array, DataType.Int16, 0, 4, false);
    Layout layout = layout(true, false, tags, numbers);
    String fits = "{\"tags\":[\"a\",\"b\"],\"numbers\":[]}";
    assertThat(dynamic(encode(layout, OLD, one(fits)), 0)).isEqualTo("{}");
    roundTrip(layout, OLD, one(fits));
    for (String tagsText :
        List.of("[\"a\",\"b\",\"c\"]", "[\"toolong\"]", "[1]", "[[\"a\"]]", "1")) {
      roundTrip(layout, OLD, one("{\"tags\":" + tagsText + ",\"numbers\":[1]}"));
    }
  }

  @Test
  void withoutADynamicFieldOnlyWhatHasAFieldIsHeld() {
    Layout layout = layout(false, false, scalar("year", DataType.Int64, false));
    roundTrip(layout, OLD, one("{\"year\":1}"));
    assertThat(reason(layout, one("{\"year\":1,\"more\":2}")))
        .isEqualTo("there is no field 'more', and the collection has no dynamic field");
    assertThat(reason(layout, one("{\"year\":\"1\"}")))
        .isEqualTo("'year' is not of the type of its field, Int64");
    assertThat(reason(layout, one("{}")))
        .isEqualTo("'year' is missing, and its field cannot be null");
    assertThat(reason(layout, one(null)))
        .isEqualTo("it has no metadata, and the collection has no dynamic field to say so");
    assertThat(reason(layout, batch(new String[] {"a"}, new String[] {null}, "{\"year\":1}")))
        .isEqualTo("it has no document, and the collection has no dynamic field to say so");
  }

  private static String reason(Layout layout, RecordBatch batch) {
    RowEncoder.Encoded encoded = encode(layout, OLD, batch);
    assertThat(encoded.rejects()).hasSize(1);
    return encoded.rejects().get(0).reason();
  }

  @Test
  void rejectsWhatIsTooLongAndKeepsTheRest() {
    String long51 = "x".repeat(49) + "é";
    RecordBatch records =
        batch(
            new String[] {"fine", "y".repeat(101), "long-document", "long-metadata", "last"},
            new String[] {"d", "d", long51, "d", "d"},
            "{}",
            "{}",
            "{}",
            "{\"k\":\"" + "m".repeat(65_536) + "\"}",
            "{\"k\":\"" + "m".repeat(65_528) + "\"}");
    RowEncoder.Encoded encoded = encode(layout(true, false), OLD, records);
    assertThat(encoded.rows()).isEqualTo(2);
    assertThat(encoded.rejects())
        .containsExactly(
            new Reject("y".repeat(101), "its id has 101 bytes, the field 'id' holds 100"),
            new Reject("long-document", "its document has 51 bytes, the field 'document' holds 50"),
            new Reject(
                "long-metadata",
                "its metadata takes 65544 bytes in the dynamic field, which holds 65536"));
    RecordBatch decoded = decode(layout(true, false), encoded);
    assertThat(decoded.ids().get(1)).isEqualTo("last");
    assertThat(decoded.onlyVectors().values()[DIMENSION]).isEqualTo(4 * DIMENSION - 0.5f);
  }

  @Test
  void dropsSearchableCopiesWhereThereIsNoSpaceForThem() {
    String metadata = "{\"id\":1,\"k\":\"" + "m".repeat(50_000) + "\"}";
    RowEncoder.Encoded encoded = encode(layout(true, false), OLD, one(metadata));
    assertThat(dynamic(encoded, 0)).startsWith("{\"_vecferry_metadata_json\":");
    roundTrip(layout(true, false), OLD, one(metadata));
  }

  @Test
  void oneKeyComesOnceInARequest() {
    RecordBatch records =
        batch(
            new String[] {"a", "b", "a"},
            new String[] {"first", "x", "last"},
            "{\"n\":1}",
            "{}",
            "{\"n\":3}");
    RowEncoder.Encoded encoded = encode(layout(true, false), OLD, records);
    assertThat(encoded.rejects()).isEmpty();
    RecordBatch decoded = decode(layout(true, false), encoded);
    assertThat(decoded.rows()).isEqualTo(2);
    assertThat(decoded.ids().get(0)).isEqualTo("b");
    assertThat(decoded.documents().get(1)).isEqualTo("last");
    IdColumn ids =
        new IdColumn(TextColumn.of("1", "1"), new IdKind[] {IdKind.STRING, IdKind.INT64});
    RecordBatch kinds = batch(ids, TextColumn.of("x", "y"), TextColumn.of("{}", "{}"));
    assertThat(encode(layout(true, false), OLD, kinds).rejects())
        .extracting(Reject::reason)
        .singleElement()
        .asString()
        .contains("same spelling");
  }

  @Test
  void numbersAreKeysWhereAllIdsAreNumbers() {
    Layout layout =
        new Layout(
            "id",
            false,
            0,
            List.of(vector(DataType.FloatVector)),
            null,
            List.of(),
            true,
            note(IdKind.INT64));
    IdColumn ids =
        IdColumn.of(
            IdKind.INT64, TextColumn.of("-9223372036854775808", "0", "9223372036854775806"));
    RecordBatch records = batch(ids, TextColumn.allNull(3), TextColumn.of("{}", "{}", "{}"));
    assertThat(roundTrip(layout, OLD, records).ids().kind(0)).isEqualTo(IdKind.INT64);
    IdColumn bad =
        new IdColumn(
            TextColumn.of("9223372036854775807", "x"), new IdKind[] {IdKind.INT64, IdKind.STRING});
    assertThat(
            encode(layout, OLD, batch(bad, TextColumn.allNull(2), TextColumn.of("{}", "{}")))
                .rejects())
        .extracting(Reject::reason)
        .containsExactly(
            "Milvus stores a row with this id but returns it from no query; options.idType: VARCHAR"
                + " takes every id",
            "its id is no int64, and the key of the collection is; options.idType: VARCHAR takes"
                + " every id");
    assertThat(
            encode(
                    layout,
                    OLD,
                    batch(
                        IdColumn.of(IdKind.INT64, TextColumn.of("1")),
                        TextColumn.of("d"),
                        TextColumn.of("{}")))
                .rejects())
        .extracting(Reject::reason)
        .containsExactly("it has a document, and the collection has no field for one");
  }

  @Test
  void vectorsOfEveryTypeComeBackToTheBit() {
    Random random = new Random(7);
    float[] floats = {-0.0f, 0, Float.MIN_VALUE, -1e38f, 0.1f, 1, -1, Float.MIN_NORMAL};
    float[] halves = new float[16];
    float[] brains = new float[16];
    float[] bytes = new float[16];
    float[] bits = new float[16];
    for (int i = 0; i < 16; i++) {
      halves[i] = VectorCodec.halfToFloat((short) (random.nextInt(0x7c00) | (i % 2) << 15));
      brains[i] = VectorCodec.brainToFloat((short) (random.nextInt(0x7f80) | (i % 2) << 15));
      bytes[i] = (byte) random.nextInt(256);
      bits[i] = random.nextInt(2);
    }
    vectorsRoundTrip(DataType.FloatVector, floats);
    vectorsRoundTrip(DataType.Float16Vector, halves);
    vectorsRoundTrip(DataType.BFloat16Vector, brains);
    vectorsRoundTrip(DataType.Int8Vector, bytes);
    vectorsRoundTrip(DataType.BinaryVector, bits);
  }

  private static void vectorsRoundTrip(DataType type, float[] values) {
    Layout layout = new Layout("id", true, 10, List.of(vector(type)), null, List.of(), true, null);
    int rows = values.length / DIMENSION;
    String[] ids = new String[rows];
    String[] metadata = new String[rows];
    for (int i = 0; i < rows; i++) {
      ids[i] = "r" + i;
      metadata[i] = "{}";
    }
    RecordBatch records =
        new RecordBatch(
            IdColumn.ofStrings(ids),
            List.of(new DenseVectors("", DIMENSION, values)),
            TextColumn.allNull(rows),
            TextColumn.of(metadata));
    RowEncoder.Encoded encoded = encode(layout, NEW, records);
    assertThat(encoded.rejects()).isEmpty();
    float[] back = ((DenseVectors) decode(layout, encoded).vectors().get(0)).values();
    for (int i = 0; i < values.length; i++) {
      assertThat(Float.floatToRawIntBits(back[i])).isEqualTo(Float.floatToRawIntBits(values[i]));
    }
  }

  @Test
  void everyHalfAndBrainFloatIsAFloat() {
    for (int bits = 0; bits <= 0xffff; bits++) {
      float half = VectorCodec.halfToFloat((short) bits);
      float brain = VectorCodec.brainToFloat((short) bits);
      if (!Float.isNaN(half)) {
        assertThat(VectorCodec.floatToHalf(half)).isEqualTo((short) bits);
      }
      assertThat(VectorCodec.floatToBrain(brain)).isEqualTo((short) bits);
    }
    assertThat(VectorCodec.halfToFloat((short) 0x3c00)).isEqualTo(1);
    assertThat(VectorCodec.halfToFloat((short) 0x0001)).isEqualTo(0x1p-24f);
    assertThat(VectorCodec.halfToFloat((short) 0x7bff)).isEqualTo(65504);
    assertThat(VectorCodec.halfToFloat((short) 0x7c00)).isInfinite();
  }

  @Test
  void rejectsComponentsThatTheFieldWouldRound() {
    for (DataType type :
        List.of(
            DataType.Float16Vector,
            DataType.BFloat16Vector,
            DataType.Int8Vector,
            DataType.BinaryVector)) {
      Layout layout =
          new Layout("id", true, 10, List.of(vector(type)), null, List.of(), true, null);
      float[] values = new float[DIMENSION];
      values[3] = 0.1f;
      RecordBatch record =
          new RecordBatch(
              IdColumn.ofStrings("a"),
              List.of(new DenseVectors("", DIMENSION, values)),
              TextColumn.allNull(1),
              TextColumn.of("{}"));
      assertThat(encode(layout, NEW, record).rejects())
          .extracting(Reject::reason)
          .containsExactly("component 3 of vector '' is 0.1, which " + type + " cannot hold");
    }
  }

  @Test
  void rejectsRowsWithoutVectorsAndOfOtherDimensions() {
    Layout layout = layout(true, false);
    RecordBatch absent =
        new RecordBatch(
            IdColumn.ofStrings("a", "b"),
            List.of(
                new DenseVectors(
                    "", DIMENSION, new float[2 * DIMENSION], new boolean[] {true, false})),
            TextColumn.of("x", "y"),
            TextColumn.of("{}", "{}"));
    assertThat(encode(layout, OLD, absent).rejects())
        .containsExactly(
            new Reject("a", "it has no vector '', and Milvus has no rows without one"));
    RecordBatch short3 =
        new RecordBatch(
            IdColumn.ofStrings("a"),
            List.of(new DenseVectors("", 3, new float[3])),
            TextColumn.of("x"),
            TextColumn.of("{}"));
    assertThat(encode(layout, OLD, short3).rejects())
        .containsExactly(new Reject("a", "vector '' has 3 components, the field 'vector' has 8"));
  }

  @Test
  void sparseVectorsComeBack() {
    Layout.Vector words = new Layout.Vector("words", "words", DataType.SparseFloatVector, 0, false);
    Layout layout = new Layout("id", true, 10, List.of(words), null, List.of(), true, null);
    int[] offsets = {0, 2, 2, 3};
    int[] indices = {0, -1, 7};
    float[] values = {0.5f, -0.0f, 1e-42f};
    RecordBatch records =
        new RecordBatch(
            IdColumn.ofStrings("a", "b", "c"),
            List.of(new SparseVectors("words", offsets, indices, values, null)),
            TextColumn.allNull(3),
            TextColumn.of("{}", "{}", "{}"));
    RowEncoder.Encoded encoded = encode(layout, NEW, records);
    assertThat(column(encoded, "words").getVectors().getSparseFloatVector().getDim())
        .isEqualTo(1L << 32);
    VectorColumn back = decode(layout, encoded).vectors().get(0);
    assertThat(back).isInstanceOf(SparseVectors.class);
    assertThat(((SparseVectors) back).offsets()).isEqualTo(offsets);
    assertThat(((SparseVectors) back).indices()).isEqualTo(indices);
    assertThat(((SparseVectors) back).values()).isEqualTo(values);
  }

  @Test
  void packedFloatsAreWhatTheGeneratedCodeWrites() throws Exception {
    float[] values = {1.5f, -0.0f, 3e-44f, 4, 5, 6, 7, 8};
    FieldData data =
        VectorCodec.encode(
            vector(DataType.FloatVector), new DenseVectors("", DIMENSION, values), null, 1);
    FieldData parsed = FieldData.parseFrom(data.toByteString());
    assertThat(parsed.getVectors().getFloatVector().getUnknownFields().asMap()).isEmpty();
    assertThat(parsed.getVectors().getFloatVector().getDataCount()).isEqualTo(DIMENSION);
    assertThat(parsed.getVectors().getFloatVector().getData(1)).isEqualTo(-0.0f);
  }

  @Test
  void rowsThatCannotBeReadAreNamed() {
    Layout layout = new Layout("id", false, 0, List.of(), null, List.of(), true, null);
    QueryResults results =
        QueryResults.newBuilder()
            .addFieldsData(
                FieldData.newBuilder()
                    .setFieldName("id")
                    .setScalars(
                        ScalarField.newBuilder().setLongData(LongArray.newBuilder().addData(17))))
            .addFieldsData(
                FieldData.newBuilder()
                    .setFieldName("$meta")
                    .setScalars(
                        ScalarField.newBuilder()
                            .setJsonData(
                                JSONArray.newBuilder()
                                    .addData(ByteString.copyFromUtf8("{\"a\":1,\"a\":2}")))))
            .build();
    Page page = new Page(results, layout);
    assertThatThrownBy(() -> new BatchBuilder(layout, 1).add(page, 0))
        .isInstanceOfSatisfying(
            StoreException.class,
            e -> {
              assertThat(e.failureClass()).isEqualTo(FailureClass.BAD_RECORD);
              assertThat(e).hasMessageContaining("\"17\"").hasMessageContaining("'a'");
            });
  }

  @Test
  void membersWithTheNameOfAFieldAreRenamedNotLost() {
    Layout layout = layout(true, false, scalar("year", DataType.Int64, false));
    RowEncoder.Encoded encoded = encode(layout, OLD, one("{\"year\":1}"));
    QueryResults results =
        QueryResults.newBuilder()
            .addAllFieldsData(
                answer(encoded).getFieldsDataList().stream()
                    .map(
                        column ->
                            column.getIsDynamic()
                                ? column.toBuilder()
                                    .setScalars(
                                        ScalarField.newBuilder()
                                            .setJsonData(
                                                JSONArray.newBuilder()
                                                    .addData(
                                                        ByteString.copyFromUtf8(
                                                            "{\"year\": 2, \"x\": 3}"))))
                                    .build()
                                : column)
                    .toList())
            .build();
    assertThat(new String(new Page(results, layout).members(0), StandardCharsets.UTF_8))
        .isEqualTo("{\"year\":1,\"$meta.year\":2,\"x\":3}");
  }
}
