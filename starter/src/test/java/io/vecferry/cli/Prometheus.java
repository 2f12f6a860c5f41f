package io.vecferry.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A Prometheus that scrapes one worker each second, with the configuration of {@code deploy}. */
final class Prometheus implements AutoCloseable {
  static final Path FILES = Cli.home().resolve("deploy/prometheus");

  private final HttpClient http = HttpClient.newHttpClient();
  private final ObjectMapper json = new ObjectMapper();
  private final Process process;
  private final String url;

  private Prometheus(Process process, String url) {
    this.process = process;
    this.url = url;
  }

  /** A program of the package of Prometheus; empty where it is not installed. */
  static Optional<Path> program(String name) {
    return Stream.of(System.getenv("PATH").split(":"))
        .map(folder -> Path.of(folder).resolve(name))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /**
   * Starts it.
   *
   * @param folder empty folder for its configuration and data
   * @param worker host and port where a worker serves metrics
   */
  static Prometheus start(Path folder, String worker) throws IOException {
    Path configuration = folder.resolve("prometheus.yaml");
    Files.writeString(
        configuration,
        Files.readString(FILES.resolve("prometheus.yaml"))
            .replace("worker:9464", worker)
            .replace("_interval: 15s", "_interval: 1s"));
    Files.copy(FILES.resolve("alerts.yaml"), folder.resolve("alerts.yaml"));
    String address = "127.0.0.1:" + freePort();
    List<String> command = new ArrayList<>();
    command.add(program("prometheus").orElseThrow().toString());
    command.add("--config.file=" + configuration);
    command.add("--storage.tsdb.path=" + folder.resolve("data"));
    command.add("--web.listen-address=" + address);
    Process process =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("log").toFile())
            .start();
    return new Prometheus(process, "http://" + address);
  }

  /** Whether it has scraped the worker so often that it can tell rates. */
  boolean knowsRates() {
    try {
      return !series("count_over_time(up[1m]) > 2").isEmpty();
    } catch (IOException e) {
      if (!process.isAlive()) {
        throw new AssertionError("Prometheus has ended", e);
      }
      return false;
    }
  }

  /** The series that an expression gives now. */
  JsonNode series(String expression) throws IOException {
    JsonNode answer =
        get("/api/v1/query?query=" + URLEncoder.encode(expression, StandardCharsets.UTF_8));
    if (!answer.path("status").asText().equals("success")) {
      throw new AssertionError(expression + ": " + answer);
    }
    return answer.path("data").path("result");
  }

  /**
   * Names of the alerts whose expression gives something; fails when one cannot be worked out. How
   * full the disk of this machine is, is not asked.
   */
  Set<String> alertsThatHold() {
    Set<String> names = new HashSet<>();
    try {
      for (JsonNode rule :
          get("/api/v1/rules?type=alert").path("data").path("groups").path(0).path("rules")) {
        if (rule.path("health").asText().equals("err")) {
          throw new AssertionError(rule);
        }
        if (!rule.path("state").asText().equals("inactive")) {
          names.add(rule.path("name").asText());
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    names.remove("VecferryDiskLow");
    return names;
  }

  private JsonNode get(String path) throws IOException {
    try {
      HttpRequest request = HttpRequest.newBuilder(URI.create(url + path)).build();
      return json.readTree(http.send(request, BodyHandlers.ofString()).body());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(20, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
