package io.vecferry.store.qdrant;

import io.qdrant.client.grpc.JsonWithInt.Value;
import io.qdrant.client.grpc.Points.PointStruct;
import io.qdrant.client.grpc.Points.RetrievedPoint;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.store.Reject;
import io.vecferry.store.StoreException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Records into points and back: ids, payload and vectors together. Pure; the same for every server
 * but for the form of vectors on the wire.
 */
final class PointMapping {
  private final IdMapping ids;
  private final PayloadMapping payloads;
  private final VectorMapping vectors;

  PointMapping(IdMapping ids, PayloadMapping payloads, VectorMapping vectors) {
    this.ids = ids;
    this.payloads = payloads;
    this.vectors = vectors;
  }

  IdMapping ids() {
    return ids;
  }

  /**
   * Points to write.
   *
   * @param points what can be written
   * @param refused what cannot, with the reason
   */
  record Encoded(List<PointStruct> points, List<Reject> refused) {}

  Encoded encode(RecordBatch batch) {
    VectorMapping.Encoder encoder = vectors.encoder(batch.vectors());
    List<PointStruct> points = new ArrayList<>(batch.rows());
    List<Reject> refused = new ArrayList<>();
    for (int row = 0; row < batch.rows(); row++) {
      String id = batch.ids().get(row);
      String problem = encoder.problem(row);
      if (problem != null) {
        refused.add(new Reject(id, problem));
        continue;
      }
      IdMapping.Mapped mapped = ids.map(batch.ids().kind(row), id);
      PointStruct.Builder point = PointStruct.newBuilder().setId(mapped.key().toPointId());
      PayloadMapping.Extras extras =
          new PayloadMapping.Extras(
              mapped.keepsText() ? id : null,
              mapped.keepsKind() ? batch.ids().kind(row) : null,
              encoder.norms(row));
      try {
        payloads.encode(batch.metadata(), batch.documents(), row, extras, point::putPayload);
      } catch (StoreException e) {
        if (e.failureClass() != FailureClass.BAD_RECORD) {
          throw e;
        }
        refused.add(new Reject(id, e.getMessage()));
        continue;
      }
      points.add(point.setVectors(encoder.vectors(row)).build());
    }
    return new Encoded(points, refused);
  }

  /** Records of points, in their order. */
  RecordBatch decode(List<RetrievedPoint> points) {
    int rows = points.size();
    TextColumn.Builder texts = new TextColumn.Builder(rows);
    TextColumn.Builder documents = new TextColumn.Builder(rows);
    IdKind[] kinds = new IdKind[rows];
    VectorMapping.Decoder vectorDecoder = vectors.decoder(rows);
    try (PayloadMapping.Decoder metadata = payloads.new Decoder(rows)) {
      for (int row = 0; row < rows; row++) {
        RetrievedPoint point = points.get(row);
        Map<String, Value> payload = point.getPayloadMap();
        PointKey key = PointKey.of(point.getId());
        String original = payloads.id(payload);
        texts.add(original == null ? key.toString() : original);
        kinds[row] = ids.kindOf(key, original, payloads.kind(payload));
        documents.add(payloads.document(payload));
        metadata.add(payload);
        vectorDecoder.add(point.getVectors(), payloads.norms(payload));
      }
      return new RecordBatch(
          new IdColumn(texts.build(), rows == 0 ? new IdKind[] {IdKind.STRING} : kinds),
          vectorDecoder.build(),
          documents.build(),
          metadata.build());
    }
  }

  /** The original id of a point, and its kind. */
  Id idOf(PointKey key, Map<String, Value> payload) {
    String original = payloads.id(payload);
    return new Id(
        ids.kindOf(key, original, payloads.kind(payload)),
        original == null ? key.toString() : original);
  }

  /** An id with its kind. */
  record Id(IdKind kind, String text) {}
}
