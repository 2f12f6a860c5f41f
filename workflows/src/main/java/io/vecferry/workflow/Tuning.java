package io.vecferry.workflow;

import io.vecferry.activity.Pace;
import io.vecferry.plan.Phase;

/**
 * The speed of a migration, as planned or as a person has tuned it. It counts for the parts that
 * start from now on.
 *
 * @param exportParallelism partitions exported at once
 * @param importParallelism parts validated, imported or compared at once
 * @param batchSize records per request; 0 for what the spec says
 * @param rate records per second, of the source and of the target each; 0 for no limit
 */
public record Tuning(int exportParallelism, int importParallelism, int batchSize, long rate) {
  /** Parts of one partition that are validated or imported while the next one is exported. */
  private static final int FOLLOWERS = 2;

  static final int LARGEST_PARALLELISM = 256;
  static final int LARGEST_BATCH = 100_000;
  static final long LARGEST_RATE = 1_000_000_000;

  static Tuning planned(int parallelism) {
    return new Tuning(parallelism, FOLLOWERS * parallelism, 0, 0);
  }

  Tuning with(TuneRequest request) {
    return new Tuning(
        request.exportParallelism() == null ? exportParallelism : request.exportParallelism(),
        request.importParallelism() == null ? importParallelism : request.importParallelism(),
        request.batchSize() == null ? batchSize : request.batchSize(),
        request.rate() == null ? rate : request.rate());
  }

  /** Parts of one partition that may be worked on besides its export; at least one. */
  int followersPerPartition() {
    return (importParallelism + exportParallelism - 1) / exportParallelism;
  }

  /** Steps of this kind that may run at once in the whole migration. */
  int parallelism(Phase step) {
    return step == Phase.EXPORT ? exportParallelism : importParallelism;
  }

  /** The share of one step in the speed of all; null when there is no limit. */
  Pace pace(Phase step) {
    return batchSize == 0 && rate == 0
        ? null
        : new Pace(batchSize, (double) rate / parallelism(step));
  }

  @Override
  public String toString() {
    return "export parallelism "
        + exportParallelism
        + ", import parallelism "
        + importParallelism
        + ", batch size "
        + (batchSize == 0 ? "of the spec" : batchSize)
        + ", rate "
        + (rate == 0 ? "unlimited" : rate + " records/s");
  }
}
