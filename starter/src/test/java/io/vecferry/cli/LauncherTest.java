package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The script {@code vecferry} with a Java that only notes how it is called. */
class LauncherTest {
  @TempDir Path folder;

  private Path launcher;
  private Path calls;

  @BeforeEach
  void install() throws IOException {
    Path home = Files.createDirectories(folder.resolve("home"));
    launcher = executable(home.resolve("vecferry"), Files.readString(Path.of("../vecferry")));
    Path build = Files.createDirectories(home.resolve("starter/target"));
    Files.writeString(build.resolve("classpath"), "vecferry.jar");
    calls = folder.resolve("calls");
    Path jdk = Files.createDirectories(folder.resolve("jdk"));
    Files.writeString(jdk.resolve("release"), "JAVA_VERSION=\"17.0.1\"\n");
    executable(
        Files.createDirectories(jdk.resolve("bin")).resolve("java"),
        """
        #!/bin/sh
        echo "$*" >>"%s"
        for argument; do
          case $argument in -XX:ArchiveClassesAtExit=*) : >"${argument#*=}" ;; esac
        done
        """
            .formatted(calls));
  }

  @Test
  void archiveOfClassesIsMadeOnceWhereverItIsCalledFrom() throws Exception {
    start(Files.createDirectories(folder.resolve("here")), "stores");
    start(Files.createDirectories(folder.resolve("there")), "run", "spec.yaml");
    List<String> lines = Files.readAllLines(calls);
    assertThat(lines).hasSize(3);
    assertThat(lines.get(0)).contains("-XX:ArchiveClassesAtExit=").contains(".ClassArchive ");
    assertThat(lines.get(1)).contains("-XX:SharedArchiveFile=").endsWith(".Vecferry stores");
    assertThat(lines.get(2)).contains("-XX:SharedArchiveFile=").endsWith(".Vecferry run spec.yaml");
  }

  @Test
  void anotherJdkHasAnArchiveOfItsOwn() throws Exception {
    start(folder, "stores");
    Files.writeString(folder.resolve("jdk/release"), "JAVA_VERSION=\"25\"\n");
    start(folder, "stores");
    List<String> lines = Files.readAllLines(calls);
    assertThat(lines).hasSize(4);
    assertThat(lines.get(3)).contains("--enable-native-access=ALL-UNNAMED");
  }

  private void start(Path from, String... arguments) throws Exception {
    ProcessBuilder builder = new ProcessBuilder(launcher.toString());
    builder.command().addAll(List.of(arguments));
    builder.environment().put("JAVA_HOME", folder.resolve("jdk").toString());
    builder.directory(from.toFile()).inheritIO();
    assertThat(builder.start().waitFor()).isZero();
  }

  private static Path executable(Path file, String text) throws IOException {
    Files.writeString(file, text);
    assertThat(file.toFile().setExecutable(true)).isTrue();
    return file;
  }
}
