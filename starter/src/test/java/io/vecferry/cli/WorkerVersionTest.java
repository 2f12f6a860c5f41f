package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.StatusRuntimeException;
import io.temporal.api.workflowservice.v1.SetWorkerDeploymentCurrentVersionRequest;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** A new version of the worker takes over a running migration. */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
@WithServer(Server.TEMPORAL)
@WithServer(Server.CHROMA)
@Timeout(300)
class WorkerVersionTest {
  private static final String DEPLOYMENT = "vecferry";

  @TempDir Path folder;

  @Test
  void migrationGoesOnWithTheVersionThatIsMadeCurrent(
      @WithServer(Server.TEMPORAL) RunningServer temporal,
      @WithServer(Server.CHROMA) RunningServer chroma) {
    try (Service service = Service.at(temporal, folder);
        LongMigration migration = new LongMigration(folder, service, chroma, "version", 4_000)) {
      Cli.Running first = startWorker(service, "1");
      makeCurrent(service, "1");
      migration.link.limit(60_000);
      migration.start(500, "");
      migration.awaitImported(2);
      startWorker(service, "2");
      makeCurrent(service, "2");
      first.terminate();
      first.await();
      migration.link.limit(Long.MAX_VALUE);
      migration.assertArrived();
      assertThat(
              migration
                  .describe()
                  .getWorkflowExecutionInfo()
                  .getVersioningInfo()
                  .getDeploymentVersion()
                  .getBuildId())
          .isEqualTo("2");
    }
  }

  @Test
  void bothVariablesAreNeeded() {
    Cli.Result result =
        Cli.in(folder)
            .with("TEMPORAL_ADDRESS", "127.0.0.1:1")
            .with("TEMPORAL_WORKER_BUILD_ID", "1")
            .run("worker");
    assertThat(result.exitCode()).as("%s", result).isEqualTo(1);
    assertThat(result.err())
        .contains(
            "Worker versioning needs both TEMPORAL_DEPLOYMENT_NAME and TEMPORAL_WORKER_BUILD_ID, and"
                + " TEMPORAL_DEPLOYMENT_NAME is not set.");
  }

  private Cli.Running startWorker(Service service, String build) {
    return service.startWorker(
        service
            .cli(folder)
            .with("TEMPORAL_DEPLOYMENT_NAME", DEPLOYMENT)
            .with("TEMPORAL_WORKER_BUILD_ID", build));
  }

  /** As {@code temporal worker deployment set-current-version} does. */
  private static void makeCurrent(Service service, String build) {
    Cli.await(
        "version " + build + " is current",
        () -> {
          try {
            service
                .stubs()
                .blockingStub()
                .setWorkerDeploymentCurrentVersion(
                    SetWorkerDeploymentCurrentVersionRequest.newBuilder()
                        .setNamespace(service.namespace())
                        .setDeploymentName(DEPLOYMENT)
                        .setBuildId(build)
                        .build());
            return true;
          } catch (StatusRuntimeException e) {
            // The service does not know the version before its first poll.
            return false;
          }
        });
  }
}
