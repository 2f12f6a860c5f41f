package io.vecferry.phase;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vecferry.activity.Compensation;
import io.vecferry.activity.MigrationActivities;
import io.vecferry.activity.PartActivities;
import io.vecferry.activity.PartTask;
import io.vecferry.activity.WholeTask;
import io.vecferry.plan.MigrationPlan;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.spec.SpecReader;
import io.vecferry.store.FaultyProvider.Fault;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.MemoryStore;
import io.vecferry.store.Metric;
import io.vecferry.store.VectorFieldInfo;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import io.vecferry.verify.RecordProfiler;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The proof finds every fault that a target can have, on real servers, and names the record; where
 * there is none, it finds none, whatever the records are. {@code -Dvecferry.cleanRuns=50} for more
 * of those.
 */
@Tag("slow")
class FaultyTargetTest {
  private static final String SOURCE = "faulty-source";
  private static final int ROWS = 60;
  private static final int DIMENSION = 8;
  private static final int CLEAN_RUNS = Integer.getInteger("vecferry.cleanRuns", 2);
  private static final String ODD =
      "aZ09 .-_/'\"\\\n\t\u00e9\u4e2d\u202e\u0301\ud83d\ude80\u00df\uffee";
  private static final int ODD_LENGTH = ODD.codePointCount(0, ODD.length());
  private static final List<VectorFieldInfo> FIELDS =
      List.of(new VectorFieldInfo("", DIMENSION, Metric.L2, 0, "", Map.of()));

  @WithServer(Server.CHROMA)
  static RunningServer chroma;

  @WithServer(Server.MILVUS)
  static RunningServer milvus;

  @WithServer(Server.QDRANT)
  static RunningServer qdrant;

  @WithServer(Server.ELASTICSEARCH_8)
  static RunningServer elasticsearch8;

  @WithServer(Server.ELASTICSEARCH_9)
  static RunningServer elasticsearch9;

  @TempDir Path folder;

  private LocalSteps local;
  private MigrationActivities steps;
  private PartActivities parts;
  private MigrationPlan plan;
  private WholeTask whole;

  private enum Target {
    FAISS,
    CHROMA,
    MILVUS,
    QDRANT,
    ELASTICSEARCH_8,
    ELASTICSEARCH_9;

    private RunningServer server() {
      return switch (this) {
        case FAISS -> null;
        case CHROMA -> chroma;
        case MILVUS -> milvus;
        case QDRANT -> qdrant;
        case ELASTICSEARCH_8 -> elasticsearch8;
        case ELASTICSEARCH_9 -> elasticsearch9;
      };
    }

    private String store() {
      return name().startsWith("ELASTICSEARCH") ? "elasticsearch" : name().toLowerCase(Locale.ROOT);
    }
  }

  @BeforeEach
  void start() {
    local = new LocalSteps(folder.resolve("archive"));
    steps = local.whole();
    parts = local.parts();
    MemoryStore.fill(SOURCE, FIELDS, records());
  }

  @AfterEach
  void stop() {
    local.close();
    MemoryStore.forget(SOURCE);
  }

  private static RecordBatch records() {
    String[] ids = new String[ROWS];
    String[] documents = new String[ROWS];
    String[] metadata = new String[ROWS];
    float[] values = new float[ROWS * DIMENSION];
    Random random = new Random(11);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    for (int row = 0; row < ROWS; row++) {
      ids[row] = row == 20 ? "007" : "row-" + row;
      documents[row] = "text ".repeat(row == 7 ? 12_000 : 3) + row;
      metadata[row] = "{\"one\":1,\"row\":%d}".formatted(row);
    }
    return new RecordBatch(
        IdColumn.ofStrings(ids),
        List.of(new DenseVectors("", DIMENSION, values)),
        TextColumn.of(documents),
        TextColumn.of(metadata));
  }

  private void plan(Target target, Fault fault, String name, Integer queries) throws IOException {
    ObjectMapper mapper = new ObjectMapper();
    // A canary would notice before anything is moved.
    ObjectNode spec = mapper.createObjectNode().put("name", name).put("canary", false);
    spec.putObject("quality").put("sampleSize", queries);
    spec.putObject("source").put("type", "memory").put("collection", SOURCE);
    ObjectNode section =
        spec.putObject("target")
            .put("type", "faulty")
            .put("store", target.store())
            .put("fault", fault.name());
    if (target == Target.FAISS) {
      section.put("path", folder.resolve(name).toString());
    } else {
      section.put("url", target.server().url()).put("collection", name);
    }
    SpecReader.Result read = SpecReader.read(spec);
    assertThat(read.problems()).isEmpty();
    plan = steps.plan(read.spec());
    assertThat(plan.blocking()).isEmpty();
  }

  /** All steps up to the quality check. */
  private void migrate(String name) {
    List<PartTask> tasks = new ArrayList<>();
    List<Integer> counts = local.export(plan, tasks);
    whole = new WholeTask(name, counts);
    steps.completeExport(whole);
    steps.prepareTarget(whole);
    tasks.forEach(parts::importPart);
    steps.finishLoad(whole);
    tasks.forEach(parts::validateImportedPart);
    steps.completeImportValidation(whole);
    steps.checkQuality(whole);
  }

  private static List<String> words(Fault fault) {
    return switch (fault) {
      case NONE -> List.of();
      case FLIPPED_BIT -> List.of("1 differ", "id=row-7, kind=VECTOR, field=[2]");
      case SWAPPED_VECTORS -> List.of("2 differ", "id=row-7, kind=VECTOR", "id=row-8, kind=VECTOR");
      case NORMALISED -> List.of("60 differ", "kind=VECTOR");
      case FLOAT_FOR_INTEGER ->
          List.of("1 differ", "id=row-7, kind=METADATA, field=one, expected=1, actual=1.0");
      case LOST_KEY ->
          List.of("1 differ", "id=row-7, kind=METADATA, field=one, expected=1, actual=absent");
      case NULL_FOR_MISSING ->
          List.of("1 differ", "id=row-7, kind=METADATA, field=other, expected=absent, actual=null");
      case CUT_DOCUMENT -> List.of("1 differ", "id=row-7, kind=DOCUMENT");
      case OTHER_RECORD -> List.of("1 are missing", "id=row-7, kind=MISSING");
      case NUMBER_FOR_TEXT -> List.of("1 are missing", "id=007, kind=MISSING");
      case ONE_MORE ->
          List.of("the target has 61 records, 60 were expected", "id=one-more, kind=EXTRA");
      case OTHER_METRIC -> List.of("compares by ip, l2 was planned");
      case POOR_ANSWERS -> List.of("recall@10", "0.8");
    };
  }

  @ParameterizedTest
  @EnumSource(Target.class)
  void oddRecordsAreNoFault(Target target) throws IOException {
    for (int run = 0; run < CLEAN_RUNS; run++) {
      MemoryStore.fill(SOURCE, FIELDS, oddRecords(run));
      String name = "clean" + UUID.randomUUID().toString().substring(0, 8);
      // Of such vectors many are equally far from each other: answers may differ, records may not.
      plan(target, Fault.NONE, name, 0);
      assertThatCode(() -> migrate(name)).as("%s, run %d", target, run).doesNotThrowAnyException();
      steps.compensate(whole, Compensation.dropLoad(name));
    }
  }

  /** Random records, and those that have broken somebody's migration. */
  private static RecordBatch oddRecords(int seed) {
    Random random = new Random(seed);
    String[] ids = new String[ROWS];
    String[] documents = new String[ROWS];
    String[] metadata = new String[ROWS];
    float[] values = new float[ROWS * DIMENSION];
    for (int i = 0; i < values.length; i++) {
      // All exponents whose squares a store can still add up.
      values[i] = (float) (random.nextGaussian() * Math.pow(10, random.nextInt(24) - 18));
    }
    for (int row = 0; row < ROWS; row++) {
      ids[row] = row + oddText(random, 1 + random.nextInt(20));
      documents[row] = random.nextInt(4) == 0 ? null : oddText(random, random.nextInt(2_000));
      metadata[row] =
          random.nextInt(4) == 0
              ? null
              : "{\"n\":%d,\"d\":%s,\"t\":\"%s\",\"l\":[%s,{\"x\":null}]}"
                  .formatted(
                      random.nextLong(),
                      Double.toString(random.nextGaussian()),
                      oddText(random, 5).replaceAll("[\"\\\\\\p{Cntrl}]", "_"),
                      random.nextBoolean() ? "1" : "1.0");
    }
    RecordBatch plain =
        new RecordBatch(
            IdColumn.ofStrings(ids),
            List.of(new DenseVectors("", DIMENSION, values)),
            TextColumn.of(documents),
            TextColumn.of(metadata));
    RecordProfiler profiler = new RecordProfiler();
    profiler.add(plain);
    LoadSchema schema =
        new LoadSchema(
            FIELDS,
            Set.of(IdKind.STRING),
            "memory",
            ROWS,
            profiler.profile(true),
            Map.of(),
            List.of());
    return RecordBatch.concat(List.of(plain, new CanaryRows(schema, List.of(plain)).batch()));
  }

  private static String oddText(Random random, int length) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      text.appendCodePoint(ODD.codePointAt(ODD.offsetByCodePoints(0, random.nextInt(ODD_LENGTH))));
    }
    return text.toString();
  }

  @ParameterizedTest
  @EnumSource(Target.class)
  void everyFaultIsFoundAndNamed(Target target) throws IOException {
    for (Fault fault : Fault.values()) {
      String name = "faulty" + UUID.randomUUID().toString().substring(0, 8);
      plan(target, fault, name, null);
      if (fault == Fault.NONE) {
        assertThatCode(() -> migrate(name)).as("%s", target).doesNotThrowAnyException();
      } else {
        assertThatThrownBy(() -> migrate(name))
            .as("%s, %s", target, fault)
            .hasStackTraceContaining("NOT_PROVED")
            .satisfies(
                thrown -> {
                  StringBuilder all = new StringBuilder();
                  for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
                    all.append(cause.getMessage()).append('\n');
                  }
                  assertThat(all.toString()).contains(words(fault));
                });
      }
      assertThat(steps.compensate(whole, Compensation.dropLoad(name))).isNotNull();
    }
  }
}
