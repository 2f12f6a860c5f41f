package io.vecferry.client;

import com.fasterxml.jackson.databind.JsonNode;
import io.temporal.api.common.v1.WorkflowExecution;
import io.temporal.api.enums.v1.WorkflowExecutionStatus;
import io.temporal.api.enums.v1.WorkflowIdConflictPolicy;
import io.temporal.api.enums.v1.WorkflowIdReusePolicy;
import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowClientOptions;
import io.temporal.client.WorkflowExecutionMetadata;
import io.temporal.client.WorkflowFailedException;
import io.temporal.client.WorkflowNotFoundException;
import io.temporal.client.WorkflowOptions;
import io.temporal.client.WorkflowStub;
import io.temporal.common.SearchAttributes;
import io.temporal.common.converter.DataConverterException;
import io.temporal.failure.CanceledFailure;
import io.temporal.payload.codec.PayloadCodecException;
import io.temporal.serviceclient.WorkflowServiceStubs;
import io.vecferry.plan.MigrationPlan;
import io.vecferry.spec.SpecProblem;
import io.vecferry.spec.SpecReader;
import io.vecferry.workflow.MigrationResult;
import io.vecferry.workflow.MigrationStatus;
import io.vecferry.workflow.MigrationWorkflow;
import io.vecferry.workflow.Outcome;
import io.vecferry.workflow.Payloads;
import io.vecferry.workflow.RetentionStatus;
import io.vecferry.workflow.RetentionWorkflow;
import io.vecferry.workflow.StepFailure;
import io.vecferry.workflow.TuneRequest;
import io.vecferry.workflow.VerbRequest;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Starts, watches and steers migrations. The library for services; the command line is made of it.
 * Thread-safe.
 *
 * <pre>{@code
 * MigrationClient client = MigrationClient.connect(stubs, "default");
 * client.start(spec);
 * MigrationResult result = client.awaitResult("products");
 * }</pre>
 */
public final class MigrationClient {
  private final WorkflowClient client;

  private MigrationClient(WorkflowClient client) {
    this.client = client;
  }

  /** A client on an open connection. */
  public static MigrationClient connect(WorkflowServiceStubs stubs, String namespace) {
    return connect(stubs, WorkflowClientOptions.newBuilder().setNamespace(namespace).build());
  }

  /**
   * A client with options of its own, as interceptors. A data converter without a codec is replaced
   * by {@link Payloads#converter()}; one with a codec has to be made by {@link
   * Payloads#converter(io.temporal.payload.codec.PayloadCodec, boolean)}.
   */
  public static MigrationClient connect(WorkflowServiceStubs stubs, WorkflowClientOptions options) {
    return new MigrationClient(WorkflowClient.newInstance(stubs, Payloads.in(options)));
  }

  /**
   * Starts a migration, or attaches to the one of that name that is running.
   *
   * @param document the spec
   * @return the workflow
   * @throws IllegalArgumentException when the spec has problems; the message lists all of them
   */
  public WorkflowExecution start(JsonNode document) {
    SpecReader.Result read = SpecReader.read(document);
    if (!read.problems().isEmpty()) {
      throw new IllegalArgumentException(
          read.problems().stream().map(SpecProblem::toString).collect(Collectors.joining("\n")));
    }
    String name = read.spec().name();
    MigrationWorkflow workflow =
        client.newWorkflowStub(
            MigrationWorkflow.class,
            WorkflowOptions.newBuilder()
                .setTaskQueue(MigrationWorkflow.TASK_QUEUE)
                .setWorkflowId(MigrationWorkflow.workflowId(name))
                .setWorkflowIdConflictPolicy(
                    WorkflowIdConflictPolicy.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING)
                .setWorkflowIdReusePolicy(
                    WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE)
                .setStaticSummary(
                    name
                        + ": "
                        + read.spec().source().kind()
                        + " to "
                        + read.spec().target().kind())
                .setStaticDetails("Started by a vecferry client.")
                .build());
    return WorkflowClient.start(workflow::migrate, document);
  }

  /** Whether a migration has been started and has not ended. Needs no worker. */
  public boolean isRunning(String migration) {
    try {
      return untyped(migration).describe().getStatus()
          == WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING;
    } catch (WorkflowNotFoundException e) {
      return false;
    }
  }

  /**
   * The last run of each migration that the service remembers, the newest first. Needs no worker.
   * Phase, progress, stores, and whether steps wait for a person while others go on, are known as
   * far as the search attributes are registered.
   *
   * @param sinceMillis leaves out what was started before, in milliseconds since 1970
   */
  public Stream<MigrationSummary> list(long sinceMillis) {
    Set<String> seen = new HashSet<>();
    return client
        .listExecutions(
            "WorkflowType = '"
                + MigrationWorkflow.class.getSimpleName()
                + "' AND StartTime >= '"
                + Instant.ofEpochMilli(sinceMillis)
                + "'")
        .sorted(Comparator.comparing(WorkflowExecutionMetadata::getStartTime).reversed())
        // Somebody may have started one under an id of his own; it has ended at once.
        .filter(
            run -> run.getExecution().getWorkflowId().startsWith(MigrationWorkflow.workflowId("")))
        .filter(run -> seen.add(run.getExecution().getWorkflowId()))
        .map(MigrationClient::summary);
  }

  private static MigrationSummary summary(WorkflowExecutionMetadata run) {
    SearchAttributes shown = run.getTypedSearchAttributes();
    String id = run.getExecution().getWorkflowId();
    Long progress = shown.get(io.vecferry.workflow.SearchAttributes.PROGRESS);
    return new MigrationSummary(
        // As the archive of a run of a schedule is named.
        id.substring(MigrationWorkflow.workflowId("").length()).replace(":", ""),
        state(run, shown),
        orEmpty(shown.get(io.vecferry.workflow.SearchAttributes.PHASE)),
        progress,
        orEmpty(shown.get(io.vecferry.workflow.SearchAttributes.SOURCE)),
        orEmpty(shown.get(io.vecferry.workflow.SearchAttributes.TARGET)),
        run.getStartTime().toEpochMilli());
  }

  private static String state(WorkflowExecutionMetadata run, SearchAttributes shown) {
    String listed = listed(run);
    String word = run.getStatus().name().replace("WORKFLOW_EXECUTION_STATUS_", "");
    if (run.getStatus() == WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING) {
      return Boolean.TRUE.equals(shown.get(io.vecferry.workflow.SearchAttributes.ATTENTION))
          ? MigrationStatus.State.NEEDS_ATTENTION.name()
          : listed == null ? word : listed;
    }
    String outcome = shown.get(io.vecferry.workflow.SearchAttributes.OUTCOME);
    if (outcome != null) {
      return outcome;
    }
    boolean saysHowItEnded = Stream.of(Outcome.values()).anyMatch(one -> one.name().equals(listed));
    return saysHowItEnded ? listed : word;
  }

  /** What a migration says of itself; null when it says nothing, or only to those with its key. */
  private static String listed(WorkflowExecutionMetadata run) {
    try {
      return run.getMemo(MigrationWorkflow.STATE_MEMO, String.class, String.class);
    } catch (DataConverterException | PayloadCodecException e) {
      return null;
    }
  }

  private static String orEmpty(String text) {
    return text == null ? "" : text;
  }

  /** State and progress, with the steps that are tried again. */
  public MigrationStatus status(String migration) {
    MigrationStatus status = stub(migration).status();
    return status.state() == MigrationStatus.State.FINISHED
        ? status
        : status.with(retrying(migration));
  }

  /** Steps that have failed and are tried again without a person. Needs no worker. */
  public List<StepFailure> retrying(String migration) {
    return new PendingSteps(client).triedAgain(MigrationWorkflow.workflowId(migration));
  }

  /** The plan; null before planning has ended. */
  public MigrationPlan plan(String migration) {
    return stub(migration).plan();
  }

  /** Steps that wait for a decision. */
  public List<StepFailure> failures(String migration) {
    return stub(migration).failures();
  }

  public String pause(String migration, VerbRequest request) {
    return stub(migration).pause(request);
  }

  public String resume(String migration, VerbRequest request) {
    return stub(migration).resume(request);
  }

  public String retry(String migration, VerbRequest request) {
    return stub(migration).retry(request);
  }

  /** Loads again what differs from the archive, removes what is extra, and compares again. */
  public String repair(String migration, VerbRequest request) {
    return stub(migration).repair(request);
  }

  public String skip(String migration, VerbRequest request) {
    return stub(migration).skip(request);
  }

  public String approve(String migration, VerbRequest request) {
    return stub(migration).approve(request);
  }

  public String reject(String migration, VerbRequest request) {
    return stub(migration).reject(request);
  }

  public String rollback(String migration, VerbRequest request) {
    return stub(migration).rollback(request);
  }

  public String tune(String migration, TuneRequest request) {
    return stub(migration).tune(request);
  }

  /** Whether a migration has ended and keeps what it has replaced. Needs no worker. */
  public boolean isKept(String migration) {
    try {
      return keeping(migration).describe().getStatus()
          == WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING;
    } catch (WorkflowNotFoundException e) {
      return false;
    }
  }

  /** What has become of what a migration has replaced. */
  public RetentionStatus retention(String migration) {
    return keeping(migration).query("status", RetentionStatus.class);
  }

  /** Ends the time in which a migration that has ended can be rolled back. */
  public String finalize(String migration, VerbRequest request) {
    return keeping(migration).update("finalize", String.class, request);
  }

  /** Rolls back a migration that has ended and keeps what it has replaced. */
  public String rollbackAfterEnd(String migration, VerbRequest request) {
    return keeping(migration).update("rollback", String.class, request);
  }

  /** Waits until what a migration has replaced is dropped, or until it is rolled back. */
  public RetentionStatus awaitRetention(String migration) {
    return keeping(migration).getResult(RetentionStatus.class);
  }

  private WorkflowStub keeping(String migration) {
    return client.newUntypedWorkflowStub(RetentionWorkflow.workflowId(migration));
  }

  /** Cancels the migration, which rolls it back. */
  public void cancel(String migration, String reason) {
    untyped(migration).cancel(reason);
  }

  /**
   * Waits for the end.
   *
   * @throws io.temporal.client.WorkflowFailedException when the spec has problems or planning found
   *     that it cannot work
   */
  public MigrationResult awaitResult(String migration) {
    try {
      return untyped(migration).getResult(MigrationResult.class);
    } catch (WorkflowFailedException e) {
      if (!(e.getCause() instanceof CanceledFailure)) {
        throw e;
      }
      MigrationStatus status = status(migration);
      return new MigrationResult(
          migration,
          status.outcome(),
          status.verdict(),
          status.rowsExpected(),
          status.report() == null ? "" : status.report().html(),
          status.report() == null ? "" : status.report().json());
    }
  }

  private MigrationWorkflow stub(String migration) {
    return client.newWorkflowStub(MigrationWorkflow.class, MigrationWorkflow.workflowId(migration));
  }

  private WorkflowStub untyped(String migration) {
    return client.newUntypedWorkflowStub(MigrationWorkflow.workflowId(migration));
  }
}
