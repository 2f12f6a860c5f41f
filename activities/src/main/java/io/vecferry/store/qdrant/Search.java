package io.vecferry.store.qdrant;

import io.qdrant.client.grpc.Common.Condition;
import io.qdrant.client.grpc.Common.FieldCondition;
import io.qdrant.client.grpc.Common.Filter;
import io.qdrant.client.grpc.Common.Match;
import io.qdrant.client.grpc.Points.BatchResult;
import io.qdrant.client.grpc.Points.DenseVector;
import io.qdrant.client.grpc.Points.PayloadIncludeSelector;
import io.qdrant.client.grpc.Points.Query;
import io.qdrant.client.grpc.Points.QueryBatchPoints;
import io.qdrant.client.grpc.Points.QueryPoints;
import io.qdrant.client.grpc.Points.ScoredPoint;
import io.qdrant.client.grpc.Points.SearchParams;
import io.qdrant.client.grpc.Points.VectorInput;
import io.qdrant.client.grpc.Points.WithPayloadSelector;
import io.qdrant.client.grpc.Points.WithVectorsSelector;
import io.qdrant.client.grpc.PointsGrpc;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.TextColumn;
import io.vecferry.record.VectorKind;
import io.vecferry.store.Metric;
import io.vecferry.store.Neighbours;
import io.vecferry.store.ReservedKeys;
import io.vecferry.store.StoreException;
import io.vecferry.store.TextFilter;
import java.util.Arrays;
import java.util.List;

/** Asks a collection for the nearest points, with its index, as its users do. */
final class Search {
  private static final int QUERIES_PER_REQUEST = 32;

  private final Connection connection;
  private final Layout layout;
  private final int beam;
  private final TextFilter only;

  /**
   * @param beam beam of a search, 0 for the server's default
   * @param only the points that are searched; null for all
   */
  Search(Connection connection, Layout layout, int beam, TextFilter only) {
    this.connection = connection;
    this.layout = layout;
    this.beam = beam;
    this.only = only;
  }

  Neighbours nearest(String fieldName, float[] queries, int count, int k) {
    VectorField field = layout.field(fieldName);
    if (field == null || field.kind() != VectorKind.DENSE) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE,
          "collection '"
              + layout.collection()
              + "' has no dense vector field '"
              + fieldName
              + "' to search; it has "
              + layout.fields().stream().map(VectorField::recordName).toList());
    }
    if (k > layout.limits().pageRows()) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE,
          "strict mode of collection '"
              + layout.collection()
              + "' allows "
              + layout.limits().pageRows()
              + " answers per query, "
              + k
              + " were asked for. Lower quality.topK.");
    }
    int[] counts = new int[count];
    float[] scores = new float[Math.multiplyExact(count, k)];
    TextColumn.Builder ids = new TextColumn.Builder(count * k);
    IdKind[] kinds = new IdKind[count * k];
    Arrays.fill(kinds, IdKind.STRING);
    int step = Math.min(QUERIES_PER_REQUEST, layout.limits().searches());
    for (int from = 0; from < count; from += step) {
      int to = Math.min(count, from + step);
      List<BatchResult> results = ask(field, queries, from, to, k);
      for (int query = from; query < to; query++) {
        List<ScoredPoint> found = results.get(query - from).getResultList();
        counts[query] = Math.min(k, found.size());
        for (int answer = 0; answer < k; answer++) {
          if (answer >= counts[query]) {
            ids.add("");
            continue;
          }
          ScoredPoint point = found.get(answer);
          PointMapping.Id id =
              layout.points().idOf(PointKey.of(point.getId()), point.getPayloadMap());
          ids.add(id.text());
          kinds[query * k + answer] = id.kind();
          scores[query * k + answer] = score(field.metric(), point.getScore());
        }
      }
    }
    return new Neighbours(
        k, counts, new IdColumn(ids.build(), count * k == 0 ? new IdKind[1] : kinds), scores);
  }

  private List<BatchResult> ask(VectorField field, float[] queries, int from, int to, int k) {
    WithPayloadSelector payload =
        layout.note() == null
            ? WithPayloadSelector.newBuilder().setEnable(false).build()
            : WithPayloadSelector.newBuilder()
                .setInclude(
                    PayloadIncludeSelector.newBuilder()
                        .addFields(ReservedKeys.ID)
                        .addFields(ReservedKeys.ID_KIND))
                .build();
    SearchParams.Builder params = SearchParams.newBuilder();
    if (beam > 0) {
      params.setHnswEf(Math.min(beam, layout.limits().searchBeam()));
    }
    QueryBatchPoints.Builder batch =
        QueryBatchPoints.newBuilder().setCollectionName(layout.collection());
    for (int query = from; query < to; query++) {
      DenseVector.Builder vector = DenseVector.newBuilder();
      for (int i = query * field.dimension(); i < (query + 1) * field.dimension(); i++) {
        vector.addData(queries[i]);
      }
      QueryPoints.Builder one =
          batch
              .addQueryPointsBuilder()
              .setCollectionName(layout.collection())
              .setQuery(Query.newBuilder().setNearest(VectorInput.newBuilder().setDense(vector)))
              .setLimit(k)
              .setParams(params)
              .setWithPayload(payload)
              .setWithVectors(WithVectorsSelector.newBuilder().setEnable(false));
      if (!field.name().isEmpty()) {
        one.setUsing(field.name());
      }
      if (only != null) {
        one.setFilter(
            Filter.newBuilder()
                .addMust(
                    Condition.newBuilder()
                        .setField(
                            FieldCondition.newBuilder()
                                .setKey(Layout.path(layout.metadataKey(), only.key()))
                                .setMatch(Match.newBuilder().setKeyword(only.text())))));
      }
    }
    return connection
        .read(
            PointsGrpc.getQueryBatchMethod(),
            batch.build(),
            "searching collection '" + layout.collection() + "'")
        .getResultList();
  }

  /** Qdrant's Euclidean distance is not squared. */
  private static float score(Metric metric, float score) {
    return metric == Metric.L2 ? score * score : score;
  }
}
