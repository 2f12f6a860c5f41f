package io.vecferry.worker;

import io.temporal.common.VersioningBehavior;
import io.temporal.common.WorkerDeploymentVersion;
import io.temporal.worker.WorkerDeploymentOptions;
import java.util.Map;
import java.util.Optional;

/**
 * Worker versioning, from the environment: {@code TEMPORAL_DEPLOYMENT_NAME} and {@code
 * TEMPORAL_WORKER_BUILD_ID}, as the Temporal worker controller sets them. Migrations go on with the
 * version that is made current: every version replays what older ones began.
 */
final class Deployment {
  private static final String NAME = "TEMPORAL_DEPLOYMENT_NAME";
  private static final String BUILD = "TEMPORAL_WORKER_BUILD_ID";

  private Deployment() {}

  /**
   * Empty when neither variable is set.
   *
   * @throws IllegalStateException when only one is
   */
  static Optional<WorkerDeploymentOptions> ofEnvironment(Map<String, String> environment) {
    String name = environment.getOrDefault(NAME, "");
    String build = environment.getOrDefault(BUILD, "");
    if (name.isEmpty() && build.isEmpty()) {
      return Optional.empty();
    }
    if (name.isEmpty() || build.isEmpty()) {
      throw new IllegalStateException(
          "Worker versioning needs both %s and %s, and %s is not set. Set it, or unset the other."
              .formatted(NAME, BUILD, name.isEmpty() ? NAME : BUILD));
    }
    return Optional.of(
        WorkerDeploymentOptions.newBuilder()
            .setUseVersioning(true)
            .setVersion(new WorkerDeploymentVersion(name, build))
            .setDefaultVersioningBehavior(VersioningBehavior.AUTO_UPGRADE)
            .build());
  }
}
