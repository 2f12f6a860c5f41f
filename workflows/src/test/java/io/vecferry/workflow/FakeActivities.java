package io.vecferry.workflow;

import com.fasterxml.jackson.databind.JsonNode;
import io.temporal.activity.Activity;
import io.temporal.failure.ApplicationFailure;
import io.vecferry.activity.CatchUpPass;
import io.vecferry.activity.CatchUpTask;
import io.vecferry.activity.CheckResult;
import io.vecferry.activity.Compensation;
import io.vecferry.activity.MigrationActivities;
import io.vecferry.activity.NotificationActivities;
import io.vecferry.activity.NotificationTask;
import io.vecferry.activity.Pace;
import io.vecferry.activity.PartActivities;
import io.vecferry.activity.PartResult;
import io.vecferry.activity.PartTask;
import io.vecferry.activity.RepairTask;
import io.vecferry.activity.ReportLocation;
import io.vecferry.activity.ReportRequest;
import io.vecferry.activity.WholeTask;
import io.vecferry.plan.Estimate;
import io.vecferry.plan.ExistingTarget;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.Finding;
import io.vecferry.plan.MigrationPlan;
import io.vecferry.plan.NameSwitch;
import io.vecferry.plan.PlannedPartition;
import io.vecferry.plan.PlannedSide;
import io.vecferry.spec.MigrationSpec;
import io.vecferry.spec.SpecProblem;
import io.vecferry.spec.SpecReader;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Activities without stores: they count, note the order of calls, and fail or wait where a test
 * tells them to.
 */
class FakeActivities implements MigrationActivities, PartActivities, NotificationActivities {
  static final int ROWS_PER_PART = 1000;

  final List<String> calls = new ArrayList<>();
  final Set<String> failing = ConcurrentHashMap.newKeySet();

  /** Of what fails, what does so because records differ. */
  final Set<String> differing = ConcurrentHashMap.newKeySet();

  final Map<String, CountDownLatch> holding = new ConcurrentHashMap<>();

  /** What is done at a call. */
  final Map<String, Runnable> watching = new ConcurrentHashMap<>();

  final Map<String, Optional<Pace>> paces = new ConcurrentHashMap<>();

  /** What was sent and has arrived. */
  final List<NotificationTask> told = new CopyOnWriteArrayList<>();

  /** What becomes of attempts to tell a target. */
  final Map<Integer, Consumer<NotificationTask>> receivers = new ConcurrentHashMap<>();

  private final int partitions;
  private final int partsPerPartition;
  private final boolean childWorkflows;
  List<Finding> findings = List.of();
  int parallelism = 4;
  ExistingTarget existing;
  NameSwitch nameSwitch;
  int backupPartitions;
  final Map<Integer, CatchUpPass> found = new ConcurrentHashMap<>();
  List<CatchUpPass> kept = List.of();
  volatile String holder = "";
  volatile String message = "";
  volatile MigrationStatus reported;
  private final Set<String> exports = new HashSet<>();
  private int mostExports;

  FakeActivities(int partitions, int partsPerPartition, boolean childWorkflows) {
    this.partitions = partitions;
    this.partsPerPartition = partsPerPartition;
    this.childWorkflows = childWorkflows;
  }

  @Override
  public List<SpecProblem> checkSpec(JsonNode document) {
    return SpecReader.read(document).problems();
  }

  @Override
  public String targetHolder(String lease) {
    call("targetHolder");
    return holder;
  }

  @Override
  public MigrationPlan plan(MigrationSpec spec) {
    call("plan");
    long rows = (long) partsPerPartition * ROWS_PER_PART;
    return new MigrationPlan(
        spec.name(),
        0,
        "load-1",
        "archive",
        new PlannedSide(
            "fake", "source", List.of(), List.of(), rows * partitions, -1, Map.of(), "", null),
        new PlannedSide("fake", "target", List.of(), List.of(), 0, -1, Map.of(), "", null),
        findings,
        IntStream.range(0, partitions + backupPartitions)
            .mapToObj(
                i ->
                    new PlannedPartition(
                        i,
                        "0",
                        String.valueOf(partsPerPartition),
                        rows,
                        true,
                        i < partitions
                            ? PlannedPartition.Origin.SOURCE
                            : PlannedPartition.Origin.TARGET))
            .toList(),
        ROWS_PER_PART,
        parallelism,
        childWorkflows,
        false,
        false,
        new Estimate(0, 0, 0, 0, 0, 0, 0),
        List.of(),
        existing,
        nameSwitch,
        List.of(),
        null,
        null,
        null);
  }

  @Override
  public CheckResult completeExport(WholeTask task) {
    return whole("completeExport", task);
  }

  @Override
  public CheckResult prepareTarget(WholeTask task) {
    return whole("prepareTarget", task);
  }

  @Override
  public CheckResult finishLoad(WholeTask task) {
    return whole("finishLoad", task);
  }

  @Override
  public CheckResult completeImportValidation(WholeTask task) {
    return whole("completeImportValidation", task);
  }

  @Override
  public CheckResult repair(RepairTask task) {
    return whole("repair " + task.parts(), task.whole());
  }

  @Override
  public CheckResult checkQuality(WholeTask task) {
    return whole("checkQuality", task);
  }

  @Override
  public List<CatchUpPass> keptChanges(WholeTask task) {
    call("keptChanges");
    return kept;
  }

  @Override
  public CatchUpPass findChanges(CatchUpTask task) {
    call("findChanges " + task.pass());
    return found.getOrDefault(task.pass(), CatchUpPass.nothing(task.pass(), 5));
  }

  @Override
  public CatchUpPass keepChanges(CatchUpTask task) {
    call("keepChanges " + task.pass());
    int partition = partitions + backupPartitions + task.pass();
    return found
        .getOrDefault(task.pass(), CatchUpPass.nothing(task.pass(), 5))
        .kept(new PlannedPartition(partition, "0", "1", ROWS_PER_PART, true), 1);
  }

  @Override
  public CheckResult removeChanged(CatchUpTask task) {
    call("removeChanged " + task.pass());
    return new CheckResult(0, "");
  }

  @Override
  public CheckResult finishChanges(CatchUpTask task) {
    call("finishChanges " + task.pass());
    return new CheckResult(0, "");
  }

  @Override
  public CheckResult cutover(WholeTask task) {
    return whole("cutover", task);
  }

  @Override
  public CheckResult compensate(WholeTask task, Compensation compensation) {
    return whole("compensate " + compensation.kind(), task);
  }

  @Override
  public CheckResult endRetention(WholeTask task) {
    return whole("endRetention", task);
  }

  @Override
  public String moveArchive(WholeTask task) {
    call("moveArchive");
    return "cold/m";
  }

  @Override
  public ReportLocation writeReport(ReportRequest request) {
    reported = request.status();
    call("writeReport");
    return new ReportLocation("report.html", "report.json");
  }

  @Override
  public void sendNotification(NotificationTask task) {
    receivers.getOrDefault(task.number(), received -> {}).accept(task);
    told.add(task);
  }

  @Override
  public PartResult exportPart(PartTask task) {
    callPart("export", task);
    int next = task.cursor() == null ? 1 : Integer.parseInt(task.cursor()) + 1;
    if (next != task.part() + 1) {
      throw ApplicationFailure.newNonRetryableFailure(
          "cursor " + task.cursor() + " for part " + task.part(), "TEST");
    }
    return new PartResult(
        ROWS_PER_PART, 1, 0, String.valueOf(next), next == partsPerPartition, false);
  }

  @Override
  public PartResult validateExportedPart(PartTask task) {
    return part("validate", task);
  }

  @Override
  public PartResult importPart(PartTask task) {
    return part("import", task);
  }

  @Override
  public PartResult validateImportedPart(PartTask task) {
    return part("compare", task);
  }

  synchronized List<String> calls() {
    return List.copyOf(calls);
  }

  /** Most exports that ran at once, of those that started since {@link #countAnew}. */
  synchronized int mostExportsAtOnce() {
    return mostExports;
  }

  synchronized void countAnew() {
    mostExports = 0;
    exports.clear();
  }

  private PartResult part(String what, PartTask task) {
    callPart(what, task);
    return new PartResult(ROWS_PER_PART, 1, 0, null, false, false);
  }

  private void callPart(String what, PartTask task) {
    String name = what + " " + task.partName();
    paces.put(name, Optional.ofNullable(task.pace()));
    if (what.equals("export")) {
      exportRuns(name);
    }
    try {
      call(name);
    } finally {
      exportEnds(name);
    }
  }

  private synchronized void exportRuns(String name) {
    exports.add(name);
    mostExports = Math.max(mostExports, exports.size());
  }

  private synchronized void exportEnds(String name) {
    exports.remove(name);
  }

  private CheckResult whole(String what, WholeTask task) {
    call(what);
    return new CheckResult(
        0, what + " " + task.partsPerPartition().stream().mapToInt(i -> i).sum() + " parts");
  }

  /** Does what the test wants of a call. */
  void call(String what) {
    synchronized (this) {
      calls.add(what);
    }
    watching.getOrDefault(what, () -> {}).run();
    CountDownLatch latch = holding.get(what);
    if (latch != null) {
      try {
        while (!latch.await(20, TimeUnit.MILLISECONDS)) {
          Activity.getExecutionContext().heartbeat(null);
        }
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      } catch (RuntimeException e) {
        synchronized (this) {
          calls.add(what + " stopped");
        }
        throw e;
      }
    }
    if (failing.contains(what)) {
      throw ApplicationFailure.newNonRetryableFailureWithCause(
          what + " does not work" + message,
          (differing.contains(what) ? FailureClass.NOT_PROVED : FailureClass.ARCHIVE_DAMAGED)
              .name(),
          ApplicationFailure.newFailure("checksum 1 is not 2", "TEST"));
    }
  }
}
