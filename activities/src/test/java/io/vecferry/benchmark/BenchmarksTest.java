package io.vecferry.benchmark;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Every benchmark runs, and none allocates an object for each float. */
class BenchmarksTest {
  /** As it came, in its row group and in a batch; an object for each float takes 16 or more. */
  private static final double MOST_BYTES_PER_FLOAT = 14;

  @Test
  void allRunAndAllocateNoObjectPerFloat() throws RunnerException {
    Collection<RunResult> results =
        new Runner(
                new OptionsBuilder()
                    .include(".*Benchmark\\..*")
                    .mode(Mode.SingleShotTime)
                    .forks(0)
                    .warmupIterations(2)
                    .warmupTime(TimeValue.milliseconds(1))
                    .measurementTime(TimeValue.milliseconds(1))
                    .measurementIterations(2)
                    .addProfiler(GCProfiler.class)
                    .shouldFailOnError(true)
                    .verbosity(VerboseMode.SILENT)
                    .build())
            .run();
    Map<String, Map<Integer, Double>> bytes = new TreeMap<>();
    for (RunResult result : results) {
      bytes
          .computeIfAbsent(result.getParams().getBenchmark(), ignored -> new TreeMap<>())
          .put(
              Integer.valueOf(result.getParams().getParam("dimension")),
              // Other threads of this JVM may allocate in one of them.
              result.getSecondaryResults().get("gc.alloc.rate.norm").getStatistics().getMin());
    }
    assertThat(bytes).isNotEmpty();
    List<String> tooMany = new ArrayList<>();
    bytes.forEach(
        (benchmark, byDimension) -> {
          double perFloat = (byDimension.get(1024) - byDimension.get(128)) / (1024 - 128);
          if (perFloat > MOST_BYTES_PER_FLOAT) {
            tooMany.add("%s: %.1f bytes for each float".formatted(benchmark, perFloat));
          }
        });
    assertThat(tooMany).isEmpty();
  }
}
