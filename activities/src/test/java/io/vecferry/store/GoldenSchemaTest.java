package io.vecferry.store;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vecferry.plan.Finding;
import io.vecferry.plan.RecordProfile;
import io.vecferry.record.IdKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * What a server says about the collections that vecferry makes, next to what it said when the files
 * in {@code src/test/resources/schemas} were written. {@code -Dvecferry.renewGoldenSchemas=true}
 * writes them anew; look at the difference before it is committed.
 */
public abstract class GoldenSchemaTest {
  private static final LoadStamp STAMP = new LoadStamp("products", "load-1");
  private static final Path FOLDER = Path.of("src/test/resources/schemas");

  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
          .defaultPrettyPrinter(
              new DefaultPrettyPrinter()
                  .withObjectIndenter(new DefaultIndenter("  ", "\n"))
                  .withArrayIndenter(new DefaultIndenter("  ", "\n")))
          .build();

  /** The provider under test. */
  protected abstract StoreProvider provider();

  /** Settings of a target that is not there; the same for each call in one test. */
  protected abstract StoreSettings settings();

  /** Store and version of the server, as {@code chroma-1.5}. */
  protected abstract String serverName();

  /** What the server says about a collection, without what is another in each run. */
  protected abstract ObjectNode described(String collection);

  /** Settings of the second test, which should say much of what can be said. */
  protected abstract StoreSettings manySettings();

  /** The fields of the second test. */
  protected abstract List<VectorFieldInfo> oddVectors();

  @Test
  void ordinaryRecords() throws IOException {
    RecordProfile profile =
        new RecordProfile(
            1000,
            true,
            36,
            2000,
            300,
            1,
            1,
            List.of(
                new RecordProfile.Key("category", 1000, List.of("text"), 20),
                new RecordProfile.Key("price", 1000, List.of("integer", "number"), 8),
                new RecordProfile.Key("stock", 1000, List.of("integer"), 6),
                new RecordProfile.Key("active", 990, List.of("boolean"), 5),
                new RecordProfile.Key("tags", 500, List.of("array"), 60),
                new RecordProfile.Key("maker", 500, List.of("object", "null"), 90)));
    assertMade(
        "ordinary",
        settings(),
        new LoadSchema(
            List.of(new VectorFieldInfo("", 384, Metric.COSINE, 0, "", Map.of())),
            Set.of(IdKind.STRING),
            "test",
            1000,
            profile,
            Map.of(),
            List.of(new VectorFieldInfo("", 384, Metric.COSINE, 0, "Flat", Map.of()))));
  }

  @Test
  void oddNamesMixedTypesAndManySettings() throws IOException {
    RecordProfile profile =
        new RecordProfile(
            1000,
            false,
            4000,
            1 << 20,
            60_000,
            0,
            12,
            List.of(
                new RecordProfile.Key("a.b", 1000, List.of("integer"), 20),
                new RecordProfile.Key("", 10, List.of("text"), 20),
                new RecordProfile.Key("_id", 10, List.of("text"), 20),
                new RecordProfile.Key("$meta", 10, List.of("text"), 20),
                new RecordProfile.Key("chroma:document", 10, List.of("text"), 20),
                new RecordProfile.Key("_vecferry_id", 10, List.of("text"), 20),
                new RecordProfile.Key("id", 1000, List.of("integer"), 20),
                new RecordProfile.Key("vector", 1000, List.of("number"), 20),
                new RecordProfile.Key("document", 1000, List.of("text"), 20),
                new RecordProfile.Key("größe \uD83D\uDE80", 1000, List.of("number"), 20),
                new RecordProfile.Key("mixed", 1000, List.of("integer", "text", "null"), 20),
                new RecordProfile.Key("nothing", 1000, List.of("null"), 4),
                new RecordProfile.Key("long", 1000, List.of("text"), 100_000)));
    assertMade(
        "odd",
        manySettings(),
        new LoadSchema(
            oddVectors(),
            Set.of(IdKind.values()),
            "test",
            1_000_000,
            profile,
            Map.of(),
            oddVectors()));
  }

  private void assertMade(String what, StoreSettings target, LoadSchema schema) throws IOException {
    StoreSettings load = provider().loadSettings(target, STAMP.migration());
    String collection = load.text("collection").orElseThrow();
    ObjectNode made = JSON.createObjectNode();
    try (VectorStore store = provider().open(load)) {
      assertThat(store.assessLoad(schema))
          .noneMatch(finding -> finding.severity() == Finding.Severity.BLOCKING);
      store.create(schema, STAMP);
      made.set("loading", described(collection));
      store.finishLoad(List.of(), STAMP);
      made.set("finished", described(collection));
    }
    String actual =
        JSON.writeValueAsString(JSON.treeToValue(made, Map.class))
                .replace(collection, "COLLECTION")
                .replace(target.text("collection").orElseThrow(), "COLLECTION")
            + "\n";
    Path golden = FOLDER.resolve(serverName()).resolve(what + ".json");
    if (Boolean.getBoolean("vecferry.renewGoldenSchemas")) {
      Files.createDirectories(golden.getParent());
      Files.writeString(golden, actual);
    }
    assertThat(golden).exists().usingCharset("UTF-8").hasContent(actual);
  }

  /** Removes members at paths such as {@code settings/index/uuid}. */
  protected static ObjectNode without(ObjectNode node, String... paths) {
    for (String path : paths) {
      int slash = path.lastIndexOf('/');
      JsonNode parent = slash < 0 ? node : node.at("/" + path.substring(0, slash));
      if (parent instanceof ObjectNode object) {
        object.remove(path.substring(slash + 1));
      }
    }
    return node;
  }
}
