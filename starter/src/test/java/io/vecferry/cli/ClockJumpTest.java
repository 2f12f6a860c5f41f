package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import io.vecferry.workflow.MigrationStatus;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * The clock of a worker jumps by hours, forwards and backwards, while it works and while its
 * migration waits. Needs a C compiler, and is skipped without one.
 */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
@WithServer(Server.TEMPORAL)
@WithServer(Server.CHROMA)
@Timeout(400)
class ClockJumpTest {
  @TempDir Path folder;

  @Test
  void jumpsWhileStepsRunAndWhileItWaits(
      @WithServer(Server.TEMPORAL) RunningServer temporal,
      @WithServer(Server.CHROMA) RunningServer chroma)
      throws IOException, InterruptedException {
    Path library = compile();
    Path offset = folder.resolve("offset");
    jump(offset, Duration.ZERO);
    try (Service service = Service.at(temporal, folder);
        LongMigration migration = new LongMigration(folder, service, chroma, "clock", 6_000)) {
      service.startWorker(
          service
              .cli(folder)
              .with("LD_PRELOAD", library.toString())
              .with("CLOCK_OFFSET_FILE", offset.toString()));
      migration.link.limit(50_000);
      migration.start(500, "approval: {beforeCutover: true}");
      migration.awaitImported(2);
      for (int hours : new int[] {6, -6, 30}) {
        awaitImport(migration);
        jump(offset, Duration.ofHours(hours));
        migration.awaitImported(migration.imported() + 2);
      }
      migration.link.limit(Long.MAX_VALUE);
      MigrationStatus status = service.await("clock", MigrationStatus.State.WAITING_FOR_APPROVAL);
      assertThat(status.failures()).isEmpty();
      jump(offset, Duration.ofHours(-30));
      Cli.Result approved = service.cli(folder).run("approve", "clock", "--reason", "fine");
      assertThat(approved.exitCode()).as("%s", approved).isZero();
      migration.assertArrived();
    }
  }

  private static void awaitImport(LongMigration migration) {
    migration.awaitStep(
        step -> step.getActivityType().getName().equals("ImportPart"), "a part is imported");
  }

  private Path compile() throws IOException, InterruptedException {
    Path source = folder.resolve("clock-jump.c");
    Path library = folder.resolve("clock-jump.so");
    try (InputStream in = ClockJumpTest.class.getResourceAsStream("/clock-jump.c")) {
      Files.copy(in, source);
    }
    try {
      Process compiler =
          new ProcessBuilder(
                  "cc", "-shared", "-fPIC", "-o", library.toString(), source.toString(), "-ldl")
              .inheritIO()
              .start();
      assertThat(compiler.waitFor()).isZero();
    } catch (IOException e) {
      assumeTrue(System.getenv("CI") != null, "there is no C compiler: " + e.getMessage());
      throw e;
    }
    return library;
  }

  /** Sets how far the clock of the worker is ahead. */
  private static void jump(Path offset, Duration ahead) throws IOException {
    try (FileChannel file =
        FileChannel.open(offset, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      file.write(
          ByteBuffer.allocate(Long.BYTES)
              .order(ByteOrder.nativeOrder())
              .putLong(0, ahead.toSeconds()));
    }
  }
}
