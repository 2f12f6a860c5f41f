package io.vecferry.store.faiss;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Centroids of an inverted file. */
class KMeansTest {

  private static FloatRows clusters(int rows, int clusters, int dimension) {
    FloatRows sample = new FloatRows(rows, dimension);
    Random random = new Random(3);
    float[] centres = new float[clusters * dimension];
    for (int i = 0; i < centres.length; i++) {
      centres[i] = (float) random.nextGaussian() * 20;
    }
    for (int row = 0; row < rows; row++) {
      for (int d = 0; d < dimension; d++) {
        sample.block(row)[sample.at(row) + d] =
            centres[row % clusters * dimension + d] + (float) random.nextGaussian();
      }
    }
    return sample;
  }

  @ParameterizedTest
  @CsvSource({"1,1", "3,7", "513,5", "1024,8", "1030,33"})
  void findsTheNearestAsALoopDoes(int count, int dimension) {
    Random random = new Random(count);
    float[] centroids = new float[count * dimension];
    float[] vectors = new float[101 * dimension];
    for (int i = 0; i < centroids.length; i++) {
      centroids[i] = (float) random.nextGaussian();
    }
    for (int i = 0; i < vectors.length; i++) {
      vectors[i] = (float) random.nextGaussian();
    }
    for (boolean innerProduct : new boolean[] {false, true}) {
      int[] nearest = new int[104];
      new Centroids(centroids, dimension, innerProduct).new Finder()
          .find(vectors, dimension, 100, nearest, 3);
      Distances distances = new Distances(innerProduct, dimension);
      for (int row = 0; row < 100; row++) {
        float smallest = Float.POSITIVE_INFINITY;
        for (int i = 0; i < count; i++) {
          smallest =
              Math.min(
                  smallest,
                  distances.between(vectors, (row + 1) * dimension, centroids, i * dimension));
        }
        assertThat(
                distances.between(
                    vectors, (row + 1) * dimension, centroids, nearest[row + 3] * dimension))
            .isCloseTo(smallest, Offset.offset(1e-4f));
      }
      assertThat(nearest[2]).isZero();
      assertThat(nearest[103]).isZero();
    }
  }

  @Test
  void centroidsDoNotDependOnThreads() {
    FloatRows sample = clusters(5000, 40, 6);
    Centroids one = KMeans.train(sample, 30, false, 9, 1);
    assertThat(KMeans.train(sample, 30, false, 9, 4).values()).isEqualTo(one.values());
    assertThat(KMeans.train(sample, 30, false, 10, 4).values()).isNotEqualTo(one.values());
  }

  @Test
  void clustersThatAreFarApartGetTheirOwnCentroids() {
    FloatRows sample = clusters(4000, 4, 5);
    Centroids centroids = KMeans.train(sample, 32, false, 1, 2);
    int[] nearest = new int[4000];
    centroids.new Finder().find(sample.block(0), 0, 4000, nearest, 0);
    int[] cluster = new int[32];
    java.util.Arrays.fill(cluster, -1);
    for (int row = 0; row < 4000; row++) {
      if (cluster[nearest[row]] < 0) {
        cluster[nearest[row]] = row % 4;
      }
      assertThat(cluster[nearest[row]]).isEqualTo(row % 4);
    }
  }

  @Test
  void rowsThatAreNearlyAllEqualMakeFiniteCentroids() {
    FloatRows sample = new FloatRows(1000, 2);
    for (int i = 0; i < 1000; i++) {
      // Nearly all rows are equal: most of the first centroids are.
      sample.block(0)[i * 2] = 1;
      sample.block(0)[i * 2 + 1] = i < 950 ? 1 : i;
    }
    Centroids centroids = KMeans.train(sample, 20, false, 1, 2);
    int[] nearest = new int[1000];
    centroids.new Finder().find(sample.block(0), 0, 1000, nearest, 0);
    assertThat(java.util.Arrays.stream(nearest).distinct().count()).isGreaterThan(1);
    for (float value : centroids.values()) {
      assertThat(value).isFinite();
    }
  }

  @Test
  void centroidsOfInnerProductHaveUnitLength() {
    Centroids centroids = KMeans.train(clusters(2000, 10, 6), 12, true, 1, 2);
    for (int i = 0; i < 12; i++) {
      double square = 0;
      for (int d = 0; d < 6; d++) {
        square += Math.pow(centroids.values()[i * 6 + d], 2);
      }
      assertThat(square).isCloseTo(1, Offset.offset(1e-5));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 5})
  void asManyCentroidsAsRows(int rows) {
    FloatRows sample = clusters(rows, 5, 3);
    Centroids centroids = KMeans.train(sample, 5, false, 1, 2);
    assertThat(centroids.count()).isEqualTo(5);
    int[] nearest = new int[rows];
    if (rows > 0) {
      centroids.new Finder().find(sample.block(0), 0, rows, nearest, 0);
      assertThat(nearest).doesNotHaveDuplicates();
    }
  }
}
