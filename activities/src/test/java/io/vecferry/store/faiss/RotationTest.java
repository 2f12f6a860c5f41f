package io.vecferry.store.faiss;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.store.faiss.Transform.Rotation;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RotationTest {

  /** A rotation made of reflections, so that every element counts. */
  private static float[] rotation(int dimension) {
    Random random = new Random(7);
    double[] normal = new double[dimension];
    double squares = 0;
    for (int i = 0; i < dimension; i++) {
      normal[i] = random.nextGaussian();
      squares += normal[i] * normal[i];
    }
    float[] matrix = new float[dimension * dimension];
    for (int i = 0; i < dimension; i++) {
      for (int j = 0; j < dimension; j++) {
        matrix[i * dimension + j] =
            (float) ((i == j ? 1 : 0) - 2 * normal[i] * normal[j] / squares);
      }
    }
    return matrix;
  }

  // Below and above the size up to which every pair of rows is compared.
  @ParameterizedTest
  @ValueSource(ints = {1, 64, 1500})
  void knowsRotationsFromOtherMatrices(int dimension) {
    float[] matrix = rotation(dimension);
    assertThat(Rotation.orthonormal(matrix, dimension, dimension)).isTrue();
    int last = dimension * dimension - 1;
    float kept = matrix[last];
    matrix[last] = kept + 1e-3f;
    assertThat(Rotation.orthonormal(matrix, dimension, dimension)).isFalse();
    matrix[last] = Float.NaN;
    assertThat(Rotation.orthonormal(matrix, dimension, dimension)).isFalse();
    matrix[last] = kept;
    if (dimension > 1) {
      System.arraycopy(matrix, 0, matrix, dimension, dimension);
      assertThat(Rotation.orthonormal(matrix, dimension, dimension)).isFalse();
      assertThat(Rotation.orthonormal(matrix, dimension - 1, dimension)).isFalse();
    }
  }
}
