package io.vecferry.phase;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.plan.Finding;
import io.vecferry.plan.Forecast.Need;
import io.vecferry.store.Metric;
import io.vecferry.store.VectorFieldInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ResourcesTest {
  private static final long ROWS = 1_000_000;

  private static long memory(String indexType, Map<String, String> params, String storeDefault) {
    return Resources.memoryBytes(
        List.of(new VectorFieldInfo("", 768, Metric.COSINE, 0, indexType, params)),
        ROWS,
        storeDefault);
  }

  @Test
  void memoryFollowsTheIndex() {
    // A vector of 768 floats takes 3,072 bytes, a graph of M 16 adds 160.
    assertThat(memory("", Map.of(), "FLAT")).isEqualTo(3_080 * ROWS);
    assertThat(memory("", Map.of(), "HNSW")).isEqualTo(3_232 * ROWS);
    assertThat(memory("HNSW", Map.of("M", "32"), "FLAT")).isEqualTo(3_392 * ROWS);
    assertThat(memory("HNSW_SQ", Map.of(), "HNSW")).isEqualTo((776 + 160) * ROWS);
    assertThat(memory("int8_hnsw", Map.of(), "HNSW")).isEqualTo((776 + 160) * ROWS);
    assertThat(memory("int4_flat", Map.of(), "HNSW")).isEqualTo((384 + 8 + 8) * ROWS);
    assertThat(memory("bbq_hnsw", Map.of(), "HNSW")).isEqualTo((96 + 16 + 160) * ROWS);
    assertThat(memory("IVF_PQ", Map.of(), "HNSW")).isEqualTo((192 + 8) * ROWS);
  }

  private static List<String> findings(Need need) {
    List<Finding> findings = new ArrayList<>();
    Resources.check(List.of(need), findings);
    assertThat(findings).allMatch(f -> f.severity() == Finding.Severity.BLOCKING);
    return findings.stream().map(Finding::toString).toList();
  }

  @Test
  void whatIsNotThereBlocksWithTheNumberThatWouldDo() {
    assertThat(findings(Need.ofBytes("archive storage", 3L << 30, 3L << 30))).isEmpty();
    assertThat(findings(Need.ofBytes("archive storage", 3L << 30, -1))).isEmpty();
    assertThat(findings(Need.ofBytes("archive storage", 300L << 20, 20L << 20)))
        .containsExactly(
            "resources: archive storage: about 300 MB needed, 20 MB there. Make 300 MB free there,"
                + " or name another folder with --archive. checkResources: false goes on all the"
                + " same.");
    assertThat(findings(Need.ofBytes("worker memory", 800L << 20, 400L << 20)))
        .singleElement()
        .asString()
        .contains("Start the worker with -Xmx1000m or more, or set smaller export.batchSize");
    assertThat(findings(new Need("history events", 90_000, 40_000, false)))
        .singleElement()
        .asString()
        .contains("about 90,000 needed, 40,000 there. Set export.partRows to a larger number.");
  }
}
