package io.vecferry.phase;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SideBySideTest {
  @ParameterizedTest
  @ValueSource(strings = {"HNSW32,Flat", "IVF1024,Flat", "IDMap2,IVF16,SQ8", "BHNSW16", "PQ8"})
  void anIndexThatIsNotUsedIsNamed(String indexType) {
    assertThat(SideBySide.ownSearch("source", indexType).orElseThrow())
        .startsWith("The FAISS index " + indexType + " of the source is searched exactly by");
  }

  @ParameterizedTest
  @ValueSource(strings = {"Flat", "IDMap2,Flat", "IDMap,BinaryFlat", "SQ8", "SQfp16"})
  void anIndexThatComparesEveryVectorNeedsNoNote(String indexType) {
    assertThat(SideBySide.ownSearch("source", indexType)).isEmpty();
  }
}
