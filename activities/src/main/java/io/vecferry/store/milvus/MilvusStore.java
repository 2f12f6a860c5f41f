package io.vecferry.store.milvus;

import io.milvus.grpc.CollectionSchema;
import io.milvus.grpc.DescribeCollectionResponse;
import io.milvus.grpc.FieldSchema;
import io.milvus.grpc.IndexDescription;
import io.milvus.grpc.ShowPartitionsRequest;
import io.milvus.grpc.ShowPartitionsResponse;
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
import io.vecferry.store.Metric;
import io.vecferry.store.NameSwitcher;
import io.vecferry.store.Neighbours;
import io.vecferry.store.SearchWidth;
import io.vecferry.store.SourceRange;
import io.vecferry.store.StoreException;
import io.vecferry.store.TextFilter;
import io.vecferry.store.VectorFieldInfo;
import io.vecferry.store.VectorStore;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** A collection of a Milvus server. */
final class MilvusStore implements VectorStore {
  /** Key of the configuration with all that makes the collection, for targets of the same type. */
  static final String SCHEMA = "schema";

  private static final String TTL = "collection.ttl.seconds";
  private static final String DEFAULT_PARTITION = "_default";
  private static final int IDS_PER_QUERY = 1_000;
  private static final int BYTES_PER_FILTER = 1 << 20;

  private final MilvusClient client;
  private final MilvusOptions options;
  private final MilvusCollection collection;
  private final MilvusLoad load;
  private final NameSwitcher switcher;
  private final MilvusSearch search;
  private KeyScan scan;

  MilvusStore(MilvusOptions options) {
    this.options = options;
    this.client = MilvusClient.connect(options);
    this.collection = new MilvusCollection(client, options);
    this.load = new MilvusLoad(collection);
    this.switcher = new NameSwitcher(new SwitchedNames(client, options));
    this.search = new MilvusSearch(collection);
  }

  @Override
  public boolean exists() {
    return collection.find().isPresent();
  }

  @Override
  public CollectionInfo describe() {
    DescribeCollectionResponse found = collection.describe();
    Layout layout = collection.layout(found);
    Map<String, Map<String, String>> indexes = new TreeMap<>();
    for (IndexDescription index : collection.indexes()) {
      indexes.put(index.getFieldName(), NativeSchema.pairs(index.getParamsList()));
    }
    boolean loaded = collection.isLoaded();
    long count = loaded ? collection.count("") : collection.roughCount();
    return new CollectionInfo(
        client.version().product(),
        (options.database().isEmpty() ? "" : options.database() + ".") + options.collection(),
        layout.vectors().stream().map(vector -> info(vector, indexes)).toList(),
        layout.idKinds(),
        rows(count),
        -1,
        configuration(found, layout, indexes, loaded),
        fingerprint(found, count));
  }

  /** Rows that a reader will see: those with the same key are one. */
  private synchronized long rows(long count) {
    return scan != null && scan.rows() < count ? scan.rows() : count;
  }

  private static VectorFieldInfo info(
      Layout.Vector vector, Map<String, Map<String, String>> indexes) {
    Map<String, String> index = indexes.getOrDefault(vector.field(), Map.of());
    return new VectorFieldInfo(
        vector.name(),
        vector.kind(),
        vector.element(),
        vector.dimension(),
        metric(index.get("metric_type"), vector),
        0,
        index.getOrDefault("index_type", ""),
        MilvusSearch.flat(index),
        vector.nullable());
  }

  private static Metric metric(String said, Layout.Vector vector) {
    for (Metric metric : IndexRules.metrics(vector.type())) {
      if (metric.name().equalsIgnoreCase(said)) {
        return metric;
      }
    }
    return IndexRules.metrics(vector.type()).iterator().next();
  }

  private Map<String, String> configuration(
      DescribeCollectionResponse found,
      Layout layout,
      Map<String, Map<String, String>> indexes,
      boolean loaded) {
    Map<String, String> configuration = new LinkedHashMap<>();
    CollectionSchema schema = found.getSchema();
    if (!schema.getName().isEmpty() && !schema.getName().equals(options.collection())) {
      configuration.put("alias of", schema.getName());
    }
    configuration.put("key", layout.idField() + (layout.textIds() ? " (VARCHAR)" : " (INT64)"));
    schema.getFieldsList().stream()
        .filter(FieldSchema::getIsPartitionKey)
        .forEach(field -> configuration.put("partition key", field.getName()));
    if (layout.document() != null) {
      configuration.put("document field", layout.document().field());
    }
    configuration.put("dynamic field", schema.getEnableDynamicField() ? "yes" : "no");
    configuration.put("loaded", loaded ? "yes" : "no");
    List<String> partitions = partitions();
    if (partitionKey(schema).isEmpty() && partitions.size() > 1) {
      configuration.put("partitions", String.join(", ", partitions));
    }
    if (found.getAliasesCount() > 0) {
      configuration.put(
          "aliases", found.getAliasesList().stream().sorted().collect(Collectors.joining(", ")));
    }
    NativeSchema whole = nativeSchema(found, layout, indexes, partitions.size());
    whole.properties().forEach((key, value) -> configuration.put("property " + key, value));
    configuration.put(SCHEMA, whole.toJson());
    return configuration;
  }

  private static NativeSchema nativeSchema(
      DescribeCollectionResponse found,
      Layout layout,
      Map<String, Map<String, String>> indexes,
      int partitions) {
    Map<String, String> properties =
        new LinkedHashMap<>(NativeSchema.pairs(found.getPropertiesList()));
    properties.remove(CollectionNote.PROPERTY);
    CollectionSchema.Builder schema = found.getSchema().toBuilder();
    if (layout.note() != null) {
      schema.setDescription(layout.note().description());
    }
    Map<String, String> renamed = new LinkedHashMap<>();
    for (Layout.Vector vector : layout.vectors()) {
      if (!vector.name().equals(vector.field())) {
        renamed.put(vector.field(), vector.name());
      }
    }
    return new NativeSchema(
        schema.build(),
        found.getShardsNum(),
        partitionKey(found.getSchema()).isPresent() ? partitions : 0,
        found.getConsistencyLevel(),
        properties,
        indexes,
        renamed,
        layout.document() == null ? null : layout.document().field());
  }

  private static Optional<FieldSchema> partitionKey(CollectionSchema schema) {
    return schema.getFieldsList().stream().filter(FieldSchema::getIsPartitionKey).findFirst();
  }

  private List<String> partitions() {
    return client
        .get(
            MilvusErrors.Call.ADMINISTER,
            collection.doing("looking at the partitions of"),
            stub ->
                stub.showPartitions(
                    ShowPartitionsRequest.newBuilder()
                        .setCollectionName(options.collection())
                        .build()),
            ShowPartitionsResponse::getStatus)
        .getPartitionNamesList();
  }

  /**
   * Which collection it is, and how many rows it has. Statistics of segments say no more: they
   * change when rows do, and also when the server compacts.
   */
  static String fingerprint(DescribeCollectionResponse found, long count) {
    return "%d:%d:%d".formatted(found.getCollectionID(), found.getCreatedTimestamp(), count);
  }

  @Override
  public List<Finding> assess() {
    DescribeCollectionResponse found = collection.describe();
    CollectionSchema schema = found.getSchema();
    List<Finding> findings = new ArrayList<>();
    assessVersion(findings);
    if (schema.getStructArrayFieldsCount() > 0) {
      findings.add(
          Finding.blocking(
              "source",
              "field '"
                  + schema.getStructArrayFields(0).getName()
                  + "' is an array of structs, which vecferry cannot read.",
              "Migrate a collection without such fields."));
    }
    Layout layout = collection.layout(found);
    if (layout.vectors().isEmpty()) {
      findings.add(Finding.blocking("source", "there is no vector field to read.", ""));
    }
    var computed = Layout.computed(schema);
    if (!computed.isEmpty()) {
      findings.add(
          Finding.info(
              "source",
              "fields that the server computes are not exported: "
                  + computed.stream().sorted().collect(Collectors.joining(", "))
                  + "; a Milvus target computes them again"));
    }
    assessProperties(found, findings);
    findings.add(
        Finding.info(
            "source",
            "Milvus has no version of a collection. That rows are added or removed during the export"
                + " is noticed by their number; rows that are changed in place, or replaced by as"
                + " many others, are not. Stop what writes to "
                + options.place()
                + "."));
    if (!collection.isLoaded() && !options.load()) {
      findings.add(
          Finding.blocking(
              "source.collection",
              options.place() + " is not loaded, and only a loaded collection can be read.",
              "Load it, or let vecferry do it with source.options.load: true."));
      return findings;
    }
    assessRows(layout, findings);
    return findings;
  }

  private void assessVersion(List<Finding> findings) {
    if (!client.version().known()) {
      findings.add(
          Finding.warning(
              options.role(),
              client.version().product() + " is none of the versions that vecferry was tried with.",
              "Try a small collection first."));
    }
  }

  private void assessProperties(DescribeCollectionResponse found, List<Finding> findings) {
    String seconds = NativeSchema.pairs(found.getPropertiesList()).get(TTL);
    if (seconds != null && !seconds.equals("0")) {
      findings.add(
          Finding.warning(
              "source",
              "rows vanish by themselves "
                  + seconds
                  + " seconds after they were written ("
                  + TTL
                  + "). When that happens during the export, the migration stops.",
              "Set it to 0 for the time of the migration."));
    }
    List<String> own =
        partitions().stream().filter(name -> !name.equals(DEFAULT_PARTITION)).toList();
    if (partitionKey(found.getSchema()).isEmpty() && !own.isEmpty()) {
      findings.add(
          Finding.warning(
              "source",
              "rows lie in the partitions "
                  + String.join(", ", own)
                  + "; all are moved, but which partition a row was in is not.",
              ""));
    }
  }

  private void assessRows(Layout layout, List<Finding> findings) {
    long unique = scan().rows();
    long count = collection.count("");
    long unreachable =
        layout.textIds() ? 0 : collection.count(layout.idField() + " >= " + Filter.LARGEST);
    if (unreachable > 0) {
      findings.add(
          Finding.blocking(
              "source",
              "there is a row with the key "
                  + Filter.LARGEST
                  + ", which Milvus counts but returns from no query.",
              "Give it another key."));
    }
    long repeated = count - unreachable - unique;
    if (repeated > 0) {
      findings.add(
          Finding.warning(
              "source",
              repeated
                  + " rows have a key that another row has too. Milvus returns one row per key, and"
                  + " that one is moved: "
                  + unique
                  + " records.",
              "Write such rows anew with upsert when the right one has to win."));
    } else if (repeated < 0) {
      findings.add(
          Finding.blocking(
              "source",
              "Milvus counts "
                  + count
                  + " rows and returns "
                  + unique
                  + " keys; rows are being written.",
              "Stop writing to the collection for the time of the migration."));
    }
  }

  private synchronized KeyScan scan() {
    if (scan == null) {
      collection.requireLoaded();
      scan = KeyScan.of(collection);
    }
    return scan;
  }

  @Override
  public List<Finding> assessLoad(LoadSchema schema) {
    List<Finding> findings = new ArrayList<>();
    assessVersion(findings);
    findings.addAll(Blueprint.of(options, client.version(), schema).findings());
    return findings;
  }

  @Override
  public List<FieldMapping> mapping(LoadSchema schema) {
    return Blueprint.of(options, client.version(), schema).mapping(schema);
  }

  @Override
  public List<SourceRange> split(int wanted) {
    return scan().split(wanted);
  }

  @Override
  public BatchReader read(SourceRange range, String cursor, int batchSize) {
    collection.requireLoaded();
    return new MilvusReader(collection, range, cursor, batchSize);
  }

  @Override
  public RecordBatch fetch(IdColumn ids) {
    collection.requireLoaded();
    Layout layout = collection.layout();
    BatchBuilder builder = new BatchBuilder(layout, ids.rows());
    long fitting = 2 * options.pageBytes() / Math.max(1, layout.vectorBytes());
    long most = Math.max(1, Math.min(IDS_PER_QUERY, fitting));
    int from = 0;
    while (from < ids.rows()) {
      int to = from;
      long bytes = 0;
      while (to < ids.rows() && to - from < most && bytes < BYTES_PER_FILTER) {
        bytes += ids.texts().length(to++);
      }
      fetch(ids, from, to, builder);
      from = to;
    }
    return builder.build();
  }

  private void fetch(IdColumn ids, int from, int to, BatchBuilder builder) {
    Layout layout = collection.layout();
    List<String> keys = new ArrayList<>();
    for (int row = from; row < to; row++) {
      if (layout.textIds() || RowEncoder.isInt64(ids.get(row))) {
        keys.add(ids.get(row));
      }
    }
    if (keys.isEmpty()) {
      return;
    }
    Page page;
    try {
      String filter = collection.filter(layout).in(keys);
      page =
          new Page(
              collection.ask(collection.query(filter, layout.outputFields(), 0, false, 0)), layout);
    } catch (StoreException e) {
      if (e.failureClass() != FailureClass.TOO_LARGE || to - from == 1) {
        throw e;
      }
      int middle = (from + to) >>> 1;
      fetch(ids, from, middle, builder);
      fetch(ids, middle, to, builder);
      return;
    }
    Map<String, Integer> rows = new HashMap<>();
    for (int row = 0; row < page.rows(); row++) {
      rows.put(page.id(row), row);
    }
    for (int row = from; row < to; row++) {
      Integer found = rows.get(ids.get(row));
      if (found != null) {
        builder.addIfOfKind(page, found, ids.kind(row));
      }
    }
  }

  @Override
  public Neighbours search(String field, float[] queries, int count, int k) {
    collection.requireLoaded();
    return search.search(field, queries, count, k, 0, null);
  }

  @Override
  public Optional<SearchWidth> searchWidth(String field, int k) {
    return search.width(field, k);
  }

  @Override
  public Neighbours search(String field, float[] queries, int count, int k, long width) {
    collection.requireLoaded();
    return search.search(field, queries, count, k, width, null);
  }

  @Override
  public boolean canFilter(TextFilter only) {
    return search.expression(only).isPresent();
  }

  @Override
  public Neighbours search(String field, float[] queries, int count, int k, TextFilter only) {
    collection.requireLoaded();
    return search.search(field, queries, count, k, 0, only);
  }

  @Override
  public boolean searchesExactly(String field) {
    return search.isExact(field);
  }

  @Override
  public void create(LoadSchema schema, LoadStamp stamp) {
    load.create(schema, stamp);
  }

  @Override
  public Optional<LoadStamp> stamp() {
    return load.stamp();
  }

  @Override
  public BatchWriter write(String part, LoadStamp stamp) {
    return load.write(stamp);
  }

  @Override
  public void remove(IdColumn ids, LoadStamp stamp) {
    load.remove(ids, stamp);
  }

  @Override
  public void finishLoad(List<String> parts, LoadStamp stamp) {
    load.finish(stamp);
  }

  @Override
  public void awaitIndexes(LoadStamp stamp) {
    load.awaitIndexes(stamp);
  }

  @Override
  public NameSwitch planSwitch(VectorStore loaded, LoadStamp stamp) {
    if (!(loaded instanceof MilvusStore other)) {
      throw new StoreException(
          FailureClass.BUG, "only a Milvus load can get the name " + options.place());
    }
    return switcher.plan(options.collection(), other.options.collection(), stamp);
  }

  @Override
  public void switchTo(NameSwitch planned, LoadStamp stamp) {
    switcher.switchTo(planned, stamp);
    collection.forget();
  }

  @Override
  public void switchBack(NameSwitch planned, LoadStamp stamp) {
    switcher.switchBack(planned, stamp);
    collection.forget();
  }

  @Override
  public boolean dropReplaced(NameSwitch planned, LoadStamp stamp) {
    return switcher.dropReplaced(planned, stamp);
  }

  @Override
  public boolean drop(LoadStamp stamp) {
    return load.drop(stamp);
  }

  @Override
  public void close() {
    try {
      collection.releaseIfLoaded();
    } finally {
      client.close();
    }
  }
}
