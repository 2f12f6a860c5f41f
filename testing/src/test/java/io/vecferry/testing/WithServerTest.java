package io.vecferry.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@WithServer(Server.CHROMA)
class WithServerTest {
  private static final String COLLECTIONS =
      "/api/v2/tenants/default_tenant/databases/default_database/collections";

  @WithServer(value = Server.CHROMA, instance = "field")
  static RunningServer own;

  private final HttpClient http = HttpClient.newHttpClient();

  @Test
  void sharedServerAnswersAndIsNotForKilling(RunningServer shared) throws Exception {
    assertThat(get(shared, "/api/v2/heartbeat").statusCode()).isEqualTo(200);
    assertThat(shared.name()).isEqualTo("chroma");
    assertThat(shared.url()).isNotEqualTo(own.url());
    assertThatThrownBy(shared::kill).hasMessageContaining("instance");
    assertThat(ProcessHandle.of(shared.pid())).isPresent();
  }

  @Test
  void killedServerComesBackWithItsDataAtItsAddress() throws Exception {
    String url = own.url();
    long pid = own.pid();
    HttpRequest create =
        HttpRequest.newBuilder(URI.create(url + COLLECTIONS))
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString("{\"name\": \"kept\", \"get_or_create\": true}"))
            .build();
    assertThat(http.send(create, BodyHandlers.ofString()).statusCode()).isEqualTo(200);

    own.kill();
    assertThatThrownBy(() -> get(own, "/api/v2/heartbeat")).isInstanceOf(IOException.class);

    own.restart();
    assertThat(own.url()).isEqualTo(url);
    assertThat(own.pid()).isNotEqualTo(pid);
    assertThat(get(own, COLLECTIONS).body()).contains("\"kept\"");
    assertThat(Files.readString(own.log()).split("== chroma")).hasSize(3);

    own.restart();
    assertThat(get(own, COLLECTIONS).statusCode()).isEqualTo(200);
  }

  @Test
  void processIsThereUntilItsLastThreadHasEnded() throws Exception {
    Process python =
        new ProcessBuilder(
                "setsid",
                "python3",
                "-c",
                """
                import ctypes, sys, threading
                threading.Thread(target=sys.stdin.read).start()
                print("started", flush=True)
                ctypes.CDLL(None).pthread_exit(None)
                """)
            .start();
    try (BufferedReader out = python.inputReader()) {
      assertThat(out.readLine()).isEqualTo("started");
      Path stat = Path.of("/proc/" + python.pid() + "/stat");
      await(() -> Files.readString(stat).contains(") Z "));
      assertThat(groupHasMembers(python.pid())).isTrue();
    } finally {
      python.destroyForcibly().waitFor();
    }
    assertThat(groupHasMembers(python.pid())).isFalse();
  }

  private static boolean groupHasMembers(long group) throws Exception {
    return new ProcessBuilder(
                "bash", "-c", ". ../deploy/local/library.sh; group \"$0\"", Long.toString(group))
            .inheritIO()
            .start()
            .waitFor()
        == 0;
  }

  private static void await(Callable<Boolean> condition) throws Exception {
    long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (!condition.call()) {
      assertThat(System.nanoTime()).as("deadline").isLessThan(end);
      Thread.sleep(10);
    }
  }

  @Test
  void parameterNamesItsServer(
      @WithServer(value = Server.CHROMA, instance = "field") RunningServer same) {
    assertThat(same).isSameAs(own);
  }

  @Test
  void missingServerSkipsTestsUnlessTheyMustRun(@TempDir Path folder) throws IOException {
    Path up = Files.writeString(folder.resolve("up"), "#!/bin/sh\necho no Python >&2\nexit 1\n");
    assertThat(up.toFile().setExecutable(true)).isTrue();
    Launchers launchers = new Launchers(folder);
    assertThatThrownBy(() -> RunningServer.start(launchers, Server.CHROMA, ""))
        .isInstanceOf(ServerUnavailableException.class)
        .hasMessageEndingWith("no Python");

    ServerUnavailableException problem = new ServerUnavailableException("no Python");
    assertThat(ServerExtension.unavailable(problem, false).isDisabled()).isTrue();
    assertThat(ServerExtension.unavailable(problem, false).getReason()).hasValue("no Python");
    assertThatThrownBy(() -> ServerExtension.unavailable(problem, true)).hasMessage("no Python");
  }

  @Test
  void everyLauncherHasAServer() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("../deploy/local/servers"))) {
      assertThat(
              files
                  .map(file -> file.getFileName().toString())
                  .filter(name -> name.endsWith(".sh"))
                  .map(name -> name.substring(0, name.length() - 3)))
          .containsExactlyInAnyOrderElementsOf(
              Stream.of(Server.values()).map(Server::launcherName).toList());
    }
  }

  private HttpResponse<String> get(RunningServer server, String path) throws Exception {
    return http.send(
        HttpRequest.newBuilder(URI.create(server.url() + path)).build(), BodyHandlers.ofString());
  }
}
