package io.vecferry.store.faiss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import org.junit.jupiter.api.Test;

/** Codes of one byte per component. That they are FAISS' own is shown by {@link FaissBuildTest}. */
class ByteCodecTest {

  private static ByteCodec train(int dimension, float... values) {
    ByteCodec.Training training = new ByteCodec.Training(dimension);
    ByteCodec.Training part = new ByteCodec.Training(dimension);
    part.add(values, 0, values.length / dimension);
    training.merge(part);
    return training.codec();
  }

  @Test
  void stepsAreCutOff() {
    ByteCodec codec = train(2, 0, 7, 255, 7);
    assertThat(codec.lowest()).containsExactly(0, 7);
    assertThat(codec.span()).containsExactly(255, 0);
    byte[] codes = new byte[5];
    codec.encode(new float[] {9, 254.9f, 7}, 1, codes, 3);
    assertThat(codes).containsExactly(0, 0, 0, (byte) 254, 0);
    codec.encode(new float[] {-1, 7}, 0, codes, 0);
    assertThat(codes[0]).isZero();
    codec.encode(new float[] {256, 8}, 0, codes, 0);
    assertThat(codes[0]).isEqualTo((byte) 255);
    assertThat(codes[1]).isZero();
  }

  @Test
  void noRowsMakeACodec() {
    ByteCodec codec = new ByteCodec.Training(1).codec();
    assertThat(codec.lowest()).containsExactly(0);
    assertThat(codec.span()).containsExactly(0);
  }

  @Test
  void aRangeThatNoFloatHoldsIsNamed() {
    assertThatThrownBy(() -> train(2, 1, -3e38f, 2, 2e38f))
        .isInstanceOfSatisfying(
            StoreException.class,
            e -> assertThat(e.failureClass()).isEqualTo(FailureClass.BAD_RECORD))
        .hasMessage(
            "component 1 has values from -3.0E38 to 2.0E38: 8-bit codes cannot span that. Use an"
                + " index that keeps floats, as Flat, HNSW or IVF_FLAT");
  }
}
