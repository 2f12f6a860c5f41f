package io.vecferry.store.chroma;

import com.fasterxml.jackson.databind.JsonNode;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.FieldMapping;
import io.vecferry.plan.Finding;
import io.vecferry.plan.NameSwitch;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.store.Answer;
import io.vecferry.store.BatchReader;
import io.vecferry.store.BatchWriter;
import io.vecferry.store.CollectionInfo;
import io.vecferry.store.JsonBytes;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.Metric;
import io.vecferry.store.NameSwitcher;
import io.vecferry.store.Neighbours;
import io.vecferry.store.SourceRange;
import io.vecferry.store.StoreException;
import io.vecferry.store.TextFilter;
import io.vecferry.store.VectorFieldInfo;
import io.vecferry.store.VectorStore;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A collection of a Chroma server. */
final class ChromaStore implements VectorStore {
  /** Queries in one request; a request is answered when the last of them is. */
  private static final int QUERIES_AT_ONCE = 50;

  /** Of a product of direction and length, whose length is rounded too. */
  private static final double COSINE_DEVIATION = 1e-6;

  private final ChromaSettings settings;
  private final ChromaClient client;
  private final ChromaClient.Server server;
  private final ChromaLoad load;
  private final NameSwitcher switcher;
  private final RecordFetcher fetcher;
  private ChromaCollection collection;
  private IdList list;
  private String listedCollection;

  ChromaStore(ChromaSettings settings) {
    this.settings = settings;
    this.client = new ChromaClient(settings);
    this.server = client.connect();
    this.load = new ChromaLoad(client, server, settings);
    this.switcher = new NameSwitcher(new SwitchedNames(client, settings, load));
    this.fetcher = new RecordFetcher(client, settings);
  }

  /** The collection, as it was when it was last asked for. */
  private synchronized ChromaCollection collection() {
    if (collection == null || collection.dimension() == 0) {
      collection = client.get(settings.collection());
    }
    return collection;
  }

  private synchronized ChromaCollection refreshed() {
    collection = client.get(settings.collection());
    return collection;
  }

  private synchronized void forget() {
    collection = null;
    forgetList();
  }

  private synchronized void forgetList() {
    if (list != null) {
      list.close();
      list = null;
    }
  }

  /** All ids; listed when that was not done yet. */
  private synchronized IdList list() {
    ChromaCollection current = collection();
    if (list == null || !current.id().equals(listedCollection)) {
      forgetList();
      list = IdList.of(client, current, settings, RecordFetcher.mapping(current));
      listedCollection = current.id();
    }
    return list;
  }

  @Override
  public boolean exists() {
    return client.find(settings.collection()).isPresent();
  }

  /**
   * Counts the records. A source is also listed, unless this store has listed it before and it has
   * the same number of records still.
   */
  @Override
  public synchronized CollectionInfo describe() {
    ChromaCollection current = refreshed();
    long rows = client.count(current);
    if (list != null && list.size() != rows) {
      forgetList();
    }
    boolean listed = list != null || settings.role().equals("source");
    Set<IdKind> kinds =
        current
            .load()
            .map(made -> made.note().idKinds())
            .filter(noted -> !noted.isEmpty())
            .orElse(EnumSet.of(IdKind.STRING));
    String fingerprint = "";
    if (listed) {
      IdList ids = list();
      kinds = ids.kinds();
      rows = ids.size();
      fingerprint = current.id() + " " + ids.size() + " " + ids.hash();
    }
    return new CollectionInfo(
        "Chroma " + server.version(),
        current.name(),
        current.dimension() == 0 ? List.of() : List.of(field(current)),
        kinds,
        rows,
        -1,
        configuration(current),
        fingerprint);
  }

  private static VectorFieldInfo field(ChromaCollection collection) {
    return new VectorFieldInfo(
        RecordFetcher.vectorName(collection),
        collection.dimension(),
        collection.metric(),
        0,
        collection.indexType(),
        collection.indexParams());
  }

  private Map<String, String> configuration(ChromaCollection collection) {
    Map<String, String> configuration = new LinkedHashMap<>();
    configuration.put("tenant", settings.tenant());
    configuration.put("database", settings.database());
    configuration.put("collection id", collection.id());
    configuration.put(ChromaLoad.CONFIGURATION, collection.configuration().toString());
    if (!collection.metadata().isEmpty()) {
      configuration.put(ChromaLoad.METADATA, collection.metadata().toString());
    }
    if (!collection.unindexed().isEmpty()) {
      configuration.put("not indexed", String.join(", ", collection.unindexed()));
      configuration.put("schema", collection.schema().toString());
    }
    return configuration;
  }

  @Override
  public List<Finding> assess() {
    List<Finding> findings = new ArrayList<>();
    ChromaCollection current = refreshed();
    String subject = "source.collection";
    if (current.dimension() == 0) {
      findings.add(
          Finding.blocking(
              subject,
              "collection '"
                  + current.name()
                  + "' has never had a record, so Chroma does not know the length of its vectors.",
              "There is nothing to migrate."));
      return findings;
    }
    list();
    if (settings.sendsSecretInTheOpen()) {
      findings.add(openSecret());
    }
    if (current.metric() == Metric.COSINE) {
      findings.add(
          Finding.info(
              subject,
              "Chroma keeps vectors of a collection that compares by cosine as direction and"
                  + " length, and puts them together again when they are read. What is exported may"
                  + " differ from what was once written in the last bits of a component."));
    }
    findings.add(
        Finding.info(
            subject,
            "Chroma has no snapshots. Records that are added or removed during the export are"
                + " noticed; records that are changed in place are not. Stop what writes to '"
                + current.name()
                + "'."));
    return findings;
  }

  private Finding openSecret() {
    return Finding.warning(
        settings.role() + ".url",
        settings.url() + " gets the token without encryption.",
        "Use https, or a network that nobody else is in.");
  }

  @Override
  public List<Finding> assessLoad(LoadSchema schema) {
    List<Finding> findings = new ArrayList<>(load.assess(schema));
    if (settings.sendsSecretInTheOpen()) {
      findings.add(openSecret());
    }
    return findings;
  }

  @Override
  public List<FieldMapping> mapping(LoadSchema schema) {
    return load.mapping(schema, deviation(schema));
  }

  /** Under cosine the server keeps direction and length, and multiplies them. */
  @Override
  public double deviation(LoadSchema schema) {
    return schema.vectors().get(0).metric() == Metric.COSINE ? COSINE_DEVIATION : 0;
  }

  @Override
  public List<SourceRange> split(int wanted) {
    IdList ids = list();
    long ranges = Math.min(Math.max(1, wanted), ids.size());
    List<SourceRange> split = new ArrayList<>();
    for (long i = 0; i < ranges; i++) {
      long from = ids.size() * i / ranges;
      long to = ids.size() * (i + 1) / ranges;
      split.add(new SourceRange(Long.toString(from), Long.toString(to), to - from, true));
    }
    return split;
  }

  @Override
  public BatchReader read(SourceRange range, String cursor, int batchSize) {
    IdList ids = list();
    long from = position(cursor == null ? range.start() : cursor, ids, range.exact());
    long to = position(range.end(), ids, range.exact());
    return new ChromaReader(fetcher, collection(), ids, from, to, batchSize, range.exact());
  }

  private long position(String cursor, IdList ids, boolean exact) {
    try {
      long position = Long.parseLong(cursor);
      if (position >= 0 && (position <= ids.size() || !exact)) {
        return Math.min(position, ids.size());
      }
    } catch (NumberFormatException e) {
      throw badPosition(cursor, ids, e);
    }
    throw badPosition(cursor, ids, null);
  }

  private StoreException badPosition(String cursor, IdList ids, NumberFormatException cause) {
    return new StoreException(
        FailureClass.SOURCE_CHANGED,
        "there is no position '"
            + cursor
            + "' in collection '"
            + settings.collection()
            + "', which has "
            + ids.size()
            + " records",
        cause);
  }

  @Override
  public RecordBatch fetch(IdColumn ids) {
    return fetcher.fetch(collection(), ids);
  }

  @Override
  public Neighbours search(String field, float[] queries, int count, int k) {
    return search(field, queries, count, k, null);
  }

  @Override
  public boolean canFilter(TextFilter only) {
    return true;
  }

  @Override
  public Neighbours search(String field, float[] queries, int count, int k, TextFilter only) {
    ChromaCollection current = collection();
    if (!field.equals(RecordFetcher.vectorName(current))) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE,
          "collection '"
              + current.name()
              + "' has the vector field '"
              + RecordFetcher.vectorName(current)
              + "', not '"
              + field
              + "'");
    }
    int[] counts = new int[count];
    float[] scores = new float[Math.multiplyExact(count, k)];
    String[] stored = new String[scores.length];
    int dimension = count == 0 ? 0 : queries.length / count;
    for (int first = 0; first < count; first += QUERIES_AT_ONCE) {
      int queried = Math.min(QUERIES_AT_ONCE, count - first);
      JsonBytes body = new JsonBytes(12 * queried * dimension + 100);
      body.raw("{\"query_embeddings\":[");
      for (int query = 0; query < queried; query++) {
        body.separate(query).numbers(queries, (first + query) * dimension, dimension);
      }
      body.raw("],\"n_results\":" + k);
      if (only != null) {
        body.raw(",\"where\":{").string(only.key()).raw(":{\"$eq\":").string(only.text());
        body.raw("}}");
      }
      body.raw(",\"include\":[\"distances\"]}");
      readAnswers(client.query(current, body), current.metric(), first, k, counts, stored, scores);
    }
    return new Neighbours(k, counts, ids(stored, RecordFetcher.mapping(current)), scores);
  }

  private static void readAnswers(
      Answer answer,
      Metric metric,
      int first,
      int k,
      int[] counts,
      String[] stored,
      float[] scores) {
    JsonNode node;
    try {
      node = ChromaClient.JSON.readTree(answer.bytes(), 0, answer.length());
    } catch (IOException e) {
      throw ResponsePage.unreadable(e);
    }
    JsonNode ids = node.path("ids");
    JsonNode distances = node.path("distances");
    for (int query = 0; query < ids.size(); query++) {
      counts[first + query] = Math.min(k, ids.get(query).size());
      for (int i = 0; i < counts[first + query]; i++) {
        int at = (first + query) * k + i;
        stored[at] = ids.get(query).get(i).asText();
        scores[at] =
            ChromaMapping.score(metric, distances.path(query).path(i).asDouble(Double.NaN));
      }
    }
  }

  private static IdColumn ids(String[] stored, ChromaMapping mapping) {
    TextColumn.Builder texts = new TextColumn.Builder(stored.length);
    IdKind[] kinds = new IdKind[stored.length];
    for (int i = 0; i < stored.length; i++) {
      texts.add(stored[i] == null ? "" : mapping.id(stored[i]));
      kinds[i] = stored[i] == null ? IdKind.STRING : mapping.kind(stored[i]);
    }
    return kinds.length == 0
        ? IdColumn.of(IdKind.STRING, texts.build())
        : new IdColumn(texts.build(), kinds);
  }

  /** The graph that it searches does not lead to every near vector. */
  @Override
  public boolean searchesExactly(String field) {
    return false;
  }

  @Override
  public void create(LoadSchema schema, LoadStamp stamp) {
    load.create(schema, stamp);
    forget();
  }

  @Override
  public Optional<LoadStamp> stamp() {
    return client
        .find(settings.collection())
        .flatMap(ChromaCollection::load)
        .map(made -> made.note().stamp());
  }

  @Override
  public BatchWriter write(String part, LoadStamp stamp) {
    return load.write(stamp);
  }

  @Override
  public void remove(IdColumn ids, LoadStamp stamp) {
    load.remove(ids, stamp);
    forget();
  }

  @Override
  public void finishLoad(List<String> parts, LoadStamp stamp) {
    load.finish(stamp);
    forget();
  }

  @Override
  public NameSwitch planSwitch(VectorStore loaded, LoadStamp stamp) {
    if (!(loaded instanceof ChromaStore other)) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE,
          "only a Chroma load can get the name '" + settings.collection() + "'");
    }
    return switcher.plan(settings.collection(), other.settings.collection(), stamp);
  }

  @Override
  public void switchTo(NameSwitch planned, LoadStamp stamp) {
    switcher.switchTo(planned, stamp);
    forget();
  }

  @Override
  public void switchBack(NameSwitch planned, LoadStamp stamp) {
    switcher.switchBack(planned, stamp);
    forget();
  }

  @Override
  public boolean dropReplaced(NameSwitch planned, LoadStamp stamp) {
    return switcher.dropReplaced(planned, stamp);
  }

  @Override
  public boolean drop(LoadStamp stamp) {
    boolean dropped = load.drop(stamp);
    forget();
    return dropped;
  }

  @Override
  public void close() {
    forget();
  }
}
