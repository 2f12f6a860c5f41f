package io.vecferry.phase;

import static org.assertj.core.api.Assertions.as;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.STRING;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.vecferry.archive.place.ArchiveRoot;
import io.vecferry.plan.FailureClass;
import io.vecferry.spec.MigrationSpec;
import io.vecferry.spec.SpecProblem;
import io.vecferry.spec.SpecReader;
import io.vecferry.spec.StoreSpec;
import io.vecferry.store.StoreException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConnectionsTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String DEFINED =
      """
      {"connections": {
         "prod-es": {"type": "elasticsearch", "url": "https://es.internal:9200",
                     "auth": {"apiKey": "env:ES_KEY"}, "options": {"caFile": "/etc/es.pem"}},
         "files": {"type": "faiss", "path": "%s"}}}
      """;

  @TempDir Path folder;

  private Connections connections(boolean only) throws IOException {
    Path files = Files.createDirectories(folder.resolve("files"));
    JsonNode document = JSON.readTree(DEFINED.formatted(files));
    if (only) {
      ((com.fasterxml.jackson.databind.node.ObjectNode) document).put("connectionsOnly", true);
    }
    List<SpecProblem> problems = new ArrayList<>();
    Connections connections =
        Connections.read(document, ArchiveRoot.of(folder.resolve("archives")), problems);
    assertThat(problems).isEmpty();
    return connections;
  }

  private static JsonNode spec(String source) throws IOException {
    return JSON.readTree(
        "{\"name\":\"m\",\"source\":"
            + source.replace('\'', '"')
            + ",\"target\":{\"connection\":\"files\",\"path\":\"new\"}}");
  }

  private static List<String> problems(Connections connections, String source) throws IOException {
    return SpecCheck.check(spec(source), connections).stream().map(SpecProblem::toString).toList();
  }

  @Test
  void aSpecMayNotSendSecretsByNotifications() throws IOException {
    JsonNode document =
        JSON.readTree(
            """
            {"name": "m",
             "source": {"connection": "prod-es", "collection": "products"},
             "target": {"connection": "files", "path": "new"},
             "notify": [{"type": "webhook", "url": "https://elsewhere.example.com",
                         "auth": {"bearer": "env:ES_KEY"}}]}
            """);
    assertThat(SpecCheck.check(document, connections(false))).isEmpty();
    assertThat(SpecCheck.check(document, connections(true)))
        .extracting(SpecProblem::toString)
        .singleElement(as(STRING))
        .startsWith("notify: is not taken from a spec on this worker (connectionsOnly)");
    connections(false).requireNotifications();
    Connections limited = connections(true);
    assertThatThrownBy(limited::requireNotifications).hasMessageContaining("connectionsOnly");
  }

  @Test
  void aNamedStoreIsWhatTheWorkerSays() throws IOException {
    JsonNode document =
        spec(
            "{'connection':'prod-es','collection':'products','options':{'timeoutSeconds':5},'metric':'cosine'}");
    assertThat(SpecCheck.check(document)).isEmpty();
    assertThat(SpecCheck.check(document, connections(true))).isEmpty();

    MigrationSpec asWritten = SpecReader.read(document).spec();
    assertThat(asWritten.source().address()).isEqualTo("connection prod-es products");
    MigrationSpec spec = connections(false).resolve(asWritten);
    StoreSpec source = spec.source();
    assertThat(source.type()).isEqualTo("elasticsearch");
    assertThat(source.metric()).isEqualTo("cosine");
    assertThat(source.settings())
        .isEqualTo(
            JSON.readTree(
                """
                {"type": "elasticsearch", "url": "https://es.internal:9200", "collection": "products",
                 "auth": {"apiKey": "env:ES_KEY"}, "metric": "cosine",
                 "options": {"caFile": "/etc/es.pem", "timeoutSeconds": 5}}
                """));
    assertThat(spec.target().settings().path("path").asText())
        .isEqualTo(folder.resolve("files/new").toString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{'connection':'prod-se','collection':'c'} | source.connection: \"prod-se\" is not defined"
            + " on this worker. Did you mean 'prod-es'?",
        "{'connection':'prod-es','collection':'c','url':'http://attacker:1'} | source.url: is for"
            + " the connection prod-es to say",
        "{'connection':'prod-es','collection':'c','auth':{'bearer':'env:HOME'}} | source.auth: is"
            + " for the connection prod-es to say",
        "{'connection':'prod-es','collection':'c','options':{'caFile':'/tmp/own.pem'}} |"
            + " source.options.caFile: is for the connection",
        "{'connection':'prod-es','collection':'c','options':{'clientKey':'/etc/key.pem'}} |"
            + " source.options.clientKey: is for the connection",
        "{'connection':'prod-es','type':'qdrant','collection':'c'} | source.type: is elasticsearch"
            + " in the connection prod-es",
        "{'connection':'prod-es'} | source.collection: is missing",
        "{'connection':'prod-es','collection':'c','colour':'red'} | source.colour: is not a known"
            + " key of this store",
        "{'connection':'files','path':'../archives'} | source.path: must be relative to the folder"
            + " of its connection",
        "{'connection':'files','path':'/etc'} | source.path: must be relative to the folder of its"
            + " connection",
        "{'connection':'files','path':'a','options':{'metadata':'../../x.csv'}} |"
            + " source.options.metadata: must be in the folder of the index",
        "{'connection':'files','path':'a','options':{'indexName':'/x'}} | source.options.indexName:"
            + " must be in the folder of the index"
      })
  void aSpecDoesNotReachBeyondItsConnection(String source, String problem) throws IOException {
    for (boolean only : new boolean[] {false, true}) {
      assertThat(problems(connections(only), source))
          .singleElement()
          .asString()
          .startsWith(problem);
    }
    MigrationSpec spec = SpecReader.read(spec(source)).spec();
    if (!problem.contains("source.col")) {
      assertThatThrownBy(() -> connections(false).resolve(spec))
          .hasMessageContaining(problem)
          .isInstanceOfSatisfying(
              StoreException.class,
              e -> assertThat(e.failureClass()).isEqualTo(FailureClass.INCOMPATIBLE));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{'type':'chroma','url':'http://h:1','collection':'c'} | source.url",
        "{'type':'faiss','path':'/data'} | source.path",
        "{'type':'archive','path':'/elsewhere/products'} | source.path",
        "{'type':'archive','path':'ARCHIVES/../x'} | source.path"
      })
  void aWorkerMayTakeNamesOnly(String source, String field) throws IOException {
    String inFolder = source.replace("ARCHIVES", folder.resolve("archives").toString());
    assertThat(problems(connections(false), inFolder)).isEmpty();
    assertThat(problems(connections(true), inFolder))
        .singleElement()
        .asString()
        .startsWith(field + ": is not taken from a spec on this worker (connectionsOnly)")
        .contains("Known here: files, prod-es");
  }

  @Test
  void archivesOfTheWorkerMayAlwaysBeRead() throws IOException {
    assertThat(
            problems(
                connections(true),
                "{'type':'archive','path':'" + folder.resolve("archives/products") + "'}"))
        .isEmpty();
  }

  @Test
  void aLinkLeadsNowhereElse() throws IOException {
    Files.createDirectories(folder.resolve("files"));
    Files.createSymbolicLink(folder.resolve("files/out"), folder);
    assertThat(problems(connections(false), "{'connection':'files','path':'out/x'}"))
        .singleElement()
        .asString()
        .startsWith("source.path: must be relative to the folder of its connection");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{} | connections: must be an object of stores by name",
        "{'connections':{},'only':true} | only: is not a known key. Known here: connections,"
            + " connectionsOnly.",
        "{'connections':{},'connectionsOnly':'yes'} | connectionsOnly: must be true or false.",
        "{'connections':{'a b':{'type':'faiss','path':'/x'}}} | connections.a b: is no name",
        "{'connections':{'a':'faiss'}} | connections.a: must be an object with type and url, or"
            + " path.",
        "{'connections':{'a':{'type':'milvos'}}} | connections.a.type: must be one of",
        "{'connections':{'a':{'type':'chroma'}}} | connections.a.url: is missing.",
        "{'connections':{'a':{'type':'chroma','url':'http://h:1','auth':{'token':'hush-123'}}}} |"
            + " connections.a.auth.token: must say where",
        "{'connections':{'a':{'type':'chroma','url':'http://h:1','metric':'l2'}}} |"
            + " connections.a.metric: is not a known key"
      })
  void aFileThatIsWrongSaysWhere(String line) throws IOException {
    String[] words = line.replace('\'', '"').split(" \\| ");
    List<SpecProblem> problems = new ArrayList<>();
    Connections.read(JSON.readTree(words[0]), ArchiveRoot.of(folder), problems);
    assertThat(problems)
        .singleElement()
        .satisfies(problem -> assertThat(problem.toString()).startsWith(words[1]))
        .satisfies(problem -> assertThat(problem.toString()).doesNotContain("hush"));
  }

  @Test
  void withoutConnectionsTheErrorSaysHowToGiveThem() throws IOException {
    assertThat(problems(Connections.none(), "{'connection':'prod-es','collection':'c'}"))
        .contains(
            "source.connection: \"prod-es\" is not defined on this worker. Start it with"
                + " --connections FILE, or write the store into the spec.");
  }
}
