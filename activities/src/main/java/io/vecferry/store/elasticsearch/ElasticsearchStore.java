package io.vecferry.store.elasticsearch;

import io.vecferry.plan.FailureClass;
import io.vecferry.plan.FieldMapping;
import io.vecferry.plan.Finding;
import io.vecferry.plan.NameSwitch;
import io.vecferry.record.IdColumn;
import io.vecferry.record.RecordBatch;
import io.vecferry.store.BatchReader;
import io.vecferry.store.BatchWriter;
import io.vecferry.store.CollectionInfo;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.Neighbours;
import io.vecferry.store.SearchWidth;
import io.vecferry.store.SourceRange;
import io.vecferry.store.StoreException;
import io.vecferry.store.TextFilter;
import io.vecferry.store.VectorStore;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What one name leads to on an Elasticsearch server. */
final class ElasticsearchStore implements VectorStore {
  private final Settings settings;
  private final RestClient client;
  private final ServerVersion version;
  private final Load load;
  private final IndexSwitch nameSwitch;
  private final RecordFetcher fetcher;
  private Opened opened;
  private Census census;

  /** What was found under the name, and how its records are read. */
  /** A name may be switched to another index between two requests; not again and again. */
  private static final int MOST_SWITCHES = 5;

  private record Opened(IndexSet indices, Layout layout) {}

  ElasticsearchStore(Settings settings, RestClient client) {
    this.settings = settings;
    this.client = client;
    this.version = client.connect();
    this.load = new Load(client, settings, version);
    this.nameSwitch = new IndexSwitch(client, settings);
    this.fetcher = new RecordFetcher(client, settings, version.hidesVectors());
  }

  private synchronized Opened opened() {
    if (opened == null) {
      IndexSet indices = IndexSet.get(client, settings);
      requireFinished(indices);
      opened = new Opened(indices, Layout.of(indices, settings));
    }
    return opened;
  }

  private static void requireFinished(IndexSet indices) {
    for (Index index : indices.indices()) {
      if (index.isUnfinishedCopy()) {
        throw new StoreException(
            FailureClass.TRANSIENT,
            "index '" + index.name() + "' is being made as a copy of another one.");
      }
    }
  }

  private synchronized Census census() {
    if (census == null) {
      Opened current = opened();
      requireOpen(current.indices());
      census = Census.take(client, current.indices(), current.layout(), settings);
    }
    return census;
  }

  private synchronized void forget() {
    opened = null;
    census = null;
  }

  private static void requireOpen(IndexSet indices) {
    for (Index index : indices.indices()) {
      if (index.closed()) {
        throw new StoreException(
            FailureClass.INCOMPATIBLE,
            "index '"
                + index.name()
                + "' is closed. Open it (POST /"
                + index.name()
                + "/_open) or choose another one.");
      }
    }
  }

  @Override
  public boolean exists() {
    return IndexSet.find(client, settings.collection()).isPresent();
  }

  @Override
  public synchronized CollectionInfo describe() {
    forget();
    Opened current = opened();
    Census counted = census();
    Layout layout = current.layout();
    boolean[] optional = new boolean[layout.columns().size()];
    for (int i = 0; i < optional.length; i++) {
      optional[i] = counted.missing(i) > 0;
    }
    return new CollectionInfo(
        "Elasticsearch " + version.text(),
        settings.collection(),
        layout.describe(optional, settings.metric()),
        layout.idKinds(),
        counted.rows(),
        -1,
        configuration(current),
        counted.fingerprint());
  }

  private static Map<String, String> configuration(Opened current) {
    Map<String, String> configuration = new LinkedHashMap<>();
    IndexSet indices = current.indices();
    List<String> names = indices.indices().stream().map(Index::name).toList();
    if (!names.equals(List.of(indices.asked()))) {
      configuration.put(LoadPlan.INDICES, String.join(", ", names));
    }
    configuration.put(
        LoadPlan.SHARDS,
        Integer.toString(indices.indices().stream().mapToInt(Index::shards).sum()));
    configuration.put("replicas", Integer.toString(indices.first().replicas()));
    if (!current.layout().documentField().isEmpty()) {
      configuration.put(LoadPlan.DOCUMENT_FIELD, current.layout().documentField());
    }
    configuration.put(LoadPlan.MAPPING, indices.first().mappings().toString());
    if (indices.first().analysis().isObject()) {
      configuration.put(LoadPlan.ANALYSIS, indices.first().analysis().toString());
    }
    return configuration;
  }

  @Override
  public List<Finding> assess() {
    forget();
    Opened current = opened();
    return new Assessment(
            settings,
            version,
            current.indices(),
            current.layout(),
            (index, column) -> fetcher.givesBack(index, current.layout(), column))
        .assess(this::census);
  }

  @Override
  public List<Finding> assessLoad(LoadSchema schema) {
    return new LoadPlan(settings, version, schema).assess();
  }

  @Override
  public List<FieldMapping> mapping(LoadSchema schema) {
    return new LoadPlan(settings, version, schema).mapping();
  }

  @Override
  public List<SourceRange> split(int wanted) {
    return census().split(client, opened().layout(), settings, wanted);
  }

  @Override
  public BatchReader read(SourceRange range, String cursor, int batchSize) {
    Opened current = opened();
    return new RangeReader(
        client,
        settings,
        current.indices(),
        current.layout(),
        version.hidesVectors(),
        everywhere(current.layout()),
        range,
        cursor,
        batchSize);
  }

  /** Names of the columns in which every record has a vector. */
  private Set<String> everywhere(Layout layout) {
    Set<String> names = new LinkedHashSet<>();
    for (int i = 0; i < layout.columns().size(); i++) {
      if (census().missing(i) == 0) {
        names.add(layout.columns().get(i).name());
      }
    }
    return names;
  }

  @Override
  public RecordBatch fetch(IdColumn ids) {
    for (int i = 0; i < MOST_SWITCHES; i++) {
      Opened current = opened();
      Optional<RecordBatch> found = fetcher.fetch(current.indices(), current.layout(), ids);
      if (found.isPresent()) {
        return found.get();
      }
      forget();
    }
    throw new StoreException(
        FailureClass.TRANSIENT,
        "'" + settings.collection() + "' leads to other indices whenever its records are read.");
  }

  @Override
  public Neighbours search(String field, float[] queries, int count, int k) {
    return search().search(field, queries, count, k, 0, null);
  }

  @Override
  public Optional<SearchWidth> searchWidth(String field, int k) {
    return search().width(field, k);
  }

  @Override
  public Neighbours search(String field, float[] queries, int count, int k, long width) {
    return search().search(field, queries, count, k, width, null);
  }

  @Override
  public boolean canFilter(TextFilter only) {
    return search().termField(only).isPresent();
  }

  @Override
  public Neighbours search(String field, float[] queries, int count, int k, TextFilter only) {
    return search().search(field, queries, count, k, 0, only);
  }

  private Search search() {
    Opened current = opened();
    return new Search(client, settings, version, current.indices(), current.layout());
  }

  @Override
  public boolean searchesExactly(String field) {
    return search().isExact(field);
  }

  @Override
  public void create(LoadSchema schema, LoadStamp stamp) {
    load.create(schema, stamp);
    forget();
  }

  @Override
  public Optional<LoadStamp> stamp() {
    return IndexSet.find(client, settings.collection()).flatMap(Load::stamp);
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
    if (!(loaded instanceof ElasticsearchStore other)) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE,
          "only a load of Elasticsearch can get the name '" + settings.collection() + "'");
    }
    return nameSwitch.plan(other.settings.collection(), stamp);
  }

  @Override
  public void switchTo(NameSwitch planned, LoadStamp stamp) {
    nameSwitch.switchTo(planned, stamp);
    forget();
  }

  @Override
  public void switchBack(NameSwitch planned, LoadStamp stamp) {
    nameSwitch.switchBack(planned, stamp);
    forget();
  }

  @Override
  public boolean dropReplaced(NameSwitch planned, LoadStamp stamp) {
    return nameSwitch.dropReplaced(planned, stamp);
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
