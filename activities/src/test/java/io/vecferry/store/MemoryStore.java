package io.vecferry.store;

import io.vecferry.plan.FailureClass;
import io.vecferry.plan.FieldMapping;
import io.vecferry.plan.Finding;
import io.vecferry.plan.NameSwitch;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.MultiVectors;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.SparseVectors;
import io.vecferry.record.TextColumn;
import io.vecferry.record.VectorColumn;
import io.vecferry.search.ExactSearch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A whole store in memory, for tests of what lies around stores: it holds every kind of vector
 * field and every id. All instances of one name share a collection. The order of its records is the
 * order in which their ids were first written.
 */
public final class MemoryStore implements VectorStore {
  private static final Map<String, Collection> COLLECTIONS = new ConcurrentHashMap<>();

  /** Collections by alias. */
  private static final Map<String, String> ALIASES = new ConcurrentHashMap<>();

  private static final NameSwitcher SWITCHER = new NameSwitcher(new Names());

  /** What happens to a collection when some more batches of it were read. */
  private static final Map<String, Later> LATER = new ConcurrentHashMap<>();

  private record Later(int reads, Runnable what) {}

  /** Ids that were asked to be removed, by collection. */
  private static final Map<String, List<String>> REMOVED = new ConcurrentHashMap<>();

  private final String name;
  private final boolean takesOver;

  /** A collection; records are batches of one row. */
  private record Collection(
      List<VectorFieldInfo> fields, LoadStamp stamp, Map<Key, RecordBatch> records) {

    void put(RecordBatch batch) {
      synchronized (records) {
        for (int row = 0; row < batch.rows(); row++) {
          records.put(
              new Key(batch.ids().kind(row), batch.ids().get(row)), batch.select(new int[] {row}));
        }
      }
    }

    List<RecordBatch> all() {
      synchronized (records) {
        return List.copyOf(records.values());
      }
    }

    RecordBatch join(List<RecordBatch> some) {
      return MemoryStore.join(fields, some);
    }
  }

  private static final class Names implements NameSwitcher.Names {
    @Override
    public Optional<NameSwitcher.Holder> find(String name) {
      String own = own(name);
      return Optional.ofNullable(COLLECTIONS.get(own))
          .map(
              found ->
                  new NameSwitcher.Holder(
                      own,
                      Integer.toString(System.identityHashCode(found)),
                      Optional.ofNullable(found.stamp),
                      ALIASES.keySet().stream()
                          .filter(alias -> ALIASES.get(alias).equals(own))
                          .toList()));
    }

    @Override
    public long rows(String name) {
      return COLLECTIONS.get(own(name)).all().size();
    }

    @Override
    public String fingerprint(String name) {
      return Long.toString(rows(name));
    }

    @Override
    public String keptName(String name, LoadStamp stamp) {
      return name + ".before-" + stamp.migration();
    }

    @Override
    public void rename(String from, String to) {
      MemoryStore.rename(from, to);
    }

    @Override
    public void point(NameSwitch planned, String collection) {
      ALIASES.put(planned.name(), collection);
    }

    @Override
    public void drop(String collection) {
      COLLECTIONS.remove(collection);
    }

    @Override
    public String betweenRenames() {
      return "between the two, readers are told that there is no such collection";
    }
  }

  private record Key(IdKind kind, String id) {}

  /**
   * @param takesOver whether a switch destroys what has the name, as in a store that cannot rename
   */
  MemoryStore(String name, boolean takesOver) {
    this.name = name;
    this.takesOver = takesOver;
  }

  /** Makes a collection of these records. */
  public static void fill(String name, List<VectorFieldInfo> fields, RecordBatch records) {
    Collection collection = new Collection(fields, null, new LinkedHashMap<>());
    collection.put(records);
    COLLECTIONS.put(name, collection);
  }

  /** Gives a collection another name. */
  public static void rename(String from, String to) {
    COLLECTIONS.put(to, COLLECTIONS.remove(from));
  }

  /** Lets something happen when so many batches of a collection were read. */
  public static void afterReads(String name, int reads, Runnable what) {
    LATER.put(name, new Later(reads, what));
  }

  private void read() {
    Later later = LATER.remove(name);
    if (later != null && later.reads > 0) {
      LATER.put(name, new Later(later.reads - 1, later.what));
    } else if (later != null) {
      later.what.run();
    }
  }

  /** Ids that a collection was asked to remove since this was asked last. */
  public static List<String> takeRemoved(String name) {
    List<String> removed = REMOVED.remove(name);
    return removed == null ? List.of() : removed;
  }

  /** Makes another name of a collection. */
  public static void alias(String alias, String collection) {
    ALIASES.put(alias, collection);
  }

  private static String own(String name) {
    return ALIASES.getOrDefault(name, name);
  }

  /** Names of all collections that start so, and their records as texts, in one order. */
  public static Map<String, List<String>> contents(String prefix) {
    Map<String, List<String>> contents = new TreeMap<>();
    COLLECTIONS.forEach(
        (key, collection) -> {
          if (key.startsWith(prefix)) {
            contents.put(key, collection.all().stream().map(MemoryStore::text).sorted().toList());
          }
        });
    return contents;
  }

  private static String text(RecordBatch record) {
    return record.ids().kind(0)
        + " "
        + record.ids().get(0)
        + " "
        + Arrays.toString(((DenseVectors) record.vectors().get(0)).values())
        + " "
        + record.documents().get(0)
        + " "
        + record.metadata().get(0);
  }

  /** Removes all collections and aliases whose names start so. */
  public static void forget(String prefix) {
    COLLECTIONS.keySet().removeIf(key -> key.startsWith(prefix));
    ALIASES.keySet().removeIf(key -> key.startsWith(prefix));
    REMOVED.keySet().removeIf(key -> key.startsWith(prefix));
  }

  private Collection collection() {
    Collection found = COLLECTIONS.get(own(name));
    if (found == null) {
      throw new StoreException(FailureClass.MISSING, "there is no collection " + name);
    }
    return found;
  }

  private Collection collection(LoadStamp stamp) {
    Collection found = collection();
    if (!stamp.equals(found.stamp)) {
      throw new StoreException(
          FailureClass.TARGET_CHANGED, name + " was not made by " + stamp.migration());
    }
    return found;
  }

  @Override
  public boolean exists() {
    return COLLECTIONS.containsKey(own(name));
  }

  @Override
  public CollectionInfo describe() {
    Collection found = collection();
    Set<IdKind> kinds = EnumSet.noneOf(IdKind.class);
    List<RecordBatch> all = found.all();
    all.forEach(record -> kinds.add(record.ids().kind(0)));
    return new CollectionInfo(
        "memory",
        name,
        found.fields,
        kinds.isEmpty() ? EnumSet.of(IdKind.STRING) : kinds,
        all.size(),
        -1,
        Map.of(),
        Integer.toString(all.size()));
  }

  @Override
  public List<Finding> assess() {
    return List.of();
  }

  @Override
  public List<Finding> assessLoad(LoadSchema schema) {
    return List.of();
  }

  @Override
  public List<FieldMapping> mapping(LoadSchema schema) {
    return List.of();
  }

  @Override
  public List<SourceRange> split(int wanted) {
    int rows = collection().all().size();
    int ranges = Math.max(1, Math.min(wanted, rows));
    List<SourceRange> all = new ArrayList<>();
    for (int i = 0; i < ranges; i++) {
      long start = (long) rows * i / ranges;
      long end = (long) rows * (i + 1) / ranges;
      all.add(new SourceRange(Long.toString(start), Long.toString(end), end - start, true));
    }
    return all;
  }

  @Override
  public BatchReader read(SourceRange range, String cursor, int batchSize) {
    Collection found = collection();
    List<RecordBatch> all = found.all();
    int end = Math.min(Integer.parseInt(range.end()), all.size());
    return new BatchReader() {
      private int next = Integer.parseInt(cursor == null ? range.start() : cursor);

      @Override
      public RecordBatch next() {
        read();
        int from = next;
        next = Math.max(from, Math.min(end, next + batchSize));
        return from == next ? null : found.join(all.subList(from, next));
      }

      @Override
      public String cursor() {
        return Integer.toString(next);
      }

      @Override
      public void close() {}
    };
  }

  @Override
  public RecordBatch fetch(IdColumn ids) {
    Collection found = collection();
    List<RecordBatch> records = new ArrayList<>();
    synchronized (found.records) {
      for (int row = 0; row < ids.rows(); row++) {
        RecordBatch record = found.records.get(new Key(ids.kind(row), ids.get(row)));
        if (record != null) {
          records.add(record);
        }
      }
    }
    return found.join(records);
  }

  @Override
  public Neighbours search(String field, float[] queries, int count, int k) {
    Collection found = collection();
    RecordBatch all = found.join(found.all());
    int number = found.fields.stream().map(VectorFieldInfo::name).toList().indexOf(field);
    DenseVectors column = (DenseVectors) all.vectors().get(number);
    VectorFieldInfo info = found.fields.get(number);
    ExactSearch search =
        new ExactSearch(info.metric(), info.metricArgument(), info.dimension(), queries, count, k);
    search.offer(column.values(), column.nulls(), 0, all.rows(), 0);
    int[] counts = new int[count];
    float[] scores = new float[count * k];
    String[] ids = new String[count * k];
    for (int query = 0; query < count; query++) {
      long[] rows = search.rows(query);
      counts[query] = rows.length;
      System.arraycopy(search.scores(query), 0, scores, query * k, rows.length);
      for (int i = 0; i < k; i++) {
        ids[query * k + i] = i < rows.length ? all.ids().get((int) rows[i]) : "";
      }
    }
    return new Neighbours(k, counts, IdColumn.ofStrings(ids), scores);
  }

  @Override
  public boolean searchesExactly(String field) {
    return true;
  }

  @Override
  public void create(LoadSchema schema, LoadStamp stamp) {
    COLLECTIONS.putIfAbsent(name, new Collection(schema.vectors(), stamp, new LinkedHashMap<>()));
    collection(stamp);
  }

  @Override
  public Optional<LoadStamp> stamp() {
    return Optional.ofNullable(COLLECTIONS.get(own(name))).map(Collection::stamp);
  }

  @Override
  public void remove(IdColumn ids, LoadStamp stamp) {
    Collection found = collection(stamp);
    synchronized (found.records) {
      for (int row = 0; row < ids.rows(); row++) {
        REMOVED.computeIfAbsent(name, key -> new ArrayList<>()).add(ids.get(row));
        found.records.remove(new Key(ids.kind(row), ids.get(row)));
      }
    }
  }

  @Override
  public BatchWriter write(String part, LoadStamp stamp) {
    Collection found = collection(stamp);
    return new SendingWriter(
        new SendingWriter.Limits(1000, 1 << 20),
        new AdaptiveRequests("memory", 0, 1),
        batch -> {
          found.put(batch);
          return List.of();
        });
  }

  @Override
  public void finishLoad(List<String> parts, LoadStamp stamp) {
    collection(stamp);
  }

  @Override
  public NameSwitch planSwitch(VectorStore load, LoadStamp stamp) {
    NameSwitch planned = SWITCHER.plan(name, ((MemoryStore) load).name, stamp);
    if (!takesOver || planned.before().isEmpty()) {
      return planned;
    }
    return new NameSwitch(
        name,
        planned.load(),
        name,
        "",
        NameSwitch.Gap.SHORT,
        true,
        name + " is removed",
        Map.of(NameSwitch.RESTORE_FROM_BACKUP, "true"));
  }

  @Override
  public void switchTo(NameSwitch planned, LoadStamp stamp) {
    if (takesOver && !planned.before().isEmpty()) {
      if (stamp().filter(stamp::equals).isEmpty()) {
        COLLECTIONS.put(name, COLLECTIONS.remove(planned.load()));
      }
      return;
    }
    SWITCHER.switchTo(planned, stamp);
  }

  @Override
  public void switchBack(NameSwitch planned, LoadStamp stamp) {
    if (takesOver && !planned.before().isEmpty()) {
      if (stamp().filter(stamp::equals).isPresent()) {
        COLLECTIONS.put(planned.load(), COLLECTIONS.remove(name));
      }
      return;
    }
    SWITCHER.switchBack(planned, stamp);
  }

  @Override
  public boolean dropReplaced(NameSwitch planned, LoadStamp stamp) {
    return SWITCHER.dropReplaced(planned, stamp);
  }

  @Override
  public boolean drop(LoadStamp stamp) {
    if (!exists()) {
      return false;
    }
    collection(stamp);
    return COLLECTIONS.remove(name) != null;
  }

  @Override
  public void close() {}

  private static RecordBatch join(List<VectorFieldInfo> fields, List<RecordBatch> records) {
    TextColumn.Builder ids = new TextColumn.Builder(records.size());
    TextColumn.Builder documents = new TextColumn.Builder(records.size());
    TextColumn.Builder metadata = new TextColumn.Builder(records.size());
    IdKind[] kinds = new IdKind[Math.max(1, records.size())];
    kinds[0] = IdKind.STRING;
    for (int i = 0; i < records.size(); i++) {
      RecordBatch record = records.get(i);
      kinds[i] = record.ids().kind(0);
      ids.add(record.ids().texts(), 0);
      documents.add(record.documents(), 0);
      metadata.add(record.metadata(), 0);
    }
    List<VectorColumn> columns = new ArrayList<>();
    for (int i = 0; i < fields.size(); i++) {
      int field = i;
      columns.add(
          records.isEmpty()
              ? empty(fields.get(field))
              : VectorColumn.concat(
                  records.stream().map(record -> record.vectors().get(field)).toList()));
    }
    return new RecordBatch(
        new IdColumn(ids.build(), kinds), columns, documents.build(), metadata.build());
  }

  private static VectorColumn empty(VectorFieldInfo field) {
    return switch (field.kind()) {
      case DENSE -> new DenseVectors(field.name(), field.dimension(), new float[0]);
      case SPARSE -> new SparseVectors(field.name(), new int[1], new int[0], new float[0], null);
      case MULTI ->
          new MultiVectors(field.name(), field.dimension(), new int[1], new float[0], null);
    };
  }
}
