package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.vecferry.phase.SpecCheck;
import io.vecferry.spec.SpecKey;
import io.vecferry.spec.SpecKeys;
import io.vecferry.store.StoreOption;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.Stores;
import io.vecferry.testing.SpecSchemaFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The schema and the reference of the documentation say what the code reads; {@code
 * -Dvecferry.writeSchema=true} writes the schema anew.
 */
class SpecSchemaTest {
  private static final Path REFERENCE = Path.of("../docs/spec.md");
  private static final Pattern YAML = Pattern.compile("(?ms)^```yaml\n(.*?)^```$");
  private static final ObjectMapper JSON = new ObjectMapper();

  private final SpecSchemaFile schema = SpecSchemaFile.read();

  @Test
  void publishedSchemaIsThatOfTheCode() throws IOException {
    String now =
        JSON.writerWithDefaultPrettyPrinter()
                .writeValueAsString(SpecSchema.make(SpecTables.read(REFERENCE)))
            + "\n";
    if (Boolean.getBoolean("vecferry.writeSchema")) {
      Files.writeString(SpecSchemaFile.PATH, now);
    }
    assertThat(SpecSchemaFile.PATH)
        .as("written anew by -Dvecferry.writeSchema=true")
        .hasContent(now);
  }

  @Test
  void theReferenceHasEveryKeyAndNoOther() throws IOException {
    Map<String, SpecTables.Row> rows = SpecTables.read(REFERENCE);
    TreeSet<String> written = new TreeSet<>(rows.keySet());
    List<String> wrong = new ArrayList<>();
    for (SpecKey key : SpecKeys.all()) {
      boolean holdsKeys =
          key.kind() == SpecKey.Kind.SECTION
              && SpecKeys.all().stream().anyMatch(one -> one.parent().equals(key.path()));
      if (!holdsKeys) {
        String path = key.path().replaceFirst("^(source|target)\\.", "store.");
        written.remove(path);
        compare(path, rows.get(path), key.defaultValue(), key.required(), key.allowed(), wrong);
      }
    }
    for (StoreProvider store : Stores.all()) {
      for (StoreOption option : store.options()) {
        // Of Elasticsearch another word for a key, which its row names.
        String path = store.type() + "." + option.path();
        SpecTables.Row row = rows.get(path);
        if (!option.path().equals("scrollSize")) {
          written.remove(path);
          compare(path, row, option.defaultValue(), option.required(), option.allowed(), wrong);
        }
      }
    }
    written.removeIf(path -> path.matches("[a-z]+\\.index\\.(type|params\\.\\w+)"));
    assertThat(wrong).isEmpty();
    assertThat(written).as("rows about keys that nobody reads").isEmpty();
  }

  private static void compare(
      String path,
      SpecTables.Row row,
      String defaultValue,
      boolean required,
      List<String> allowed,
      List<String> wrong) {
    if (row == null) {
      wrong.add(path + " has no row");
      return;
    }
    if (required && !row.defaultValue().startsWith("required")) {
      wrong.add(path + " is required, the row says " + row.defaultValue());
    }
    if (!defaultValue.isEmpty() && !row.defaultValue().contains(plain(defaultValue))) {
      wrong.add(path + " is " + defaultValue + " by itself, the row says " + row.defaultValue());
    }
    for (String word : allowed) {
      if (!row.text().contains(word)) {
        wrong.add(path + " may be " + word + ", of which the row says nothing");
      }
    }
  }

  private static String plain(String number) {
    return number.replaceFirst("\\.0$", "");
  }

  /** Documents that the reader takes, in spellings of all kinds. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "'source': {'type': 'FAISS', 'path': 'a', 'options': {'allowLossy': true}}",
        "'source': {'store_type': 'chroma', 'url': 'http://h:1', 'collection_name': 'c'}",
        "'source': {'type': 'elasticsearch', 'url': 'http://h:1', 'index': 'c', 'scrollSize': '5m'}",
        "'source': {'connection': 'samples', 'path': 'a', 'anything': 1}",
        "'source': {'type': 'archive', 'path': 'a'}",
        "'target': {'type': 'milvus', 'url': 'http://h:1', 'collection': 'c', 'metric_type': 'L2',"
            + " 'vector_size': 3, 'index_type': 'HNSW', 'params': {'M': 16}, 'ifExists': 'Replace'}",
        "'target': {'type': 'qdrant', 'url': 'http://h:1', 'collection': 'c', 'index_config':"
            + " {'index_type': 'HNSW', 'metric_type': 'COSINE'}, 'partition_key': 'k'}",
        "'export': {'batch_size': 10, 'partRows': 'auto', 'parallelism': 4}, 'import': null",
        "'validation': {'mode': 'SAMPLE', 'sample_size': 5}, 'quality': {'queries': null}",
        "'schedule': {'cutoverWindows': [{'time_zone': 'UTC', 'start': '02:00', 'duration': '4h',"
            + " 'weekdays': ['Sat']}]}",
        "'notify': [{'type': 'Slack', 'url': 'env:S', 'on': ['Attention']}]",
      })
  void whatTheReaderTakesIsValid(String keys) throws IOException {
    JsonNode document = document(keys);
    assertThat(SpecCheck.check(document)).isEmpty();
    assertThat(schema.problems(document)).isEmpty();
  }

  /** And such that it does not take. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "'source': {'type': 'fais', 'path': 'a'} | source.type",
        "'source': {'path': 'a'} | source.type",
        "'source': {'type': 'faiss'} | source.path",
        "'source': {'type': 'faiss', 'path': 'a', 'url': 'http://h'} | source.url",
        "'source': {'type': 'faiss', 'path': 'a', 'options': {'allowlossy': true}} |"
            + " source.options.allowlossy",
        "'source': {'type': 'chroma', 'url': 'http://h:1'} | source.collection",
        "'source': {'type': 'chroma', 'url': 'http://a:b@h:1', 'collection': 'c'} | source.url",
        "'source': {'type': 'milvus', 'url': 'http://h', 'collection': 'c', 'auth':"
            + " {'token': 'user:password'}} | source.auth.token",
        "'source': {'type': 'elasticsearch', 'url': 'http://h:1'} | source.collection",
        "'target': {'type': 'archive', 'path': 'a'} | target.type",
        "'target': {'type': 'faiss', 'path': 'a', 'metric': 'l3'} | target.metric",
        "'target': {'type': 'faiss', 'path': 'a', 'index': [1]} | target.index",
        "'target': {'type': 'faiss', 'path': 'a', 'options': {'layout': 'x'}} | target.options.layout",
        "'import': {'parallelism': 4} | import.parallelism",
        "'import': {'validate': false} | import.validate",
        "'archive': {'moveTo': '../up'} | archive.moveTo",
        "'archive': {'deleteOldCollectionAfter': '3w'} | archive.deleteOldCollectionAfter",
        "'schedule': {'cutoverWindows': [{'timeZone': 'UTC', 'start': '2:00', 'duration': '4h'}]} |"
            + " schedule.cutoverWindows[0].start",
        "'notify': [{'type': 'email', 'from': 'a@b', 'to': ['a@b']}] | notify[0].host",
        "'name': '../x' | name",
      })
  void whatTheReaderRefusesIsNot(String keys, String field) throws IOException {
    JsonNode document = document(keys);
    assertThat(SpecCheck.check(document)).extracting(problem -> problem.field()).contains(field);
    assertThat(schema.problems(document)).isNotEmpty();
  }

  /** Of specs in the documentation, those that are a part of one are put into a whole one. */
  @TestFactory
  Stream<DynamicTest> specsOfExamplesAndDocs() throws IOException {
    List<DynamicTest> tests = new ArrayList<>();
    for (Path file : files("examples", ".yaml")) {
      String text = Files.readString(file);
      add(tests, Cli.home().relativize(file).toString(), text);
      // Of a spec that is to be completed by a command, an editor would say that it is not
      // complete.
      if (text.contains("\nsource:")) {
        assertThat(text)
            .startsWith("# yaml-language-server: $schema=../../docs/spec.schema.json\n");
      }
    }
    for (Path page : files("docs", ".md")) {
      Matcher block = YAML.matcher(Files.readString(page));
      for (int i = 1; block.find(); i++) {
        add(tests, page.getFileName() + ", block " + i, block.group(1));
      }
    }
    assertThat(tests).hasSizeGreaterThan(8);
    return tests.stream();
  }

  private void add(List<DynamicTest> tests, String name, String text) throws IOException {
    JsonNode written = new YAMLMapper().readTree(text);
    if (!written.has("connections")) {
      tests.add(DynamicTest.dynamicTest(name, () -> isRight((ObjectNode) written)));
    }
  }

  private void isRight(ObjectNode written) throws IOException {
    ObjectNode document = document("");
    document.setAll(written);
    assertThat(SpecCheck.check(document)).isEmpty();
    assertThat(schema.problems(document)).isEmpty();
  }

  private static List<Path> files(String folder, String ending) throws IOException {
    try (Stream<Path> files = Files.walk(Cli.home().resolve(folder))) {
      return files.filter(file -> file.toString().endsWith(ending)).sorted().toList();
    }
  }

  private static ObjectNode document(String keys) throws IOException {
    ObjectNode document =
        (ObjectNode)
            JSON.readTree(
                """
                {"name": "m", "source": {"type": "faiss", "path": "a"},
                 "target": {"type": "faiss", "path": "b"}}
                """);
    document.setAll((ObjectNode) JSON.readTree("{" + keys.replace('\'', '"') + "}"));
    return document;
  }
}
