package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every store to every store, by the command line. Collections are filled and read by programs that
 * know nothing of vecferry; what arrives has to be what was there, id by id and bit by bit.
 *
 * <p>What {@code plan} says of each pair is in {@code src/test/resources/plans}; {@code
 * -Dvecferry.renewGoldenPlans=true} writes it anew. Look at the difference before it is committed.
 */
@Timeout(600)
@Tag("slow")
class StoreMatrixTest {
  private static final List<String> STORES =
      List.of("faiss", "chroma", "milvus", "qdrant", "elasticsearch");
  private static final String NEW_ELASTICSEARCH = "elasticsearch-9";
  private static final Path PLANS = Path.of("src/test/resources/plans");
  private static final String RUN = Long.toString(System.nanoTime(), 36);

  private static final Pattern FILTERED =
      Pattern.compile("recall, category = \\w +(no filter|[.\\d]+) +(no filter|[.\\d]+)");

  private static final Duration LONGEST = Duration.ofMinutes(8);

  @TempDir static Path folder;

  @WithServer(Server.CHROMA)
  static RunningServer chroma;

  @WithServer(Server.MILVUS)
  static RunningServer milvus;

  @WithServer(Server.QDRANT)
  static RunningServer qdrant;

  @WithServer(Server.ELASTICSEARCH_8)
  static RunningServer elasticsearch;

  @WithServer(Server.ELASTICSEARCH_9)
  static RunningServer newElasticsearch;

  private static ForeignStores foreign;
  private static final Map<String, String> PLACES = new HashMap<>();
  private static final List<String[]> MADE = new ArrayList<>();

  @BeforeAll
  static void fill() throws Exception {
    foreign = new ForeignStores(folder);
    PLACES.put("faiss", folder.toString());
    PLACES.put("chroma", chroma.url());
    PLACES.put("milvus", milvus.url());
    PLACES.put("qdrant", qdrant.url());
    PLACES.put("elasticsearch", elasticsearch.url());
    PLACES.put(NEW_ELASTICSEARCH, newElasticsearch.url());
    for (String store : stores().toList()) {
      foreign.fill(store, PLACES.get(store), source(store));
      MADE.add(new String[] {store, source(store)});
    }
    migrateAll();
  }

  /** One process for all: starting one for each takes longer than the migrations. */
  private static void migrateAll() throws Exception {
    List<String> commands = new ArrayList<>();
    for (Arguments pair : pairs().toList()) {
      String source = (String) pair.get()[0];
      String target = (String) pair.get()[1];
      String name = source + "-to-" + target;
      String collection = name("from", source);
      Specs.writeText(
          folder.resolve(name + ".yaml"),
          """
          name: %s
          source: %s
          target: %s
          export: {partRows: 100, batchSize: 40}
          quality: {sampleSize: 20, iterations: 1}
          """
              .formatted(name, place(source, source(source)), place(target, collection)));
      commands.add(name + " run " + name + ".yaml");
      MADE.add(new String[] {target, collection});
    }
    runAll(commands);
  }

  private static void runAll(List<String> commands) throws Exception {
    Path list = folder.resolve("commands");
    Files.write(list, commands);
    try (Cli.Running running =
        Cli.in(folder).startMain(ManyCommands.class.getName(), list.toString())) {
      Cli.await("all pairs are migrated", LONGEST, () -> !running.isAlive());
      Cli.Result result = running.await();
      assertThat(result.exitCode()).as("%s", result).isZero();
    }
  }

  @AfterAll
  static void drop() throws Exception {
    for (String[] collection : MADE) {
      foreign.drop(collection[0], PLACES.get(collection[0]), collection[1]);
    }
  }

  static Stream<Arguments> pairs() {
    // Version 9 hides vectors, which matters to what is read from it and to what others see of it.
    Stream<Arguments> versions =
        Stream.of(
            Arguments.of(NEW_ELASTICSEARCH, "faiss"),
            Arguments.of("elasticsearch", NEW_ELASTICSEARCH),
            Arguments.of(NEW_ELASTICSEARCH, NEW_ELASTICSEARCH));
    return Stream.concat(
        STORES.stream()
            .flatMap(source -> STORES.stream().map(target -> Arguments.of(source, target))),
        versions);
  }

  @ParameterizedTest(name = "{0} to {1}")
  @MethodSource("pairs")
  void everyRecordArrivesAsItWas(String source, String target) throws Exception {
    String name = source + "-to-" + target;
    assertThat(ManyCommands.said(folder, name)).startsWith("exit code 0\nMIGRATED: ");
    foreign.assertHolds(target, PLACES.get(target), name("from", source), source(source));
  }

  static Stream<String> stores() {
    return Stream.concat(STORES.stream(), Stream.of(NEW_ELASTICSEARCH));
  }

  @ParameterizedTest
  @MethodSource("stores")
  void noSourceIsTouched(String store) throws Exception {
    foreign.assertHolds(store, PLACES.get(store), source(store), source(store));
  }

  /** Every pair is planned, with a canary on the target. */
  @Test
  void plansSayWhatTheySaidBeforeAndLeaveNothingBehind() throws Exception {
    List<String> commands = new ArrayList<>();
    for (Arguments pair : pairs().toList()) {
      String source = (String) pair.get()[0];
      String target = (String) pair.get()[1];
      String name = planOf(source, target);
      Specs.writeText(
          folder.resolve(name + ".yaml"),
          "name: %s\nsource: %s\ntarget: %s\n"
              .formatted(
                  name, place(source, source(source)), place(target, name("planned", source))));
      commands.add(name + " plan " + name + ".yaml");
    }
    Map<String, List<String>> before = listed();
    runAll(commands);
    assertThat(listed()).isEqualTo(before);
    SoftAssertions plans = new SoftAssertions();
    for (Arguments pair : pairs().toList()) {
      String name = planOf((String) pair.get()[0], (String) pair.get()[1]);
      String said = withoutWhatChanges(ManyCommands.said(folder, name));
      Path golden = PLANS.resolve(name + ".txt");
      if (Boolean.getBoolean("vecferry.renewGoldenPlans")) {
        Files.createDirectories(PLANS);
        Files.writeString(golden, said);
      }
      plans.assertThat(said).as(name).isEqualTo(Files.readString(golden));
    }
    plans.assertAll();
  }

  private static String planOf(String source, String target) {
    return "plan-" + source + "-to-" + target;
  }

  /** Names, addresses, speeds and what is free on this machine are others in each run. */
  private static String withoutWhatChanges(String plan) {
    String known = plan.replace(folder.toString(), "FOLDER").replace(RUN, "RUN");
    for (Map.Entry<String, String> place : PLACES.entrySet()) {
      known = known.replace(place.getValue(), place.getKey().toUpperCase(Locale.ROOT));
    }
    return known
        .replaceAll("(-vecferry-plan-[a-z0-9-]+)-[0-9a-f]{8}'", "$1-HASH'")
        .replaceAll("about [0-9,]+ s\\b", "about N s")
        .replaceAll("[0-9,]+/s", "N/s")
        .replaceAll("ready after [0-9.]+ s", "ready after N s")
        .replaceAll("(?m)^(Needs    archive storage) .*", "$1  N")
        .replaceAll("(?m)^(Needs .*) of [0-9].*", "$1 of what is there");
  }

  /** Each store is a source and a target once, of a migration that was made. */
  @Test
  void bothSidesAnswerAlike() throws Exception {
    List<String> commands = new ArrayList<>();
    for (int i = 0; i < STORES.size(); i++) {
      String name = STORES.get(i) + "-to-" + STORES.get((i + 1) % STORES.size());
      commands.add("compare-" + name + " compare " + name + ".yaml --clients=2 --seconds=0.1");
    }
    runAll(commands);
    for (int i = 0; i < STORES.size(); i++) {
      String said = ManyCommands.said(folder, commands.get(i).split(" ")[0]);
      assertThat(said)
          .startsWith("exit code 0\n")
          .contains("20 queries, 10 answers each", "queries/s, clients: 2", "Passes: ");
      Matcher filter = FILTERED.matcher(said);
      assertThat(filter.find()).as(said).isTrue();
      // The index that was filled for the test maps no metadata.
      boolean mapped = !STORES.get(i).equals("elasticsearch");
      assertFiltered(mapped && !STORES.get(i).equals("faiss"), filter.group(1), said);
      String target = STORES.get((i + 1) % STORES.size());
      assertFiltered(!target.equals("faiss"), filter.group(2), said);
    }
  }

  private static void assertFiltered(boolean filters, String recall, String said) {
    if (filters) {
      assertThat(Double.parseDouble(recall)).as(said).isGreaterThan(0.8);
    } else {
      assertThat(recall).as(said).isEqualTo("no filter");
    }
  }

  private static Map<String, List<String>> listed() throws Exception {
    Map<String, List<String>> listed = new HashMap<>();
    for (String store : stores().toList()) {
      listed.put(store, foreign.list(store, PLACES.get(store), RUN));
    }
    return listed;
  }

  private static String source(String store) {
    return name("source", store);
  }

  private static String name(String what, String store) {
    return what + "_" + store.replace('-', '_') + "_" + RUN;
  }

  private static String place(String store, String collection) {
    return store.equals("faiss")
        ? "{type: faiss, path: \"%s\"}".formatted(folder.resolve(collection))
        : "{type: %s, url: \"%s\", collection: %s}"
            .formatted(store.split("-")[0], PLACES.get(store), collection);
  }
}
