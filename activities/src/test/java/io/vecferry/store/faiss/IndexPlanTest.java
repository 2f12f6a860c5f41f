package io.vecferry.store.faiss;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.plan.Finding;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How the wanted index is spelled, and what is said about one that cannot be. */
class IndexPlanTest {

  private static IndexPlan plan(String type, Map<String, String> parameters) {
    IndexPlan.Parsed parsed = IndexPlan.parse(type, parameters);
    assertThat(parsed.problems()).isEmpty();
    return parsed.plan();
  }

  private static List<String> problems(String type, Map<String, String> parameters) {
    return IndexPlan.parse(type, parameters).problems().stream().map(Finding::toString).toList();
  }

  @ParameterizedTest
  @CsvSource({
    "'',AUTOMATIC",
    "FLAT,FLAT",
    "IndexFlat,FLAT",
    "'idmap2,flat',LABELLED_FLAT",
    "HNSW,HNSW",
    "hnswFlat,HNSW",
    "HNSW_FLAT,HNSW",
    "'HNSW16,Flat',HNSW",
    "IVF_FLAT,IVF_FLAT",
    "IVFFlat,IVF_FLAT",
    "'IVF256,Flat',IVF_FLAT",
    "ivf_sq8,IVF_SQ8",
    "'IVF64,SQ8',IVF_SQ8",
    "sq8,SQ8"
  })
  void takesTheSpellingsOfFaissAndMilvus(String spelling, IndexPlan.Type type) {
    assertThat(plan(spelling, Map.of()).type()).isEqualTo(type);
  }

  @Test
  void parametersHaveDefaultsOfFaiss() {
    IndexPlan hnsw = plan("HNSW", Map.of());
    assertThat(hnsw.m()).isEqualTo(32);
    assertThat(hnsw.efConstruction()).isEqualTo(40);
    assertThat(hnsw.parameters(10))
        .containsExactly(
            Map.entry("M", "32"),
            Map.entry("efConstruction", "40"),
            Map.entry("efSearch", "64"),
            Map.entry("seed", "1234"));
    assertThat(plan("HNSW16", Map.of()).m()).isEqualTo(16);
    assertThat(plan("hnsw", Map.of("m", "8", "ef_construction", "200", "ef", "90")))
        .isEqualTo(new IndexPlan(IndexPlan.Type.HNSW, 8, 200, 90, 0, 0, 1234));
    assertThat(plan("IVF_FLAT", Map.of("nlist", "1024", "nprobe", "16", "seed", "7")))
        .isEqualTo(new IndexPlan(IndexPlan.Type.IVF_FLAT, 32, 40, 64, 1024, 16, 7));
  }

  @Test
  void listsAreChosenByTheNumberOfRecords() {
    IndexPlan plan = plan("IVF_FLAT", Map.of());
    assertThat(plan.listsFor(0)).isEqualTo(1);
    assertThat(plan.listsFor(100)).isEqualTo(2);
    assertThat(plan.listsFor(200_000)).isEqualTo(1024);
    assertThat(plan.probesFor(1024)).isEqualTo(64);
    assertThat(plan("IVF100,Flat", Map.of()).listsFor(60)).isEqualTo(60);
    assertThat(plan("IVF100,Flat", Map.of("nprobe", "90")).probesFor(60)).isEqualTo(60);
  }

  @Test
  void namesAreThoseOfTheIndexFactory() {
    assertThat(plan("hnsw16", Map.of()).factoryName(9, false)).isEqualTo("HNSW16,Flat");
    assertThat(plan("hnsw16", Map.of()).factoryName(9, true)).isEqualTo("IDMap2,HNSW16,Flat");
    assertThat(plan("", Map.of()).factoryName(9, true)).isEqualTo("IDMap2,Flat");
    assertThat(plan("IVF4,SQ8", Map.of()).factoryName(9, true)).isEqualTo("IVF4,SQ8");
  }

  @Test
  void saysWhatIsWrong() {
    assertThat(problems("IVF_PQ", Map.of()))
        .containsExactly(
            "target.index.type: index type 'IVF_PQ' cannot be written Use one of Flat,"
                + " IDMap2,Flat, HNSW, IVF_FLAT, SQ8, IVF_SQ8.");
    assertThat(problems("HNSW", Map.of("M", "1")))
        .containsExactly(
            "target.index.params.M: must be a whole number from 2 to 1024, got 1. Correct it or leave"
                + " it out.");
    assertThat(problems("HNSW", Map.of("ef_construction", "many")))
        .containsExactly(
            "target.index.params.ef_construction: must be a whole number from 1 to 10000, got"
                + " many. Correct it or leave it out.");
    assertThat(problems("IVF_FLAT", Map.of("M", "16")))
        .containsExactly(
            "target.index.params.M: is no parameter of index type IVF_FLAT. Known: nlist, nprobe,"
                + " seed.");
    assertThat(problems("SQ8", Map.of("nlist", "16")))
        .containsExactly(
            "target.index.params.nlist: index type SQ8 has no parameters. Leave it out.");
    assertThat(problems("IVF_FLAT", Map.of("nlist", "16", "nprobe", "17")))
        .containsExactly(
            "target.index.params.nprobe: nprobe 17 is larger than nlist 16 Search at most as many"
                + " lists as there are.");
    assertThat(problems("IVF64,Flat", Map.of("nlist", "16")))
        .containsExactly(
            "target.index.params.nlist: nlist is 16, but the name of the index type says 64 Say it"
                + " once.");
    assertThat(problems("HNSW9999", Map.of()))
        .containsExactly("target.index.type: M must be a whole number from 2 to 1024, got 9999");
    assertThat(problems("HNSW1", Map.of()))
        .containsExactly("target.index.type: M must be a whole number from 2 to 1024, got 1");
    assertThat(problems("HNSW", Map.of("seed", "-1")))
        .containsExactly(
            "target.index.params.seed: must be a whole number from 0 on, got -1. Correct it or leave"
                + " it out.");
    assertThat(problems("HNSW", Map.of("ef", "1", "efSearch", "2"))).hasSize(1);
  }
}
