package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import io.vecferry.worker.WorkerProcess;
import io.vecferry.workflow.SearchAttributes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The files in {@code deploy} name commands, options, variables, ports, files and versions that
 * there are. No image is built here, and no cluster is asked.
 */
@Tag("slow")
@Timeout(120)
class DeployTest {
  private static final Path FILES = Cli.home().resolve("deploy");
  private static final Path UNIT = FILES.resolve("systemd/vecferry-worker.service");
  private static final String PORT = "9464";

  /** Longer than a worker that closes its parts may take, and what comes behind that. */
  private static final long STOP_SECONDS = WorkerProcess.GRACE.plusSeconds(15).toSeconds();

  /** Services of the trial, and the files that say which version the tests run. */
  private static final Map<String, String> TESTED =
      Map.of(
          "temporal", "temporal",
          "chroma", "chroma",
          "milvus", "milvus",
          "qdrant", "qdrant",
          "elasticsearch", "elasticsearch-9");

  @TempDir Path folder;

  @Test
  void manifestsFollowTheSchemasOfKubernetes() throws Exception {
    String checked =
        Python.run("check_manifests.py", FILES.resolve("kubernetes/vecferry.yaml").toString());
    assertThat(checked.lines())
        .containsExactly(
            "ConfigMap vecferry",
            "PersistentVolumeClaim vecferry-archive",
            "Deployment vecferry-worker",
            "PodDisruptionBudget vecferry-worker");
  }

  @Test
  void workersAreStartedWithOptionsThatThereAre() throws IOException {
    Dockerfile dockerfile = Dockerfile.read();
    assertThat(dockerfile.words("ENTRYPOINT")).containsExactly("/opt/vecferry/vecferry");
    List<List<String>> commands = new ArrayList<>();
    commands.add(dockerfile.words("CMD"));
    commands.add(texts(container().path("args")));
    List<String> unit = DocsTest.words(setting("ExecStart"));
    assertThat(unit.get(0)).isEqualTo("/opt/vecferry/vecferry");
    commands.add(unit.subList(1, unit.size()));
    for (List<String> command : commands) {
      assertThat(command.get(0)).isEqualTo("worker");
      Vecferry.commandLine().parseArgs(command.toArray(String[]::new));
      assertThat(command.get(command.indexOf("--http") + 1)).endsWith(":" + PORT);
    }
  }

  @Test
  void allNameThePortOfTheMetrics() throws IOException {
    Dockerfile dockerfile = Dockerfile.read();
    assertThat(dockerfile.all("EXPOSE")).containsExactly(PORT);
    assertThat(dockerfile.all("HEALTHCHECK").get(0)).contains("/" + PORT + " ");
    assertThat(container().path("ports").path(0).path("containerPort").asText()).isEqualTo(PORT);
    assertThat(
            deployment()
                .at("/spec/template/metadata/annotations")
                .path("prometheus.io/port")
                .asText())
        .isEqualTo(PORT);
    assertThat(texts(service("worker").path("ports")))
        .containsExactly("127.0.0.1:" + PORT + ":" + PORT);
    assertThat(
            yaml(FILES.resolve("prometheus/prometheus.yaml"))
                .at("/scrape_configs/0/static_configs/0/targets/0")
                .asText())
        .isEqualTo("worker:" + PORT);
  }

  @Test
  void variablesAreReadByTheWorkerOrItsLauncher() throws IOException {
    Set<String> variables = new TreeSet<>();
    service("worker").path("environment").fieldNames().forEachRemaining(variables::add);
    manifest("ConfigMap").path("data").fieldNames().forEachRemaining(variables::add);
    Matcher assigned =
        Pattern.compile("\\b(VECFERRY_\\w+)=")
            .matcher(String.join(" ", Dockerfile.read().all("ENV")) + setting("Environment"));
    while (assigned.find()) {
      variables.add(assigned.group(1));
    }
    assertThat(variables).contains("VECFERRY_ARCHIVE", "TEMPORAL_ADDRESS");
    String known =
        Vecferry.commandLine().getSubcommands().get("worker").getUsageMessage()
            + Files.readString(Cli.home().resolve("vecferry"));
    for (String variable : variables) {
      // That one stands for a secret of somebody's spec.
      if (!variable.equals("QDRANT_API_KEY")) {
        assertThat(known).containsPattern("\\b" + variable + "\\b");
      }
    }
  }

  @Test
  void aWorkerHasTheTimeToEnd() throws IOException {
    assertThat(pod().path("terminationGracePeriodSeconds").asLong())
        .isGreaterThanOrEqualTo(STOP_SECONDS);
    assertThat(Long.parseLong(setting("TimeoutStopSec"))).isGreaterThanOrEqualTo(STOP_SECONDS);
    assertThat(
            Long.parseLong(service("worker").path("stop_grace_period").asText().replace("s", "")))
        .isGreaterThanOrEqualTo(STOP_SECONDS);
  }

  @Test
  void aWorkerHasNoRightsThatItDoesNotNeed() throws IOException {
    String user = Dockerfile.read().all("USER").get(0);
    JsonNode security = pod().path("securityContext");
    assertThat(security.path("runAsNonRoot").asBoolean()).isTrue();
    assertThat(security.path("runAsUser").asText() + ":" + security.path("runAsGroup").asText())
        .isEqualTo(user);
    assertThat(container().path("securityContext").path("readOnlyRootFilesystem").asBoolean())
        .isTrue();
    assertThat(service("worker").path("read_only").asBoolean()).isTrue();
    List<String> written = new ArrayList<>();
    container()
        .path("volumeMounts")
        .forEach(
            mount -> {
              if (!mount.path("readOnly").asBoolean()) {
                written.add(mount.path("mountPath").asText());
              }
            });
    assertThat(written).containsExactlyInAnyOrder("/archive", "/tmp");
  }

  @Test
  void imagesAreOfTheVersionsThatAreTested() throws IOException {
    List<String> images = new ArrayList<>();
    compose().path("services").forEach(service -> images.add(service.path("image").asText()));
    Dockerfile.read().all("FROM").forEach(from -> images.add(from.replaceAll(" AS .*", "")));
    assertThat(images)
        .hasSizeGreaterThan(8)
        .allMatch(image -> image.equals("vecferry:local") || image.matches("[a-z/-]+:v?\\d.+"));
    for (Map.Entry<String, String> tested : TESTED.entrySet()) {
      Matcher version =
          Pattern.compile("(?m)^version=(\\S+)$")
              .matcher(
                  Files.readString(FILES.resolve("local/servers/" + tested.getValue() + ".sh")));
      assertThat(version.find()).isTrue();
      String image = service(tested.getKey()).path("image").asText();
      if (tested.getKey().equals("qdrant")) {
        // The test server has versions of its own, behind those of the engine.
        assertThat(image).contains(":v" + version.group(1).replaceAll("\\.\\d+$", "") + ".");
      } else {
        assertThat(image).matches(".*:v?" + Pattern.quote(version.group(1)));
      }
    }
  }

  @Test
  void theTrialRegistersTheSearchAttributes() throws IOException {
    List<String> registered = new ArrayList<>();
    for (String word : texts(service("temporal").path("command"))) {
      if (word.startsWith("--search-attribute=")) {
        registered.add(word.split("=")[1]);
      }
    }
    assertThat(registered)
        .isEqualTo(SearchAttributes.ALL.stream().map(attribute -> attribute.getName()).toList());
  }

  @Test
  void filesThatAreCopiedOrMountedAreThere() throws IOException {
    for (JsonNode service : compose().path("services")) {
      for (String volume : texts(service.path("volumes"))) {
        Matcher place = Pattern.compile("(?:\\$\\{\\w+:-)?(\\.\\.[^:}]*)}?:.*").matcher(volume);
        if (place.matches()) {
          assertThat(FILES.resolve("docker").resolve(place.group(1))).exists();
        }
      }
    }
    JsonNode build = service("worker").path("build");
    Path context = FILES.resolve("docker").resolve(build.path("context").asText()).normalize();
    assertThat(context).isEqualTo(Cli.home());
    assertThat(context.resolve(build.path("dockerfile").asText())).exists();
    for (String line : Files.readAllLines(FILES.resolve("docker/Dockerfile.dockerignore"))) {
      if (line.startsWith("!") && !line.contains("*")) {
        assertThat(context.resolve(line.substring(1))).exists();
      }
    }
    assertThat(texts(service("grafana").path("volumes")))
        .anyMatch(volume -> volume.contains(":" + dashboardsFolder() + "/vecferry.json:"));
  }

  @Test
  void panelsOfTheDashboardDoNotCoverEachOther() throws IOException {
    Set<Integer> ids = new HashSet<>();
    Set<String> places = new HashSet<>();
    for (JsonNode panel : Expression.dashboard().path("panels")) {
      assertThat(panel.path("title").asText()).isNotBlank();
      assertThat(ids.add(panel.path("id").asInt())).isTrue();
      JsonNode at = panel.path("gridPos");
      assertThat(at.path("x").asInt() + at.path("w").asInt()).isBetween(1, 24);
      for (int x = 0; x < at.path("w").asInt(); x++) {
        for (int y = 0; y < at.path("h").asInt(); y++) {
          assertThat(places.add((at.path("x").asInt() + x) + " " + (at.path("y").asInt() + y)))
              .as(panel.path("title").asText())
              .isTrue();
        }
      }
    }
  }

  @Test
  void systemdUnderstandsTheUnit() throws Exception {
    Path home = Files.createDirectories(folder.resolve("vecferry"));
    Files.copy(Cli.home().resolve("vecferry"), home.resolve("vecferry"));
    assertThat(home.resolve("vecferry").toFile().setExecutable(true)).isTrue();
    Path unit = folder.resolve(UNIT.getFileName());
    Files.writeString(unit, Files.readString(UNIT).replace("/opt/vecferry", home.toString()));
    Path log = folder.resolve("log");
    Process process;
    try {
      process =
          new ProcessBuilder("systemd-analyze", "verify", "--man=no", unit.toString())
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
    } catch (IOException e) {
      assumeTrue(false, "no systemd-analyze: " + e.getMessage());
      return;
    }
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    String said = Files.readString(log);
    assertThat(process.exitValue()).as(said).isZero();
    assertThat(said.lines().filter(line -> line.contains("vecferry-worker"))).isEmpty();
  }

  private static String dashboardsFolder() {
    try {
      return yaml(FILES.resolve("grafana/provisioning/dashboards/vecferry.yaml"))
          .at("/providers/0/options/path")
          .asText();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static JsonNode compose() throws IOException {
    return yaml(FILES.resolve("docker/compose.yaml"));
  }

  private static JsonNode service(String name) throws IOException {
    JsonNode service = compose().path("services").path(name);
    assertThat(service.isMissingNode()).as(name).isFalse();
    return service;
  }

  private static JsonNode deployment() throws IOException {
    return manifest("Deployment");
  }

  private static JsonNode pod() throws IOException {
    return deployment().at("/spec/template/spec");
  }

  private static JsonNode container() throws IOException {
    return pod().path("containers").path(0);
  }

  private static JsonNode manifest(String kind) throws IOException {
    ObjectMapper mapper = new ObjectMapper(new YAMLFactory());
    try (var documents =
        mapper
            .readerFor(JsonNode.class)
            .<JsonNode>readValues(FILES.resolve("kubernetes/vecferry.yaml").toFile())) {
      while (documents.hasNext()) {
        JsonNode manifest = documents.next();
        if (manifest.path("kind").asText().equals(kind)) {
          return manifest;
        }
      }
    }
    throw new AssertionError("no " + kind);
  }

  /** What the unit of systemd sets. */
  private static String setting(String name) throws IOException {
    return Files.readAllLines(UNIT).stream()
        .filter(line -> line.startsWith(name + "="))
        .map(line -> line.substring(name.length() + 1))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no " + name));
  }

  private static JsonNode yaml(Path file) throws IOException {
    return new ObjectMapper(new YAMLFactory()).readTree(file.toFile());
  }

  private static List<String> texts(JsonNode list) {
    List<String> texts = new ArrayList<>();
    list.forEach(node -> texts.add(node.asText()));
    return texts;
  }
}
