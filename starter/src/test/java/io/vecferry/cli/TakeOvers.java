package io.vecferry.cli;

import com.google.protobuf.Timestamp;
import io.temporal.api.enums.v1.PendingActivityState;
import io.temporal.api.workflow.v1.PendingActivityInfo;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Measures, while a migration runs, how long the steps of killed workers lie idle. */
final class TakeOvers {
  private final Map<String, Idle> idle = new HashMap<>();
  private final List<Double> seconds = new ArrayList<>();

  /** A step whose worker is dead. */
  private record Idle(String deadWorker, Instant since) {}

  /** A worker was killed while it worked on these steps. */
  void killed(Cli.Running worker, List<PendingActivityInfo> steps, Instant when) {
    steps.forEach(step -> idle.put(step.getActivityId(), new Idle(worker.pid() + "@", when)));
  }

  /** Looks which of them are being worked on again, or are done. */
  void look(List<PendingActivityInfo> pending) {
    Map<String, PendingActivityInfo> now =
        pending.stream()
            .collect(Collectors.toMap(PendingActivityInfo::getActivityId, step -> step));
    idle.entrySet()
        .removeIf(
            entry -> {
              PendingActivityInfo step = now.get(entry.getKey());
              Idle since = entry.getValue();
              if (step == null) {
                seconds.add(between(since.since(), Instant.now()));
                return true;
              }
              boolean begun =
                  step.getState() == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
                      && !step.getLastWorkerIdentity().startsWith(since.deadWorker());
              if (begun) {
                Timestamp start = step.getLastStartedTime();
                seconds.add(
                    between(
                        since.since(),
                        Instant.ofEpochSecond(start.getSeconds(), start.getNanos())));
              }
              return begun;
            });
  }

  boolean isComplete() {
    return idle.isEmpty();
  }

  /** For each step, seconds from the kill until it was begun again, the shortest first. */
  List<Double> seconds() {
    return seconds.stream().sorted().toList();
  }

  private static double between(Instant from, Instant to) {
    return Duration.between(from, to).toMillis() / 1000.0;
  }
}
