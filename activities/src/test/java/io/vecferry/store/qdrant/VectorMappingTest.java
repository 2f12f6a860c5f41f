package io.vecferry.store.qdrant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.qdrant.client.grpc.JsonWithInt.Value;
import io.qdrant.client.grpc.Points.Vector;
import io.qdrant.client.grpc.Points.Vectors;
import io.qdrant.client.grpc.Points.VectorsOutput;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.ElementType;
import io.vecferry.record.MultiVectors;
import io.vecferry.record.SparseVectors;
import io.vecferry.record.VectorColumn;
import io.vecferry.record.VectorKind;
import io.vecferry.store.Metric;
import io.vecferry.store.StoreException;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VectorMappingTest {
  private static final VectorField UNNAMED = dense("", Metric.L2);
  private static final VectorField TITLE = dense("title", Metric.L2);
  private static final VectorField COLBERT =
      new VectorField("colbert", "colbert", VectorKind.MULTI, ElementType.FLOAT32, 2, Metric.IP);
  private static final VectorField WORDS =
      new VectorField("words", "words", VectorKind.SPARSE, ElementType.FLOAT32, 0, Metric.IP);

  private static VectorField dense(String name, Metric metric) {
    return new VectorField(name, name, VectorKind.DENSE, ElementType.FLOAT32, 2, metric);
  }

  private static final List<VectorColumn> THREE_ROWS =
      List.of(
          new DenseVectors(
              "title",
              2,
              new float[] {1, -0.0f, 0, 0, 3e38f, 1e-45f},
              new boolean[] {false, true, false}),
          new MultiVectors(
              "colbert",
              2,
              new int[] {0, 2, 3, 3},
              new float[] {1, 2, 3, 4, 5, 6},
              new boolean[] {false, false, true}),
          new SparseVectors(
              "words",
              new int[] {0, 2, 2, 2},
              new int[] {7, -1},
              new float[] {0.5f, -2},
              new boolean[] {false, false, true}));

  /** What is written by kind is read by kind, and so with the flat form of older servers. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void allKindsComeBack(boolean byKind) throws Exception {
    VectorMapping mapping = new VectorMapping(List.of(TITLE, COLBERT, WORDS), byKind);
    VectorMapping.Encoder encoder = mapping.encoder(THREE_ROWS);
    VectorMapping.Decoder decoder = mapping.decoder(3);
    for (int row = 0; row < 3; row++) {
      assertThat(encoder.problem(row)).isNull();
      decoder.add(answered(encoder.vectors(row)), null);
    }
    List<VectorColumn> read = decoder.build();
    DenseVectors title = (DenseVectors) read.get(0);
    assertThat(bits(title.values())).isEqualTo(bits(((DenseVectors) THREE_ROWS.get(0)).values()));
    assertThat(title.nulls()).containsExactly(false, true, false);
    MultiVectors colbert = (MultiVectors) read.get(1);
    assertThat(colbert.offsets()).containsExactly(0, 2, 3, 3);
    assertThat(colbert.values()).startsWith(1, 2, 3, 4, 5, 6);
    assertThat(colbert.nulls()).containsExactly(false, false, true);
    SparseVectors words = (SparseVectors) read.get(2);
    assertThat(words.offsets()).containsExactly(0, 2, 2, 2);
    assertThat(words.indices()).startsWith(7, -1);
    assertThat(words.values()).startsWith(0.5f, -2);
    assertThat(words.nulls()).containsExactly(false, false, true);
  }

  @Test
  @SuppressWarnings("deprecation")
  void formsOnTheWireAreThoseOfTheServer() throws Exception {
    List<VectorColumn> column = List.of(new DenseVectors("", 2, new float[] {1, 2}));
    Vector byKind = vector(new VectorMapping(List.of(UNNAMED), true), column);
    assertThat(byKind.getDense().getDataList()).containsExactly(1f, 2f);
    assertThat(byKind.getDataCount()).isZero();
    Vector flat = vector(new VectorMapping(List.of(UNNAMED), false), column);
    assertThat(flat.getDataList()).containsExactly(1f, 2f);
    assertThat(flat.hasDense()).isFalse();
  }

  @Test
  void aPointWithoutItsOnlyVectorHasNone() throws Exception {
    VectorMapping mapping = new VectorMapping(List.of(UNNAMED), true);
    List<VectorColumn> column =
        List.of(new DenseVectors("", 2, new float[2], new boolean[] {true}));
    Vectors vectors = Vectors.parseFrom(mapping.encoder(column).vectors(0).toByteString());
    assertThat(vectors.hasVectors()).isTrue();
    assertThat(vectors.getVectors().getVectorsMap()).isEmpty();
  }

  @Test
  void sortsSparseEntries() {
    VectorsOutput.Builder vectors = VectorsOutput.newBuilder();
    vectors
        .getVectorsBuilder()
        .putVectors(
            "words",
            io.qdrant.client.grpc.Points.VectorOutput.newBuilder()
                .setSparse(
                    io.qdrant.client.grpc.Points.SparseVector.newBuilder()
                        .addIndices(-1)
                        .addValues(1)
                        .addIndices(3)
                        .addValues(-2)
                        .addIndices(0)
                        .addValues(Float.MIN_VALUE))
                .build());
    VectorMapping.Decoder decoder = new VectorMapping(List.of(WORDS), true).decoder(1);
    decoder.add(vectors.build(), null);
    SparseVectors words = (SparseVectors) decoder.build().get(0);
    assertThat(words.indices()).startsWith(0, 3, -1);
    assertThat(words.values()).startsWith(Float.MIN_VALUE, -2, 1);
  }

  @Test
  void keepsLengthsThatCosineTakesAway() {
    VectorMapping only = new VectorMapping(List.of(dense("", Metric.COSINE)), true);
    List<VectorColumn> column =
        List.of(new DenseVectors("", 2, new float[] {3, 4, 1, 0, 1e-4f, 0, 0, 0, 0.6f, 0.8f}));
    VectorMapping.Encoder encoder = only.encoder(column);
    assertThat(encoder.norms(0).getDoubleValue()).isEqualTo(5);
    assertThat(encoder.norms(1)).isNull();
    assertThat(encoder.norms(2)).as("left alone because it is tiny").isNull();
    assertThat(encoder.norms(3)).isNull();
    assertThat(encoder.norms(4)).isNull();
    assertThat(new VectorMapping(List.of(UNNAMED), true).encoder(column).norms(0)).isNull();
  }

  @Test
  void keepsLengthsByFieldWhereThereAreSeveral() {
    VectorField colbert =
        new VectorField(
            "colbert", "colbert", VectorKind.MULTI, ElementType.FLOAT32, 2, Metric.COSINE);
    VectorMapping several =
        new VectorMapping(List.of(dense("title", Metric.COSINE), colbert), true);
    Value norms = several.encoder(THREE_ROWS.subList(0, 2)).norms(0);
    assertThat(norms.getStructValue().getFieldsMap()).containsOnlyKeys("colbert");
    assertThat(norms.getStructValue().getFieldsMap().get("colbert").getListValue().getValuesList())
        .extracting(Value::getDoubleValue)
        .containsExactly(Math.sqrt(5), 5.0);
  }

  /** As servers normalise: in 32-bit floats, with a sum that is off by its last bits. */
  @Test
  void bringsVectorsBackToTheirLength() {
    int dimension = 768;
    VectorField field =
        new VectorField("", "", VectorKind.DENSE, ElementType.FLOAT32, dimension, Metric.COSINE);
    VectorMapping mapping = new VectorMapping(List.of(field), true);
    Random random = new Random(7);
    for (double length :
        new double[] {1e-3, 0.5, 0.9999, 1 + 4e-7, 1 + 8e-7, 1.001, 17, 1e10, 1e18}) {
      float[] values = new float[dimension];
      double square = 0;
      for (int i = 0; i < dimension; i++) {
        values[i] = (float) random.nextGaussian();
        square += (double) values[i] * values[i];
      }
      for (int i = 0; i < dimension; i++) {
        values[i] = (float) (values[i] * length / Math.sqrt(square));
      }
      Value norms = mapping.encoder(List.of(new DenseVectors("", dimension, values))).norms(0);
      VectorMapping.Decoder decoder = mapping.decoder(1);
      VectorsOutput.Builder stored = VectorsOutput.newBuilder();
      for (float value : normalised(values)) {
        stored.getVectorBuilder().getDenseBuilder().addData(value);
      }
      decoder.add(stored.build(), norms);
      float[] read = ((DenseVectors) decoder.build().get(0)).values();
      for (int i = 0; i < dimension; i++) {
        assertThat(Math.abs(read[i] - values[i]))
            .as("component %d at length %s", i, length)
            .isLessThanOrEqualTo(2 * Math.ulp(values[i]));
      }
    }
  }

  private static float[] normalised(float[] values) {
    float square = 0;
    for (float value : values) {
      square += value * value;
    }
    if (square < 1.1920929e-7f || Math.abs(square - 1) <= 1e-6f) {
      return values;
    }
    float length = (float) Math.sqrt(square);
    float[] normalised = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      normalised[i] = values[i] / length;
    }
    return normalised;
  }

  @Test
  void aVectorThatWasLeftAloneKeepsEveryBit() {
    VectorMapping mapping = new VectorMapping(List.of(dense("", Metric.COSINE)), true);
    float[] values = {0.6f + 1e-6f, 0.8f};
    Value norms = mapping.encoder(List.of(new DenseVectors("", 2, values))).norms(0);
    assertThat(norms).isNotNull();
    VectorsOutput.Builder stored = VectorsOutput.newBuilder();
    stored.getVectorBuilder().getDenseBuilder().addData(values[0]).addData(values[1]);
    VectorMapping.Decoder decoder = mapping.decoder(1);
    decoder.add(stored.build(), norms);
    assertThat(((DenseVectors) decoder.build().get(0)).values()).containsExactly(values);
  }

  @Test
  void saysWhatCannotBeHeld() {
    VectorField half =
        new VectorField("h", "h", VectorKind.DENSE, ElementType.FLOAT16, 2, Metric.L2);
    VectorField bytes =
        new VectorField("b", "b", VectorKind.DENSE, ElementType.UINT8, 2, Metric.L2);
    VectorMapping mapping =
        new VectorMapping(List.of(dense("c", Metric.COSINE), half, bytes, COLBERT), true);
    assertThat(problem(mapping, new DenseVectors("c", 2, new float[] {2e19f, 0})))
        .isEqualTo(
            "vector 'c' is so long that its squared length is no 32-bit float; under cosine Qdrant"
                + " would store zeros");
    assertThat(problem(mapping, new DenseVectors("c", 2, new float[] {1.8e19f, 0}))).isNull();
    assertThat(problem(mapping, new DenseVectors("c", 3, new float[3])))
        .isEqualTo("vector 'c' has 3 components, the collection's have 2");
    assertThat(problem(mapping, new DenseVectors("h", 2, new float[] {0, -70000})))
        .isEqualTo("vector 'h' is -70000.0 at component 1, too large for half precision");
    assertThat(problem(mapping, new DenseVectors("b", 2, new float[] {0, 1.5f})))
        .isEqualTo("vector 'b' is 1.5 at component 1, no whole number from 0 to 255");
    assertThat(problem(mapping, new DenseVectors("b", 2, new float[] {-1, 0}))).contains("-1.0");
    assertThat(problem(mapping, new DenseVectors("b", 2, new float[] {255, 256}))).contains("256");
    assertThat(problem(mapping, new MultiVectors("colbert", 2, new int[2], new float[0], null)))
        .isEqualTo(
            "vector 'colbert' is a multi-vector without vectors, which Qdrant does not take");
    assertThat(
            problem(
                mapping,
                new MultiVectors("colbert", 2, new int[] {0, 1 << 19}, new float[1 << 20], null)))
        .contains("1,048,576 components; Qdrant takes fewer than 1,048,576");
    assertThat(problem(mapping, new DenseVectors("colbert", 2, new float[2])))
        .contains("of another kind than the collection's, which is multi");
    assertThatThrownBy(() -> mapping.encoder(List.of(new DenseVectors("x", 2, new float[2]))))
        .isInstanceOf(StoreException.class)
        .hasMessage("the collection has no vector field 'x'; it has [c, h, b, colbert]");
  }

  private static String problem(VectorMapping mapping, VectorColumn column) {
    return mapping.encoder(List.of(column)).problem(0);
  }

  private static Vector vector(VectorMapping mapping, List<VectorColumn> columns)
      throws InvalidProtocolBufferException {
    return Vectors.parseFrom(mapping.encoder(columns).vectors(0).toByteString()).getVector();
  }

  /** Vectors as they are in answers, whose messages have the same fields. */
  private static VectorsOutput answered(Vectors written) throws InvalidProtocolBufferException {
    ByteString bytes = written.toByteString();
    return VectorsOutput.parseFrom(bytes);
  }

  private static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Float.floatToRawIntBits(values[i]);
    }
    return bits;
  }
}
