package io.vecferry.phase;

import io.vecferry.plan.CanaryResult;
import io.vecferry.plan.Forecast.PhaseTime;
import io.vecferry.plan.Phase;
import io.vecferry.quality.QualityCheck;
import io.vecferry.spec.MigrationSpec;
import java.util.List;

/** How long the phases of a migration take, from what a canary has shown. */
final class PhaseTimes {
  /** Speed at which the archive is read again and checked, in bytes of raw records. */
  private static final double CHECKED_BYTES_PER_SECOND = 60e6;

  private PhaseTimes() {}

  /**
   * Times of all phases that take time.
   *
   * @param exported records that are exported
   * @param loaded records that are loaded
   * @param dimension of the vectors that are searched
   */
  static List<PhaseTime> of(
      MigrationSpec spec,
      CanaryResult canary,
      long exported,
      long loaded,
      long bytesPerRow,
      int dimension) {
    long queries =
        spec.quality().sampleSize() == null
            ? QualityCheck.worthwhile(loaded, dimension)
            : spec.quality().sampleSize();
    long asked = Math.min(queries, loaded) + spec.quality().iterations();
    return List.of(
        time(Phase.EXPORT, exported / canary.readRowsPerSecond()),
        time(Phase.VALIDATE_EXPORT, exported * bytesPerRow / CHECKED_BYTES_PER_SECOND),
        time(Phase.IMPORT, loaded / canary.writeRowsPerSecond() + canary.finishSeconds()),
        time(
            Phase.VALIDATE_IMPORT,
            loaded * spec.validation().share(loaded) / canary.fetchRowsPerSecond()),
        time(Phase.QUALITY_CHECK, 2 * asked * canary.searchMillis() / 1000),
        time(Phase.CUTOVER, 1));
  }

  private static PhaseTime time(Phase phase, double seconds) {
    return new PhaseTime(phase, Math.max(1, (long) Math.ceil(seconds)));
  }

  /** Seconds from the first step to the last; 0 where nothing was measured. */
  static long total(List<PhaseTime> times, boolean overlap) {
    long before = seconds(times, Phase.EXPORT) + seconds(times, Phase.VALIDATE_EXPORT);
    long load = seconds(times, Phase.IMPORT);
    return (overlap ? Math.max(before, load) : before + load)
        + seconds(times, Phase.VALIDATE_IMPORT)
        + seconds(times, Phase.QUALITY_CHECK)
        + seconds(times, Phase.CUTOVER);
  }

  private static long seconds(List<PhaseTime> times, Phase phase) {
    return times.stream().filter(time -> time.phase() == phase).mapToLong(PhaseTime::seconds).sum();
  }
}
