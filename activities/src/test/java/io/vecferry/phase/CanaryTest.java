package io.vecferry.phase;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.vecferry.plan.CanaryResult;
import io.vecferry.plan.Finding;
import io.vecferry.plan.Forecast;
import io.vecferry.plan.MigrationPlan;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdColumn;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.spec.MigrationSpec;
import io.vecferry.spec.SpecReader;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.MemoryStore;
import io.vecferry.store.Metric;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import io.vecferry.store.VectorFieldInfo;
import io.vecferry.store.VectorStore;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What planning says of a target that does something wrong, and what it leaves there. */
class CanaryTest {
  private static final String PREFIX = "canary-";
  private static final int ROWS = 1500;

  private Map<String, List<String>> before;

  @BeforeEach
  void fill() {
    VectorFieldInfo field = new VectorFieldInfo("", 3, Metric.L2, 0, "", Map.of());
    float[] values = new float[3 * ROWS];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) Math.sin(i + 1);
    }
    MemoryStore.fill(
        PREFIX + "source",
        List.of(field),
        new RecordBatch(
            IdColumn.ofStrings(
                IntStream.range(0, ROWS).mapToObj(i -> "item-" + i).toArray(String[]::new)),
            List.of(new DenseVectors("", 3, values)),
            TextColumn.of(
                IntStream.range(0, ROWS).mapToObj(i -> "text " + i).toArray(String[]::new)),
            TextColumn.of(
                IntStream.range(0, ROWS)
                    .mapToObj(i -> "{\"row\":" + i + "}")
                    .toArray(String[]::new))));
    before = MemoryStore.contents(PREFIX);
  }

  @AfterEach
  void forget() {
    MemoryStore.forget(PREFIX);
  }

  private static MigrationPlan plan(String fault, String more) throws Exception {
    SpecReader.Result read =
        SpecReader.read(
            new ObjectMapper()
                .readTree(
                    """
                    {"name": "tried", "source": {"type": "memory", "collection": "canary-source"},
                     "target": {"type": "imperfect", "collection": "canary-target",
                       "options": {"fault": "%s"}} %s}
                    """
                        .formatted(fault, more)));
    assertThat(read.problems()).isEmpty();
    MigrationSpec spec = read.spec();
    return new Planner(false).plan(spec, "", -1, "load", false, 0);
  }

  private void assertNothingIsLeft() {
    assertThat(MemoryStore.contents(PREFIX)).isEqualTo(before);
  }

  @Test
  void saysWhatItHasMeasured() throws Exception {
    MigrationPlan plan = plan("none", "");
    assertThat(plan.findings()).isEmpty();
    CanaryResult canary = plan.forecast().canary();
    assertThat(canary.rows()).isEqualTo(1000);
    assertThat(canary.madeRows()).isGreaterThan(10);
    assertThat(canary.bitExactRows()).isEqualTo(canary.rows() + canary.madeRows());
    assertThat(canary.exact()).isTrue();
    assertThat(canary.found()).isEqualTo(canary.searched()).isEqualTo(20);
    assertThat(canary.readRowsPerSecond()).isPositive();
    assertThat(canary.writeRowsPerSecond()).isPositive();
    assertThat(plan.estimate().seconds()).isPositive();
    assertNothingIsLeft();
  }

  @Test
  void namesWhatComesBackDifferent() throws Exception {
    assertThat(plan("rounds", "").blocking())
        .first()
        .satisfies(
            finding ->
                assertThat(finding.message())
                    .startsWith("of 1,000 records of the source ")
                    .contains("come back different", "\"item-0\", vector [", "expected 0.84147"));
    assertNothingIsLeft();
    assertThat(plan("trims", "").blocking())
        .singleElement()
        .satisfies(
            finding ->
                assertThat(finding.toString())
                    .startsWith("canary: a made-up record with a document with line breaks comes")
                    .contains("document: expected line\nbreak")
                    .endsWith("Correct that, or set canary: false to plan without."));
    assertNothingIsLeft();
  }

  @Test
  void namesWhatIsRefused() throws Exception {
    assertThat(plan("refuses", "").blocking())
        .singleElement()
        .satisfies(
            finding ->
                assertThat(finding.message())
                    .isEqualTo(
                        "of 1,000 records of the source the target refuses 1, import.maxRejects is"
                            + " 0. The first: \"item-3\": no such ids here"));
    MigrationPlan allowed = plan("refuses", ", \"import\": {\"maxRejects\": 1}");
    assertThat(allowed.blocking()).isEmpty();
    assertThat(allowed.findings()).hasSize(1);
    MigrationPlan made = plan("refusesEmoji", "");
    assertThat(made.blocking()).isEmpty();
    assertThat(made.findings())
        .extracting(Finding::message)
        .containsExactly(
            "the target would refuse a record with an id with an emoji: no such ids here");
    assertNothingIsLeft();
  }

  @Test
  void saysThatSearchesFindNothing() throws Exception {
    MigrationPlan plan = plan("finds-nothing", "");
    assertThat(plan.blocking()).isEmpty();
    assertThat(plan.findings())
        .extracting(Finding::message)
        .containsExactly(
            "of 20 records that were searched for by their own vectors the target finds 0 among"
                + " the 10 nearest.");
  }

  @Test
  void whatIsNotAllowedBlocks() throws Exception {
    assertThat(plan("not-allowed", "").blocking())
        .extracting(Finding::message)
        .containsExactly(
            "records cannot be tried on the target: this user may not make a collection");
    assertNothingIsLeft();
  }

  @Test
  void aServerThatIsAwayIsTriedAgain() {
    assertThatThrownBy(() -> plan("away", ""))
        .isInstanceOf(StoreException.class)
        .hasMessage("the server is away");
    assertNothingIsLeft();
  }

  @Test
  void whatAKilledPlanHasLeftIsRemoved() throws Exception {
    leave(new LoadStamp("tried", "canary-1"));
    assertThat(MemoryStore.contents(PREFIX)).hasSize(before.size() + 1);
    assertThat(plan("none", "").findings()).isEmpty();
    assertNothingIsLeft();
  }

  @Test
  void whatOthersHaveMadeStays() throws Exception {
    leave(new LoadStamp("somebody-else", "load"));
    Map<String, List<String>> withForeign = MemoryStore.contents(PREFIX);
    assertThat(plan("none", "").blocking()).hasSize(1);
    assertThat(MemoryStore.contents(PREFIX)).isEqualTo(withForeign);
  }

  private static void leave(LoadStamp stamp) {
    StoreSettings target = StoreSettings.of("target", "collection", PREFIX + "target");
    try (VectorStore scratch =
        Stores.get("memory")
            .open(Stores.get("memory").loadBesideSettings(target, "tried-canary"))) {
      scratch.create(new LoadSchema(List.of(), Set.of(), "", 0), stamp);
    }
  }

  @Test
  void theArchiveIsEstimatedFromTheSample() throws Exception {
    MigrationPlan plan = plan("none", "");
    // Three floats, an id, a short text and a number.
    assertThat(plan.estimate().archiveBytes() / ROWS).isBetween(15L, 80L);
    assertThat(plan.forecast().needs())
        .extracting(Forecast.Need::name)
        .containsExactly(
            "archive storage",
            "target storage",
            "target memory",
            "worker memory",
            "network volume",
            "parts",
            "history events");
  }

  @Test
  void isSwitchedOffByTheSpec() throws Exception {
    MigrationPlan plan = plan("rounds", ", \"canary\": false");
    assertThat(plan.findings()).isEmpty();
    assertThat(plan.forecast().canary()).isNull();
  }
}
