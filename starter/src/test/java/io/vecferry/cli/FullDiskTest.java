package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.testing.HookServer;
import io.vecferry.workflow.MigrationStatus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * The disk of the archive is full and is freed again: a file system of a few megabytes in memory,
 * which only root may mount; skipped for others.
 */
@Tag("slow")
@Execution(ExecutionMode.CONCURRENT)
@Timeout(180)
class FullDiskTest {
  private static final int ROWS = 20_000;
  private static final int SIZE = 800 << 10;

  @TempDir Path folder;
  private Path archives;

  @BeforeEach
  void mount() throws IOException, InterruptedException {
    archives = Files.createDirectories(folder.resolve("archives"));
    Assumptions.assumeTrue(
        command("mount", "-t", "tmpfs", "-o", "size=" + SIZE, "vecferry-test", archives.toString()),
        "this user cannot mount a file system");
  }

  @AfterEach
  void unmount() throws IOException, InterruptedException {
    command("umount", "--lazy", archives.toString());
  }

  @Test
  void stopsBeforeTheDiskIsFullAndGoesOnByItselfWhenSpaceIsFreed()
      throws IOException, InterruptedException {
    FaissFolder.write(folder.resolve("source"), ROWS, 16);
    try (Service service = Service.start(folder);
        HookServer hook = HookServer.start()) {
      Specs.write(
          folder,
          "full",
          "export: {partRows: 1000, parallelism: 2}\ncheckResources: false\n"
              + "notify: [{type: webhook, url: '%s', on: [attention]}]".formatted(hook.url("/")));
      service.startWorker();
      Cli cli = service.cli(folder);
      Cli.Result waits = cli.run("run", "spec.yaml");
      assertThat(waits.exitCode()).as("%s", waits).isEqualTo(3);
      Cli.Result failures = cli.run("failures", "full");
      assertThat(failures.out())
          .as("%s", failures)
          .contains(
              "EXPORT p0",
              "[RESOURCE_EXHAUSTED] the disk of the archives is nearly full, and the export stops"
                  + " before it is: ",
              "are free for " + archives + ", and a part is begun with ",
              "the migration goes on by itself, or retry.")
          .doesNotContain("[BUG]", "[ARCHIVE_DAMAGED]", "no space left");
      assertThat(archives.toFile().getUsableSpace()).isGreaterThan(SIZE / 20);
      assertThat(service.client().status("full").state())
          .isEqualTo(MigrationStatus.State.NEEDS_ATTENTION);
      Cli.await("somebody is told", () -> !hook.received().isEmpty());
      assertThat(hook.received().get(0).body())
          .contains("RESOURCE_EXHAUSTED", "the disk of the archives is nearly full");

      assertThat(command("mount", "-o", "remount,size=100m", archives.toString())).isTrue();
      service.await("full", MigrationStatus.State.FINISHED);
      assertThat(cli.run("watch", "full").exitCode()).isZero();
      FaissFolder.assertSame(folder.resolve("source"), folder.resolve("target"));
      assertThat(cli.run("report", "full", "--markdown").out())
          .containsPattern(
              "\\| vecferry \\| retry.* \\| 1?\\d\\d MB are free for the archives again");
    }
  }

  /** The disk that the archive moves to; that of the archive has room. */
  @Test
  void anArchiveThatDoesNotFitElsewhereStays() throws IOException, InterruptedException {
    assertThat(command("mount", "-o", "remount,size=100m", archives.toString())).isTrue();
    Path cold = Files.createDirectories(archives.resolve("cold"));
    assertThat(command("mount", "-t", "tmpfs", "-o", "size=500k", "vecferry-test", cold.toString()))
        .isTrue();
    FaissFolder.write(folder.resolve("source"), ROWS, 16);
    Specs.write(folder, "full", "export: {partRows: 1000}\narchive: {moveTo: cold}");
    Cli cli = Cli.in(folder).with("VECFERRY_ARCHIVE", archives.toString());
    Cli.Result waits = cli.run("run", "spec.yaml");
    assertThat(waits.exitCode()).as("%s", waits).isEqualTo(3);
    assertThat(waits.err()).contains("[RESOURCE_EXHAUSTED]", "no space left to write " + cold);
    String old = archives.resolve("full").toString();
    Cli.Result verified = cli.run("archive", "verify", old);
    assertThat(verified.exitCode()).as("%s", verified).isZero();

    assertThat(command("mount", "-o", "remount,size=100m", cold.toString())).isTrue();
    Cli.Result again = cli.run("run", "spec.yaml");
    assertThat(again.exitCode()).as("%s", again).isZero();
    assertThat(cli.run("archive", "verify", old).exitCode()).isZero();
    assertThat(Snapshot.of(archives.resolve("full"))).containsOnlyKeys("", "moved.json");
    FaissFolder.assertSame(folder.resolve("source"), folder.resolve("target"));
  }

  private static boolean command(String... words) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(words)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    return process.waitFor(30, TimeUnit.SECONDS) && process.exitValue() == 0;
  }
}
