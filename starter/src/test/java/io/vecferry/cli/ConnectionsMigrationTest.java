package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Migrations between stores that only the worker knows. */
@Tag("slow")
@Timeout(180)
class ConnectionsMigrationTest {
  private static final String NAMED =
      """
      name: named
      source: {connection: here, path: source}
      target: {connection: there, path: target}
      quality: {sampleSize: 10, iterations: 1}
      """;

  @TempDir Path folder;
  @TempDir Path here;
  @TempDir Path there;

  private Path connections;

  @BeforeEach
  void define() {
    FaissFolder.write(here.resolve("source"), 100, 4);
    connections =
        Specs.writeText(
            folder.resolve("connections.yaml"),
            """
            connectionsOnly: true
            connections:
              here: {type: faiss, path: "%s"}
              there: {type: faiss, path: "%s"}
            """
                .formatted(here, there));
  }

  @Test
  void theWorkerKnowsWhereTheStoresAre() throws Exception {
    Path spec = Specs.writeText(folder.resolve("named.yaml"), NAMED);
    try (Service service = Service.start(folder)) {
      service.startWorker("--connections", connections.toString());
      Cli.Result done = service.cli(folder).run("run", spec.toString());
      assertThat(done.exitCode()).as("%s", done).isZero();
      FaissFolder.assertSame(here.resolve("source"), there.resolve("target"));
      assertThat(
              service
                  .rawClient()
                  .fetchHistory("migration-named")
                  .getHistory()
                  .getEvents(0)
                  .toByteString()
                  .toString(StandardCharsets.UTF_8))
          .contains("\"connection\":\"here\"")
          .doesNotContain(here.toString());
      assertThat(Files.readString(folder.resolve("archives/named/spec.json")))
          .doesNotContain(here.toString());

      // A client that checks nothing does not get further either.
      service
          .client()
          .start(
              new YAMLMapper()
                  .readTree(
                      """
                      name: inline
                      source: {type: chroma, url: "http://attacker:1", collection: c, auth: {token: "file:/etc/hostname"}}
                      target: {connection: there, path: ../elsewhere}
                      """));
      assertThatThrownBy(() -> service.client().awaitResult("inline"))
          .hasStackTraceContaining("InvalidMigrationSpec")
          .hasStackTraceContaining(
              "source.url: is not taken from a spec on this worker (connectionsOnly). Name a"
                  + " connection. Known here: here, there.")
          .hasStackTraceContaining("source.auth: is not taken from a spec on this worker")
          .hasStackTraceContaining(
              "target.path: must be relative to the folder of its connection and below it, got"
                  + " \"../elsewhere\".");
    }
  }

  @Test
  void commandsKnowThemToo() {
    Path spec = Specs.writeText(folder.resolve("named.yaml"), NAMED);
    Cli cli = Cli.in(folder);
    assertThat(cli.run("validate", spec.toString()).exitCode()).isZero();
    Cli.Result unknown = cli.run("plan", spec.toString());
    assertThat(unknown.exitCode()).as("%s", unknown).isEqualTo(1);
    assertThat(unknown.err())
        .contains(
            "source.connection: \"here\" is not defined on this worker. Start it with --connections"
                + " FILE");

    Cli knowing = cli.with("VECFERRY_CONNECTIONS", connections.toString());
    Cli.Result planned = knowing.run("plan", spec.toString());
    assertThat(planned.exitCode()).as("%s", planned).isZero();
    assertThat(planned.out()).contains(here.resolve("source").toString());
    Cli.Result done = knowing.run("run", spec.toString());
    assertThat(done.exitCode()).as("%s", done).isZero();
    FaissFolder.assertSame(here.resolve("source"), there.resolve("target"));

    // An archive from elsewhere is refused, one of its own is not.
    Path restore =
        Specs.writeText(
            folder.resolve("restore.yaml"),
            "name: restored\ntarget: {connection: there, path: restored}\n");
    Cli.Result foreign =
        knowing.run(
            "archive",
            "restore",
            "vecferry-archive/named",
            restore.toString(),
            "--archive",
            "elsewhere");
    assertThat(foreign.exitCode()).as("%s", foreign).isEqualTo(1);
    assertThat(foreign.err())
        .contains("source.path: is not taken from a spec", "below its folder of all archives");
    Cli.Result restored =
        knowing.run("archive", "restore", "vecferry-archive/named", restore.toString());
    assertThat(restored.exitCode()).as("%s", restored).isZero();
  }

  @Test
  void aFileThatIsWrongSaysWhere() {
    Path wrong =
        Specs.writeText(
            folder.resolve("wrong.yaml"), "connections: {a: {type: qdrant, uri: \"http://h:1\"}}");
    Cli.Result refused =
        Cli.in(folder).run("plan", "--connections", wrong.toString(), connections.toString());
    assertThat(refused.exitCode()).as("%s", refused).isEqualTo(1);
    assertThat(refused.err())
        .contains(
            "wrong.yaml has 2 problems", "connections.a.url: is missing", "connections.a.uri");
  }
}
