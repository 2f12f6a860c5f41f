package io.vecferry.store.qdrant;

import com.google.common.util.concurrent.ListenableFuture;
import io.qdrant.client.grpc.Points.RetrievedPoint;
import io.qdrant.client.grpc.Points.ScrollPoints;
import io.qdrant.client.grpc.Points.ScrollResponse;
import io.qdrant.client.grpc.Points.WithPayloadSelector;
import io.qdrant.client.grpc.Points.WithVectorsSelector;
import io.qdrant.client.grpc.PointsGrpc;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.VectorKind;
import io.vecferry.store.BatchReader;
import io.vecferry.store.StoreException;
import java.util.List;

/**
 * Reads the points of a range in the order of their ids, page by page, and asks for the next page
 * while the last one is worked on. There is no filter for a range of ids, but a page starts
 * anywhere; the end is found by comparing. Not thread-safe.
 */
final class RangeReader implements BatchReader {
  /** The cursor behind the last point of all. */
  static final String END = "end";

  /** Bytes that a page should have. */
  private static final long PAGE_BYTES = 8 << 20;

  /** Payload of a point, as assumed before one was seen. */
  private static final int PAYLOAD_BYTES = 400;

  private final Connection connection;
  private final Layout layout;
  private final PointKey end;
  private final String endCursor;
  private final int batchSize;
  private PointKey position;
  private int mostRows;
  private long rowBytes;
  private ScrollPoints asked;
  private ListenableFuture<ScrollResponse> answer;

  /**
   * @param start cursor of the first point
   * @param endCursor cursor behind the last point
   */
  RangeReader(Connection connection, Layout layout, String start, String endCursor, int batchSize) {
    this.connection = connection;
    this.layout = layout;
    this.position = key(start);
    this.end = key(endCursor);
    this.endCursor = endCursor;
    this.batchSize = batchSize;
    this.mostRows = layout.limits().pageRows();
    this.rowBytes = rowBytes(layout);
  }

  /** The key that a cursor names; null for the end of all. */
  static PointKey key(String cursor) {
    try {
      return cursor.equals(END) ? null : PointKey.parse(cursor);
    } catch (IllegalArgumentException e) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE, "'" + cursor + "' is no position in a Qdrant collection", e);
    }
  }

  /** Bytes that a point takes in a message, as far as the collection's layout tells. */
  static long rowBytes(Layout layout) {
    long bytes = PAYLOAD_BYTES;
    for (VectorField field : layout.fields()) {
      int vectors = field.kind() == VectorKind.MULTI ? 32 : 1;
      bytes += field.kind() == VectorKind.SPARSE ? 1024 : 4L * vectors * field.dimension() + 16;
    }
    return bytes;
  }

  @Override
  public RecordBatch next() {
    while (position != null && (end == null || position.compareTo(end) < 0)) {
      ScrollResponse page;
      try {
        page = nextPage();
      } catch (StoreException e) {
        if (e.failureClass() != FailureClass.TOO_LARGE || asked.getLimit() <= 1) {
          throw e;
        }
        mostRows = asked.getLimit() / 2;
        rowBytes = Math.max(rowBytes, PAGE_BYTES / mostRows);
        answer = null;
        continue;
      }
      List<RetrievedPoint> points = page.getResultList();
      position = page.hasNextPageOffset() ? PointKey.of(page.getNextPageOffset()) : null;
      points = insideRange(points);
      if (!points.isEmpty()) {
        rowBytes = Math.max(1, page.getSerializedSize() / page.getResultCount());
      }
      if (position != null && (end == null || position.compareTo(end) < 0)) {
        ask();
      }
      if (!points.isEmpty()) {
        return layout.points().decode(points);
      }
    }
    return null;
  }

  private ScrollResponse nextPage() {
    if (answer == null) {
      ask();
    }
    ScrollResponse page =
        connection.await(
            PointsGrpc.getScrollMethod(),
            asked,
            answer,
            "reading collection '" + layout.collection() + "'");
    answer = null;
    return page;
  }

  private List<RetrievedPoint> insideRange(List<RetrievedPoint> points) {
    if (end == null) {
      return points;
    }
    int inside = points.size();
    while (inside > 0 && PointKey.of(points.get(inside - 1).getId()).compareTo(end) >= 0) {
      inside--;
    }
    return points.subList(0, inside);
  }

  private void ask() {
    int rows = (int) Math.max(1, Math.min(batchSize, PAGE_BYTES / rowBytes));
    asked = page(layout.collection(), position, Math.min(rows, mostRows), true);
    answer = connection.start(PointsGrpc.getScrollMethod(), asked);
  }

  /** A request for points from an id on. */
  static ScrollPoints page(String collection, PointKey start, int rows, boolean withContent) {
    return ScrollPoints.newBuilder()
        .setCollectionName(collection)
        .setOffset(start.toPointId())
        .setLimit(rows)
        .setWithPayload(WithPayloadSelector.newBuilder().setEnable(withContent))
        .setWithVectors(WithVectorsSelector.newBuilder().setEnable(withContent))
        .build();
  }

  @Override
  public String cursor() {
    boolean inside = position != null && (end == null || position.compareTo(end) < 0);
    return inside ? position.toString() : endCursor;
  }

  @Override
  public void close() {
    if (answer != null) {
      answer.cancel(true);
    }
  }
}
