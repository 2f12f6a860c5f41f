package io.vecferry.plan;

import com.fasterxml.jackson.annotation.JsonIgnore;
import java.util.List;
import java.util.Locale;

/**
 * What is to be expected of a migration.
 *
 * @param canary what a few records on the target have shown; null when there was no canary
 * @param phases how long each phase will take, in the order in which they begin; empty when that
 *     was not measured
 * @param timeline when what happens, in words
 * @param needs what is needed of storage, memory and the like
 */
public record Forecast(
    CanaryResult canary, List<PhaseTime> phases, List<String> timeline, List<Need> needs) {
  /** Nothing was measured. */
  public static final Forecast NONE = new Forecast(null, List.of(), List.of(), List.of());

  public Forecast {
    phases = phases == null ? List.of() : List.copyOf(phases);
    timeline = timeline == null ? List.of() : List.copyOf(timeline);
    needs = needs == null ? List.of() : List.copyOf(needs);
  }

  /**
   * How long a phase will take.
   *
   * @param seconds from its first step to its last; phases that overlap share the time
   */
  public record PhaseTime(Phase phase, long seconds) {}

  /**
   * Something that is needed.
   *
   * @param available what is there; -1 when nobody can tell
   * @param bytes whether these are bytes, or something that is counted
   */
  public record Need(String name, long needed, long available, boolean bytes) {

    /** A number of bytes. */
    public static Need ofBytes(String name, long needed, long available) {
      return new Need(name, needed, available, true);
    }

    /** Whether there is enough, as far as anybody can tell. */
    @JsonIgnore
    public boolean isThere() {
      return available < 0 || needed <= available;
    }

    /** An amount of it, for people. */
    public String words(long amount) {
      if (!bytes) {
        return String.format(Locale.ROOT, "%,d", amount);
      }
      return amount < 10 << 20
          ? String.format(Locale.ROOT, "%,d KB", (amount + 1023) >> 10)
          : String.format(Locale.ROOT, "%,d MB", (amount + (1 << 20) - 1) >> 20);
    }
  }
}
