package io.vecferry.spec;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.vecferry.spec.NotificationTarget.Event;
import io.vecferry.spec.NotificationTarget.Type;
import io.vecferry.testing.SpecSchemaFile;
import java.time.DayOfWeek;
import java.util.List;
import java.util.regex.Pattern;
import org.assertj.core.api.Assertions;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SpecReaderTest {
  private static final String SIDES =
      """
      "name": "products", "source": {"type": "faiss", "path": "a"}, "target": {"type": "faiss", "path": "b"}
      """;

  private static final SpecSchemaFile SCHEMA = SpecSchemaFile.read();

  /**
   * What only the reader knows: how values fit together, and what Java calls a time zone. The
   * validator takes the end of a line for the end of a text.
   */
  private static final Pattern MORE_THAN_ONE_VALUE =
      Pattern.compile(
          "is about |says the same|must be https, because|must be starttls or tls, because"
              + "|a login needs both|with strict: false|must be 1m to 7d|name of a time zone"
              + "|must be days such as|names nothing|\n");

  private static boolean isAboutOneValue(SpecProblem problem) {
    return !problem.field().endsWith(".template")
        && !MORE_THAN_ONE_VALUE.matcher(problem.message()).find();
  }

  @Test
  void theRunMayFindOutBatchSizes() {
    SpecReader.Result read =
        read(
            "{"
                + SIDES
                + ", \"export\": {\"batchSize\": \"auto\"}, \"import\": {\"batch_size\":"
                + " \"auto\"}}");
    assertThat(read.problems()).isEmpty();
    assertThat(read.spec().export().batchSize()).isZero();
    assertThat(read.spec().load().batchSize()).isZero();
    assertThat(read.spec().load().batchRows()).isEqualTo(1000);
  }

  @Test
  void fillsInEveryDefault() {
    SpecReader.Result read = read("{" + SIDES + "}");

    assertThat(read.problems()).isEmpty();
    MigrationSpec spec = read.spec();
    assertThat(spec.export().batchSize()).isZero();
    assertThat(spec.load().batchSize()).isZero();
    assertThat(spec.load().maxRejects()).isZero();
    assertThat(spec.validation().mode()).isEqualTo("full");
    assertThat(spec.validation().tolerance()).isNull();
    assertThat(spec.quality())
        .isEqualTo(new MigrationSpec.Quality(null, 10, null, 0.01, 100, 0, null));
    assertThat(spec.rollback().automatic()).isFalse();
    assertThat(spec.overlap()).isTrue();
    assertThat(spec.target().ifExists()).isEqualTo(StoreSpec.IfExists.FAIL);
  }

  @Test
  void readsWhomToTell() {
    SpecReader.Result read =
        read(
            "{"
                + SIDES
                + """
                , "notify": [
                  {"type": "webhook", "url": "https://example.com/hook", "auth": {"bearer": "env:T"},
                   "on": ["Attention", "verdict", "verdict"]},
                  {"type": "slack", "url": "file:/run/secrets/slack"},
                  {"type": "email", "host": "smtp.example.com", "from": "v@example.com",
                   "to": ["ops@example.com"], "auth": {"username": "env:U", "password": "env:P"}},
                  {"type": "email", "host": "127.0.0.1", "tls": "none", "from": "v@example.com",
                   "to": ["ops@example.com"], "ca_file": "/etc/ca.pem"}]}
                """);

    assertThat(read.problems()).isEmpty();
    List<NotificationTarget> targets = read.spec().notifications();
    assertThat(targets)
        .extracting(NotificationTarget::type)
        .containsExactly(Type.WEBHOOK, Type.SLACK, Type.EMAIL, Type.EMAIL);
    assertThat(targets.get(0).bearer()).isEqualTo("env:T");
    assertThat(targets.get(0).on()).containsExactly(Event.ATTENTION, Event.VERDICT);
    assertThat(targets.get(1).on())
        .containsExactly(
            Event.START,
            Event.ATTENTION,
            Event.APPROVAL,
            Event.WINDOW,
            Event.CUTOVER,
            Event.VERDICT);
    assertThat(targets.get(2).mail())
        .isEqualTo(
            new NotificationTarget.Mail(
                "smtp.example.com",
                587,
                NotificationTarget.Tls.STARTTLS,
                "env:U",
                "env:P",
                "v@example.com",
                List.of("ops@example.com")));
    assertThat(targets.get(3).mail().port()).isEqualTo(25);
    assertThat(targets.get(3).caFile()).isEqualTo("/etc/ca.pem");
    assertThat(read.spec().withoutWhatMayChange()).isEqualTo(read("{" + SIDES + "}").spec());
    assertThat(
            read("{" + SIDES + ", \"import\": {\"batchSize\": 7}}").spec().withoutWhatMayChange())
        .isEqualTo(
            read("{" + SIDES + ", \"export\": {\"batchSize\": 9}}").spec().withoutWhatMayChange());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{} | .type: is missing. Add it, for example type: webhook.",
        "{'type': 'mail'} | .type: must be one of webhook, slack, email, got \"mail\". Did you mean"
            + " 'email'?",
        "{'type': 'webhook'} | .url: is missing.",
        "{'type': 'webhook', 'url': 'https://h/x?token=geheim'} | .url: must be an address such as",
        "{'type': 'webhook', 'url': 'http://u:geheim@h/'} | .url: must be an address such as",
        "{'type': 'webhook', 'url': 'ftp://h/'} | .url: must be an address such as",
        "{'type': 'webhook', 'url': 'http://h/', 'auth': {'bearer': 'env:T'}} | .url: must be"
            + " https,",
        "{'type': 'webhook', 'url': 'https://h/', 'auth': {'bearer': 'geheim'}} | .auth.bearer:"
            + " must say where",
        "{'type': 'webhook', 'url': 'https://h/', 'auth': {'token': 'env:T'}} | .auth.token: is not"
            + " a known key.",
        "{'type': 'webhook', 'url': 'https://h/', 'template': '{{migraton}}'} | .template: has the"
            + " placeholder {{migraton}}; known are version, id, sequence, event, reminder, at,"
            + " migration, workflowId, phase, state, outcome, title, text, report. Did you mean"
            + " 'migration'?",
        "{'type': 'webhook', 'url': 'https://h/', 'template': '{'} | .template: is no JSON: ",
        "{'type': 'webhook', 'url': 'https://h/', 'template': '[{{sequence}}]'} | .template: must"
            + " be an object of JSON",
        "{'type': 'slack', 'url': 'env:S', 'template': '{}'} | .template: is not a known key.",
        "{'type': 'slack', 'url': 'https://hooks.example.com/geheim'} | .url: must say where the"
            + " worker",
        "{'type': 'slack'} | .url: is missing. Add it, for example url: env:SLACK_WEBHOOK.",
        "{'type': 'slack', 'url': 'env:S', 'host': 'h'} | .host: is not a known key.",
        "{'type': 'slack', 'url': 'env:S', 'on': ['atention']} | .on: must be of start, phase,",
        "{'type': 'slack', 'url': 'env:S', 'on': []} | .on: names nothing.",
        "{'type': 'slack', 'url': 'env:S', 'on': 'verdict'} | .on: must be a list of texts,",
        "{'type': 'email', 'from': 'a@b', 'to': ['a@b']} | .host: is missing.",
        "{'type': 'email', 'host': 'h', 'from': 'me', 'to': ['a@b']} | .from: must be as"
            + " ops@example",
        "{'type': 'email', 'host': 'h', 'from': 'a@b'} | .to: is missing.",
        "{'type': 'email', 'host': 'h', 'from': 'a@b', 'to': ['a@b\\nBcc: c@d']} | .to: must be as",
        "{'type': 'email', 'host': 'h h', 'from': 'a@b', 'to': ['a@b']} | .host: must be the name",
        "{'type': 'email', 'host': 'h', 'port': 0, 'from': 'a@b', 'to': ['a@b']} | .port: must be a"
            + " whole number from 1 to 65535, got 0.",
        "{'type': 'email', 'host': 'h', 'tls': 'no', 'from': 'a@b', 'to': ['a@b']} | .tls: must be"
            + " one of starttls, tls, none",
        "{'type': 'email', 'host': 'h', 'from': 'a@b', 'to': ['a@b'], 'auth': {'username':"
            + " 'env:U'}} | .auth.password: is missing",
        "{'type': 'email', 'host': 'h', 'tls': 'none', 'from': 'a@b', 'to': ['a@b'], 'auth':"
            + " {'username': 'env:U', 'password': 'env:P'}} | .tls: must be starttls or tls,"
      })
  void saysWhatIsWrongWithANotification(String target, String problem) {
    SpecReader.Result read =
        read("{" + SIDES + ", \"notify\": [" + target.replace('\'', '"') + "]}");

    assertThat(read.problems())
        .singleElement()
        .extracting(SpecProblem::toString, Assertions.as(InstanceOfAssertFactories.STRING))
        .startsWith("notify[0]" + problem)
        .doesNotContain("geheim");
    assertThat(read.spec().notifications()).isEmpty();
  }

  /**
   * Fragments of the migration guide, as they are written there: what its users have in their files
   * is what they paste into a spec.
   */
  @Test
  void takesChromaToMilvusAsTheGuideWritesIt() {
    MigrationSpec spec =
        guide(
            """
            {"name": "guide",
             "source": {"store_type": "chroma", "collection_name": "vectors"},
             "target": {
                "store_type": "milvus",
                "collection_name": "vectors",
                "dimension": 768,
                "index_type": "IVF_FLAT",
                "metric_type": "IP"
             },
             "export": {
                "include_metadata": true,
                "preserve_ids": true,
                "format": "parquet"
             }}
            """);

    StoreSpec target = spec.target();
    assertThat(target.type()).isEqualTo("milvus");
    assertThat(target.dimension()).isEqualTo(768);
    assertThat(target.metric()).isEqualTo("ip");
    assertThat(target.indexType()).isEqualTo("IVF_FLAT");
    assertThat(target.indexParams()).isEmpty();
    assertThat(target.settings().get("collection").textValue()).isEqualTo("vectors");
    assertThat(spec.source().settings().get("collection").textValue()).isEqualTo("vectors");
    assertThat(spec.export().includeMetadata()).isTrue();
    assertThat(spec.export().preserveIds()).isTrue();
    assertThat(spec.export().format()).isEqualTo("parquet");
  }

  @Test
  void takesCallsOfTheGuideByTheNamesOfTheirArguments() {
    MigrationSpec spec =
        guide(
            """
            {"name": "guide",
             "source": {"type": "faiss", "path": "path/to/index"},
             "target": {"store_type": "milvus", "dimension": 768, "metric_type": "cosine"},
             "export": {"format": "parquet", "include_metadata": true, "batch_size": 500},
             "import": {"batch_size": 250, "validate": true},
             "validation": {"check_vectors": true, "check_metadata": true, "strict": true,
                            "tolerance": 0.001},
             "quality": {"sample_size": 1000}}
            """);

    assertThat(spec.target().metric()).isEqualTo("cosine");
    assertThat(spec.export().batchSize()).isEqualTo(500);
    assertThat(spec.load().batchSize()).isEqualTo(250);
    assertThat(spec.quality().sampleSize()).isEqualTo(1000);
    StoreSpec qdrant =
        guide(
                """
                {"name": "guide", "source": {"type": "faiss", "path": "a"},
                 "target": {"type": "qdrant", "collection_name": "vectors", "vector_size": 768}}
                """)
            .target();
    assertThat(qdrant.dimension()).isEqualTo(768);
    assertThat(qdrant.settings().get("collection").textValue()).isEqualTo("vectors");
    assertThat(qdrant.settings().has("vectorSize")).isFalse();
  }

  @Test
  void takesElasticsearchToMilvusAsTheGuideWritesIt() {
    MigrationSpec spec =
        guide(
            """
            {"name": "guide",
             "source": {"type": "elasticsearch",
                "index": "vectors",
                "batch_size": 100,
                "scroll_size": "5m"
             },
             "target": {"type": "milvus",
                "collection": "vectors",
                "partition_key": "category",
                "batch_size": 200
             }}
            """);

    assertThat(spec.source().indexType()).isNull();
    assertThat(spec.source().settings().toString())
        .isEqualTo("{\"type\":\"elasticsearch\",\"scrollSize\":\"5m\",\"collection\":\"vectors\"}");
    assertThat(spec.target().settings().get("partitionKey").textValue()).isEqualTo("category");
    assertThat(spec.export().batchSize()).isEqualTo(100);
    assertThat(spec.load().batchSize()).isEqualTo(200);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        // Beside the other keys of the store, as a part of them, and in camel case.
        "\"index_type\": \"IVF_SQ8\", \"metric_type\": \"L2\", \"params\": {\"nlist\": 1024,"
            + " \"nprobe\": 16}",
        "\"index_config\": {\"index_type\": \"IVF_SQ8\", \"metric_type\": \"L2\","
            + " \"params\": {\"nlist\": 1024, \"nprobe\": 16}}",
        "\"index\": {\"type\": \"IVF_SQ8\", \"params\": {\"nlist\": 1024, \"nprobe\": 16}},"
            + " \"metric\": \"l2\"",
        "\"index_type\": \"IVF_SQ8\", \"index\": {\"params\": {\"nlist\": 1024, \"nprobe\": 16}},"
            + " \"metric\": \"l2\"",
      })
  void takesIndexSettingsAsTheGuideWritesThem(String written) {
    StoreSpec target =
        guide(
                "{\"name\": \"guide\", \"source\": {\"type\": \"chroma\"}, \"target\": {\"type\":"
                    + " \"milvus\", "
                    + written
                    + "}}")
            .target();

    assertThat(target.indexType()).isEqualTo("IVF_SQ8");
    assertThat(target.metric()).isEqualTo("l2");
    assertThat(target.indexParams()).containsEntry("nlist", "1024").containsEntry("nprobe", "16");
    // A store reads what is for searching from there.
    assertThat(target.settings().at("/index/params/nprobe").intValue()).isEqualTo(16);
  }

  @Test
  void reportsIndexSettingsThatAreNoneInPlace() {
    assertThat(
            read(
                    "{"
                        + SIDES.replace("\"b\"", "\"b\", \"index\": [1], \"index_type\": \"Flat\"")
                        + "}")
                .problems()
                .stream()
                .map(SpecProblem::toString))
        .containsExactly("target.index: must be an object with keys, got [1].");
    assertThat(
            read(
                    "{"
                        + SIDES.replace(
                            "\"b\"",
                            "\"b\", \"index\": {\"index_type\": \"Flat\", \"type\": \"HNSW\","
                                + " \"tpye\": 1}")
                        + "}")
                .problems()
                .stream()
                .map(SpecProblem::toString))
        .anySatisfy(text -> assertThat(text).startsWith("target.index.indexType: is not a known"))
        .anySatisfy(text -> assertThat(text).startsWith("target.index.tpye: is not a known"))
        .hasSize(2);
    assertThat(
            read("{" + SIDES.replace("\"b\"", "\"b\", \"index\": \"HNSW\"") + "}")
                .problems()
                .stream()
                .map(SpecProblem::toString))
        .containsExactly("target.index: must be an object with keys, got \"HNSW\".");
  }

  private static MigrationSpec guide(String json) {
    SpecReader.Result read = read(json);
    assertThat(read.problems()).isEmpty();
    return read.spec();
  }

  @Test
  void theIndexOfElasticsearchIsItsCollection() {
    StoreSpec source =
        read("""
        {"name": "n",
         "source": {"store_type": "elasticsearch", "url": "http://localhost:9200",
                    "index": "vectors", "batch_size": 500, "scroll_size": "5m"},
         "target": {"type": "faiss", "path": "p", "index": {"type": "HNSW"}}}
        """)
            .spec()
            .source();
    assertThat(source.settings().path("collection").asText()).isEqualTo("vectors");
    assertThat(source.settings().path("scrollSize").asText()).isEqualTo("5m");
    assertThat(source.settings().has("index")).isFalse();
  }

  @Test
  void reportsEveryProblemWithItsFieldValueAndRemedy() {
    SpecReader.Result read =
        read(
            """
            {"name": "a/b", "source": {"type": "faiss", "path": "a", "dimension": 0}, "traget": {},
             "export": {"batchSize": "1000", "partRows": 1.5},
             "import": {"maxRejects": -1, "parallelism": 3, "batchsize": 5},
             "validation": {"mode": "ful", "tolerance": 7}, "schedule": {"startAfter": "tomorrow"}}
            """);

    assertThat(read.problems().stream().map(SpecProblem::toString))
        .anySatisfy(
            text -> assertThat(text).startsWith("name: must be 1 to 100 of").contains("a/b"))
        .anySatisfy(text -> assertThat(text).startsWith("source.dimension: must be a whole number"))
        .anySatisfy(text -> assertThat(text).startsWith("target: is missing"))
        .anySatisfy(
            text ->
                assertThat(text).startsWith("traget: is not a known key. Did you mean 'target'?"))
        .anySatisfy(
            text -> assertThat(text).startsWith("export.batchSize: ").contains("got \"1000\""))
        .anySatisfy(
            text ->
                assertThat(text).startsWith("export.partRows: must be 'auto' or a whole number"))
        .anySatisfy(text -> assertThat(text).startsWith("import.maxRejects: ").contains("got -1"))
        .anySatisfy(
            text ->
                assertThat(text).startsWith("import.parallelism: ").contains("not supported yet"))
        .anySatisfy(
            text ->
                assertThat(text).contains("import.batchsize").contains("Did you mean 'batchSize'?"))
        .anySatisfy(
            text -> assertThat(text).contains("validation.mode").contains("Did you mean 'full'?"))
        .anySatisfy(text -> assertThat(text).startsWith("validation.tolerance: ").contains("got 7"))
        .anySatisfy(
            text -> assertThat(text).startsWith("schedule.startAfter: ").contains("tomorrow"));
    assertThat(read.problems()).hasSize(12);
  }

  @Test
  void readsHowMuchIsCompared() {
    assertThat(validation("{}").share(100)).isEqualTo(1);
    assertThat(validation("{}").allowedMismatches()).isZero();
    MigrationSpec.Validation sample = validation("{\"mode\": \"sample\"}");
    assertThat(sample.samples()).isTrue();
    assertThat(sample.share(1_000_000)).isEqualTo(0.01);
    assertThat(sample.share(5_000)).isEqualTo(1);
    assertThat(validation("{\"mode\": \"sample\", \"sample_size\": 50}").share(200))
        .isEqualTo(0.25);
    assertThat(validation("{\"mode\": \"sample\", \"sampleShare\": 0.3}").share(7)).isEqualTo(0.3);
    assertThat(validation("{\"strict\": false, \"max_mismatch\": 4}").allowedMismatches())
        .isEqualTo(4);
  }

  private static MigrationSpec.Validation validation(String section) {
    SpecReader.Result read = read("{" + SIDES + ", \"validation\": " + section + "}");
    assertThat(read.problems()).isEmpty();
    return read.spec().validation();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'sampleSize': 5} | validation.sampleSize: is about validation.mode: sample.",
        "{'sampleShare': 0.5} | validation.sampleShare: is about validation.mode: sample.",
        "{'mode': 'sample', 'sampleShare': 0.5, 'sampleSize': 5} | validation.sampleShare: says the"
            + " same",
        "{'mode': 'sample', 'sampleShare': 1.5} | validation.sampleShare: must be a number from"
            + " 1.0E-6 to 1.0",
        "{'strict': false} | validation.maxMismatch: is missing: with strict: false",
        "{'maxMismatch': 3} | validation.maxMismatch: is about validation.strict: false.",
      },
      quoteCharacter = '"')
  void sampleAndStrictnessFitTogether(String section, String problem) {
    SpecReader.Result read =
        read("{" + SIDES + ", \"validation\": " + section.replace('\'', '"') + "}");
    assertThat(read.problems()).hasSize(1);
    assertThat(read.problems().get(0).toString()).startsWith(problem);
  }

  @Test
  void readsCutoverWindows() {
    MigrationSpec.Schedule schedule =
        windows(
                "{\"time_zone\": \"Europe/Berlin\", \"weekdays\": [\"sat\", \"Sunday\"], \"start\":"
                    + " \"22:30\", \"duration\": \"4h\"}")
            .spec()
            .schedule();
    assertThat(schedule.cutoverWindows())
        .containsExactly(
            new CutoverWindow(
                "Europe/Berlin",
                List.of(DayOfWeek.SATURDAY, DayOfWeek.SUNDAY),
                "22:30",
                4 * 3_600_000L));
  }

  @Test
  void aWindowIsReportedInAllItsParts() {
    assertThat(
            windows(
                    "{\"timeZone\": \"Berlin\", \"weekdays\": [\"su\"], \"start\": \"24:00\","
                        + " \"duration\": \"8d\", \"until\": \"5:00\"}, {}")
                .problems()
                .stream()
                .map(SpecProblem::toString))
        .containsExactlyInAnyOrder(
            "schedule.cutoverWindows[0].timeZone: must be the name of a time zone such as"
                + " Europe/Berlin or UTC, got \"Berlin\".",
            "schedule.cutoverWindows[0].start: must be a time such as 02:00 or 22:30, got"
                + " \"24:00\".",
            "schedule.cutoverWindows[0].duration: must be 1m to 7d, got \"8d\".",
            "schedule.cutoverWindows[0].weekdays: must be days such as [sat, sun], got \"su\".",
            "schedule.cutoverWindows[0].until: is not a known key. Known here: duration, start,"
                + " timeZone, weekdays.",
            "schedule.cutoverWindows[1].timeZone: is missing. Add it, for example timeZone:"
                + " Europe/Berlin.",
            "schedule.cutoverWindows[1].start: is missing. Add it, for example start: \"02:00\".",
            "schedule.cutoverWindows[1].duration: is missing. Add it, for example duration: 4h.");
  }

  private static SpecReader.Result windows(String windows) {
    return read(
        "{\"name\": \"a\", \"source\": {\"type\": \"faiss\", \"path\": \"a\"}, \"target\":"
            + " {\"type\": \"faiss\", \"path\": \"b\"}, \"schedule\": {\"cutoverWindows\": ["
            + windows
            + "]}}");
  }

  @Test
  void timesHaveAUnit() {
    assertThat(deleteAfter("\"7d\"").spec().archive().deleteOldCollectionAfterMillis())
        .isEqualTo(7 * 24 * 3_600_000L);
    assertThat(deleteAfter("\"30m\"").spec().archive().deleteOldCollectionAfterMillis())
        .isEqualTo(30 * 60_000L);
    assertThat(deleteAfter("null").spec().archive().deletesOldCollection()).isFalse();
    assertThat(deleteAfter("\"a week\"").problems().stream().map(SpecProblem::toString))
        .containsExactly(
            "archive.deleteOldCollectionAfter: must be a time such as 30m, 12h or 7d, at most"
                + " 9999d, got \"a week\".");
  }

  private static SpecReader.Result deleteAfter(String time) {
    return read("{" + SIDES + ", \"archive\": {\"deleteOldCollectionAfter\": " + time + "}}");
  }

  @Test
  void theArchiveMovesOnlyToWhereTheWorkerHasArchives() {
    for (String folder : List.of("cold", "cold/2026", "a b/ü-1")) {
      assertThat(moveTo(folder).problems()).isEmpty();
      assertThat(moveTo(folder).spec().archive().moveTo()).isEqualTo(folder);
    }
    for (String folder :
        List.of(
            "", "/mnt/cold", "../cold", "cold/../..", "cold//a", "cold/", ".", "a/.b", "a\\b")) {
      assertThat(moveTo(folder).problems().stream().map(SpecProblem::toString))
          .singleElement()
          .asString()
          .startsWith(
              "archive.moveTo: must be a folder below the archive folder of the worker, such as"
                  + " \"cold\" or \"cold/2026\"");
    }
  }

  private static SpecReader.Result moveTo(String folder) {
    return read(
        "{" + SIDES + ", \"archive\": {\"moveTo\": \"" + folder.replace("\\", "\\\\") + "\"}}");
  }

  @Test
  void catchingUpHasABound() {
    assertThat(cutover("{}").spec().cutover()).isEqualTo(new MigrationSpec.Cutover(false, 0));
    assertThat(cutover("{\"catch_up\": true, \"maxDifference\": 100}").spec().cutover())
        .isEqualTo(new MigrationSpec.Cutover(true, 100));
    assertThat(cutover("{\"maxDifference\": 100}").problems().stream().map(SpecProblem::toString))
        .containsExactly(
            "cutover.maxDifference: is about cutover.catchUp, which is false. Set cutover.catchUp:"
                + " true, or leave it out.");
    assertThat(cutover("{\"catchUp\": true, \"maxDifference\": -1}").problems()).hasSize(1);
  }

  private static SpecReader.Result cutover(String cutover) {
    return read("{" + SIDES + ", \"cutover\": " + cutover + "}");
  }

  @Test
  void anArchiveOfBeforeItWasThereIsRead() throws JsonProcessingException {
    MigrationSpec spec = read("{" + SIDES + "}").spec();
    ObjectMapper mapper = io.vecferry.workflow.Payloads.MAPPER;
    String json = mapper.writeValueAsString(spec).replaceFirst("\"cutover\":\\{[^}]*},", "");
    assertThat(json).doesNotContain("\"cutover\"");
    assertThat(mapper.readValue(json, MigrationSpec.class)).isEqualTo(spec);
  }

  @Test
  void survivesTheJourneyThroughTemporal() throws JsonProcessingException {
    MigrationSpec spec = read("{" + SIDES + ", \"import\": {\"batchSize\": 7}}").spec();
    ObjectMapper mapper = io.vecferry.workflow.Payloads.MAPPER;

    String json = mapper.writeValueAsString(spec);

    assertThat(json).contains("\"import\"");
    assertThat(mapper.readValue(json, MigrationSpec.class)).isEqualTo(spec);
  }

  @Test
  void suggestsOnlyWhatIsNear() {
    assertThat(Suggestion.didYouMean("exprot", List.of("export", "import")))
        .isEqualTo(" Did you mean 'export'?");
    assertThat(Suggestion.didYouMean("zzzzzz", List.of("export", "import"))).isEmpty();
  }

  /**
   * What is wrong with a single value, the schema for editors finds too, but not within a template.
   */
  private static SpecReader.Result read(String json) {
    try {
      JsonNode document = new ObjectMapper().readTree(json);
      SpecReader.Result read = SpecReader.read(document);
      if (read.problems().stream().anyMatch(SpecReaderTest::isAboutOneValue)) {
        assertThat(SCHEMA.problems(document)).as("%s %s", json, read.problems()).isNotEmpty();
      }
      return read;
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(e);
    }
  }
}
