package io.vecferry.store.qdrant;

import io.qdrant.client.grpc.Points.GetPoints;
import io.qdrant.client.grpc.Points.GetResponse;
import io.qdrant.client.grpc.Points.RetrievedPoint;
import io.qdrant.client.grpc.Points.WithPayloadSelector;
import io.qdrant.client.grpc.Points.WithVectorsSelector;
import io.qdrant.client.grpc.PointsGrpc;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.FieldMapping;
import io.vecferry.plan.Finding;
import io.vecferry.plan.NameSwitch;
import io.vecferry.record.IdColumn;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.VectorKind;
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
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A collection of a Qdrant server. */
final class QdrantStore implements VectorStore {
  private static final int FETCH_ROWS = 2_000;
  private static final long FETCH_BYTES = 8 << 20;

  private final Connection connection;
  private final Catalogue catalogue;
  private final Settings settings;
  private final Description description;
  private final Load load;
  private final CollectionSwitch nameSwitch;
  private volatile Layout layout;

  QdrantStore(Connection connection, Settings settings) {
    this.connection = connection;
    this.settings = settings;
    this.catalogue = new Catalogue(connection, settings);
    this.description = new Description(catalogue);
    this.load = new Load(catalogue);
    this.nameSwitch = new CollectionSwitch(catalogue);
  }

  /** The collection as it was when it was described last. */
  private Layout layout() {
    Layout known = layout;
    if (known == null) {
      known = description.visible();
      layout = known;
    }
    return known;
  }

  @Override
  public boolean exists() {
    return catalogue.exists();
  }

  @Override
  public CollectionInfo describe() {
    layout = description.visible();
    return description.describe(layout);
  }

  @Override
  public List<Finding> assess() {
    layout = description.visible();
    return description.assess(layout);
  }

  @Override
  public List<Finding> assessLoad(LoadSchema schema) {
    return new LoadPlan(schema, settings, catalogue.version()).findings();
  }

  @Override
  public List<FieldMapping> mapping(LoadSchema schema) {
    return new LoadPlan(schema, settings, catalogue.version()).mapping();
  }

  @Override
  public double deviation(LoadSchema schema) {
    return new LoadPlan(schema, settings, catalogue.version()).deviation();
  }

  @Override
  public List<SourceRange> split(int wanted) {
    Layout now = layout();
    long rows = catalogue.count(now.collection());
    return rows == 0 ? List.of() : new Splits(connection, now).split(wanted, rows);
  }

  @Override
  public BatchReader read(SourceRange range, String cursor, int batchSize) {
    return new RangeReader(
        connection, layout(), cursor == null ? range.start() : cursor, range.end(), batchSize);
  }

  @Override
  public RecordBatch fetch(IdColumn ids) {
    Layout now = layout();
    PointKey[] keys = new PointKey[ids.rows()];
    for (int row = 0; row < keys.length; row++) {
      keys[row] = now.points().ids().map(ids.kind(row), ids.get(row)).key();
    }
    Map<PointKey, RetrievedPoint> found = new HashMap<>();
    int rows = (int) Math.max(1, Math.min(FETCH_ROWS, FETCH_BYTES / RangeReader.rowBytes(now)));
    rows = Math.min(rows, now.limits().readRows());
    for (int from = 0; from < keys.length; from += rows) {
      get(now, keys, from, Math.min(keys.length, from + rows), found);
    }
    List<RetrievedPoint> points = new ArrayList<>(found.size());
    for (int row = 0; row < keys.length; row++) {
      RetrievedPoint point = found.get(keys[row]);
      // A point may stand where another id than its own would be mapped to.
      if (point != null
          && now.points()
              .idOf(keys[row], point.getPayloadMap())
              .equals(new PointMapping.Id(ids.kind(row), ids.get(row)))) {
        points.add(point);
      }
    }
    return now.points().decode(points);
  }

  private void get(
      Layout now, PointKey[] keys, int from, int to, Map<PointKey, RetrievedPoint> found) {
    GetPoints.Builder request =
        GetPoints.newBuilder()
            .setCollectionName(now.collection())
            .setWithPayload(WithPayloadSelector.newBuilder().setEnable(true))
            .setWithVectors(WithVectorsSelector.newBuilder().setEnable(true));
    for (int i = from; i < to; i++) {
      request.addIds(keys[i].toPointId());
    }
    GetResponse response;
    try {
      response =
          connection.read(
              PointsGrpc.getGetMethod(),
              request.build(),
              "fetching points of collection '" + now.collection() + "'");
    } catch (StoreException e) {
      if (e.failureClass() != FailureClass.TOO_LARGE || to - from < 2) {
        throw e;
      }
      int middle = (from + to) >>> 1;
      get(now, keys, from, middle, found);
      get(now, keys, middle, to, found);
      return;
    }
    for (RetrievedPoint point : response.getResultList()) {
      found.put(PointKey.of(point.getId()), point);
    }
  }

  @Override
  public Neighbours search(String field, float[] queries, int count, int k) {
    return search(field, queries, count, k, settings.searchBeam());
  }

  @Override
  public Optional<SearchWidth> searchWidth(String field, int k) {
    return describe().vectors().stream()
        .filter(info -> info.name().equals(field) && info.kind() == VectorKind.DENSE)
        .filter(info -> !info.indexType().equals("FLAT"))
        .findFirst()
        .map(
            info -> {
              long largest = Math.min(IndexPlan.LARGEST, layout().limits().searchBeam());
              // Without a beam of its own the server searches with that of the build.
              long built = Long.parseLong(info.indexParams().getOrDefault("efConstruction", "100"));
              long usual = settings.searchBeam() > 0 ? settings.searchBeam() : built;
              return new SearchWidth("ef", Math.min(Math.max(usual, k), largest), largest);
            });
  }

  @Override
  public Neighbours search(String field, float[] queries, int count, int k, long width) {
    return new Search(connection, layout(), Math.toIntExact(width), null)
        .nearest(field, queries, count, k);
  }

  @Override
  public boolean canFilter(TextFilter only) {
    Layout layout = layout();
    return layout.limits().unindexedFilters() && Layout.canName(layout.metadataKey());
  }

  @Override
  public Neighbours search(String field, float[] queries, int count, int k, TextFilter only) {
    return new Search(connection, layout(), settings.searchBeam(), only)
        .nearest(field, queries, count, k);
  }

  @Override
  public boolean searchesExactly(String field) {
    return false;
  }

  @Override
  public void create(LoadSchema schema, LoadStamp stamp) {
    load.create(schema, stamp);
    layout = null;
  }

  @Override
  public Optional<LoadStamp> stamp() {
    if (!catalogue.exists()) {
      return Optional.empty();
    }
    Layout now = catalogue.look();
    return Optional.ofNullable(now.note()).map(note -> note.load().stamp());
  }

  @Override
  public BatchWriter write(String part, LoadStamp stamp) {
    return load.write(stamp);
  }

  @Override
  public void remove(IdColumn ids, LoadStamp stamp) {
    load.remove(ids, stamp);
    layout = null;
  }

  @Override
  public void finishLoad(List<String> parts, LoadStamp stamp) {
    load.finish(stamp);
    layout = null;
  }

  @Override
  public void awaitIndexes(LoadStamp stamp) {
    load.awaitIndexes(stamp);
  }

  @Override
  public NameSwitch planSwitch(VectorStore loaded, LoadStamp stamp) {
    if (!(loaded instanceof QdrantStore other)) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE,
          "only a load of Qdrant can get the name '" + settings.collection() + "'");
    }
    return nameSwitch.plan(other.settings.collection(), stamp);
  }

  @Override
  public void switchTo(NameSwitch planned, LoadStamp stamp) {
    nameSwitch.switchTo(planned, stamp);
    layout = null;
  }

  @Override
  public void switchBack(NameSwitch planned, LoadStamp stamp) {
    nameSwitch.switchBack(planned, stamp);
    layout = null;
  }

  @Override
  public boolean dropReplaced(NameSwitch planned, LoadStamp stamp) {
    return nameSwitch.dropReplaced(planned, stamp);
  }

  @Override
  public boolean drop(LoadStamp stamp) {
    layout = null;
    return load.drop(stamp);
  }

  @Override
  public void close() {
    connection.close();
  }
}
