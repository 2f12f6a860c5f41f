package io.vecferry.phase;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.temporal.activity.ActivityInterface;
import io.temporal.failure.ApplicationErrorCategory;
import io.temporal.failure.ApplicationFailure;
import io.temporal.testing.TestActivityEnvironment;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MemoryGuardTest {
  private static final long MB = 1 << 20;

  private MemoryUse use = MemoryUse.heap(100 * MB, 100 * MB, 1000 * MB);
  private final MemoryGuard guard = new MemoryGuard(() -> List.of(use));

  @Test
  void aPartIsHeldBackAsLongAsOthersHaveTheMemory() {
    String done =
        guard.run(
            () -> {
              assertThat(guard.run(() -> "beside")).isEqualTo("beside");
              use = MemoryUse.heap(990 * MB, 900 * MB, 1000 * MB);
              assertThatThrownBy(() -> guard.run(() -> "too much"))
                  .isInstanceOf(HeldBack.class)
                  .hasMessage(
                      "this worker is short of memory and does fewer parts at once: heap after"
                          + " collection 900 MB of 1000 MB; 1 run. Tried again when some are done."
                          + " If it lasts: start it with a larger -Xmx, or tune parallelism or"
                          + " batchSize.");
              use = MemoryUse.heap(500 * MB, 900 * MB, 1000 * MB);
              return guard.run(() -> "what was given up since then is there");
            });
    assertThat(done).startsWith("what was given up");
  }

  @Test
  void onePartAlwaysRuns() {
    use = MemoryUse.heap(999 * MB, 999 * MB, 1000 * MB);
    assertThat(guard.run(() -> "first")).isEqualTo("first");
    assertThatThrownBy(
            () ->
                guard.run(
                    () -> {
                      throw new IllegalStateException("broken");
                    }))
        .hasMessage("broken");
    assertThat(guard.run(() -> "next")).isEqualTo("next");
  }

  /** An activity that does what the test says. */
  @ActivityInterface
  public interface Step {
    String run();
  }

  /** It uses up no patience, and is shown by the service as what the last attempt ended with. */
  @Test
  void whatIsHeldBackIsTriedAgain() {
    Calls calls = new Calls(new Patience(Duration.ofMillis(1)));
    use = MemoryUse.heap(999 * MB, 999 * MB, 1000 * MB);
    Step step = () -> guard.run(() -> calls.runBeating("p000-000000", () -> guard.run(() -> "no")));
    TestActivityEnvironment environment = TestActivityEnvironment.newInstance();
    try {
      environment.registerActivitiesImplementations(step);
      assertThatThrownBy(() -> environment.newActivityStub(Step.class).run())
          .cause()
          .isInstanceOfSatisfying(
              ApplicationFailure.class,
              failure -> {
                assertThat(failure.getType()).isEqualTo("RESOURCE_EXHAUSTED");
                assertThat(failure.isNonRetryable()).isFalse();
                assertThat(failure.getCategory()).isEqualTo(ApplicationErrorCategory.BENIGN);
                assertThat(failure.getNextRetryDelay()).isPositive();
              });
    } finally {
      environment.close();
    }
  }

  @Test
  void theLimitOfAControlGroup(@TempDir Path folder) throws IOException {
    assertThat(MemoryUse.group(folder)).isNull();
    Files.writeString(folder.resolve("memory.max"), "max\n");
    Files.writeString(folder.resolve("memory.current"), 990 * MB + "\n");
    Files.writeString(
        folder.resolve("memory.stat"),
        "anon 5\ninactive_file " + 60 * MB + "\nactive_file " + 40 * MB + "\n");
    assertThat(MemoryUse.group(folder)).isNull();
    Files.writeString(folder.resolve("memory.max"), 1000 * MB + "\n");
    assertThat(MemoryUse.group(folder))
        .hasToString("memory of its control group 890 MB of 1000 MB");
    assertThat(MemoryUse.group(folder).isNearlyAll()).isFalse();
    Files.writeString(folder.resolve("memory.stat"), "inactive_file 0\n");
    assertThat(MemoryUse.group(folder).isNearlyAll()).isTrue();

    Path first = Files.createDirectories(folder.resolve("v1/memory"));
    Files.writeString(first.resolve("memory.limit_in_bytes"), "9223372036854771712\n");
    Files.writeString(first.resolve("memory.usage_in_bytes"), 950 * MB + "\n");
    Files.writeString(first.resolve("memory.stat"), "total_inactive_file 0\n");
    assertThat(MemoryUse.group(folder.resolve("v1"))).isNull();
    Files.writeString(first.resolve("memory.limit_in_bytes"), 1000 * MB + "\n");
    assertThat(MemoryUse.group(folder.resolve("v1")).isNearlyAll()).isTrue();
  }

  @Test
  void thisMachine() {
    assertThat(MemoryUse.now())
        .isNotEmpty()
        .allSatisfy(one -> assertThat(one.limit()).isPositive());
  }
}
