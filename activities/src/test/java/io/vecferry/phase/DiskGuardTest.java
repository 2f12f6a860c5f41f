package io.vecferry.phase;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vecferry.activity.PartTask;
import io.vecferry.archive.place.ArchiveRoot;
import io.vecferry.plan.PlannedPartition;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Parts beside each other; FullDiskTest fills a real disk. */
class DiskGuardTest {
  private static final long MB = 1 << 20;

  @Test
  void partsThatHaveRoomOnlyOneAfterTheOtherWait(@TempDir Path folder) {
    AtomicLong free = new AtomicLong(40 * MB);
    PartTask task = new PartTask("m", new PlannedPartition(0, "", "", 0, true), 0, null, null);
    // 5 MB stay free.
    try (DiskGuard guard = new DiskGuard(ArchiveRoot.of(folder), free::get, () -> 100 * MB)) {
      assertThat(guard.usableBytes()).isEqualTo(35 * MB);
      try (DiskGuard.Room first = guard.take(task, 10 * MB)) {
        assertThat(first).isNotNull();
        assertThatThrownBy(() -> guard.take(task, 10 * MB))
            .isInstanceOf(HeldBack.class)
            .hasMessageContainingAll(folder.toString(), "and 1 are written");
        free.set(45 * MB);
        guard.take(task, 10 * MB).close();
        free.set(30 * MB);
      }
      guard.take(task, 10 * MB).close();
    }
  }
}
