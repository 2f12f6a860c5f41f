package io.vecferry.store.milvus;

import com.google.common.util.concurrent.ListenableFuture;
import io.milvus.grpc.QueryRequest;
import io.milvus.grpc.QueryResults;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.RecordBatch;
import io.vecferry.store.BatchReader;
import io.vecferry.store.SourceRange;
import io.vecferry.store.StoreException;

/**
 * Reads a range page by page in the order of the key; the next page is asked for while one is being
 * used. A page may be shorter or longer than asked for; only an empty one is the end.
 */
final class MilvusReader implements BatchReader {
  private static final int MOST_PAGE_ROWS = 8_192;

  /** What a record takes beside its vectors, before any was seen. */
  private static final int OTHER_BYTES = 512;

  private final MilvusCollection collection;
  private final Layout layout;
  private final Filter filter;
  private final long moment;
  private final String end;
  private final int batchSize;
  private final long pageBytes;
  private String cursor;
  private String asked;
  private int mostRows = MOST_PAGE_ROWS;
  private int pageRows;
  private QueryRequest request;
  private ListenableFuture<QueryResults> answer;
  private Page page;
  private int row;
  private long bytesOfPage;

  MilvusReader(MilvusCollection collection, SourceRange range, String cursor, int batchSize) {
    this.collection = collection;
    this.layout = collection.layout();
    this.filter = collection.filter(layout);
    this.end = range.end();
    this.batchSize = batchSize;
    this.pageBytes = collection.options().pageBytes();
    this.cursor = cursor == null ? range.start() : cursor;
    this.moment = collection.now();
    setPageRows(layout.vectorBytes() + OTHER_BYTES);
    askBehind(Cursor.key(this.cursor));
  }

  private void setPageRows(long bytesPerRow) {
    long rows = Math.min(mostRows, pageBytes / Math.max(1, bytesPerRow));
    // Whole batches, so that none is cut by the end of a page.
    pageRows = (int) Math.max(1, rows > batchSize ? rows / batchSize * batchSize : rows);
  }

  private void askBehind(String key) {
    asked = key;
    if (end.equals(Cursor.START) || (key != null && end.equals(Cursor.behind(key)))) {
      request = null;
      answer = null;
      return;
    }
    request =
        collection.query(
            filter.range(key, Cursor.key(end)), layout.outputFields(), pageRows, true, moment);
    answer = collection.start(request);
  }

  @Override
  public RecordBatch next() {
    if (page == null || row == page.rows()) {
      if (!nextPage()) {
        cursor = end;
        return null;
      }
    }
    int to = Math.min(page.rows(), row + batchSize);
    BatchBuilder builder = new BatchBuilder(layout, to - row);
    for (; row < to; row++) {
      builder.add(page, row);
    }
    cursor = Cursor.behind(page.id(to - 1));
    RecordBatch batch = builder.build();
    bytesOfPage += batch.bytes();
    return batch;
  }

  /**
   * @return whether there is one
   */
  private boolean nextPage() {
    if (page != null && page.rows() > 0) {
      setPageRows(bytesOfPage / page.rows());
    }
    page = null;
    bytesOfPage = 0;
    while (answer != null) {
      try {
        page = new Page(collection.take(answer, request), layout);
        break;
      } catch (StoreException e) {
        if (e.failureClass() != FailureClass.TOO_LARGE || pageRows == 1) {
          throw e;
        }
        pageRows /= 2;
        mostRows = pageRows;
        askBehind(asked);
      }
    }
    if (page == null || page.rows() == 0) {
      answer = null;
      return false;
    }
    KeyScan.requireOrder(page, layout, asked);
    row = 0;
    askBehind(page.id(page.rows() - 1));
    return true;
  }

  @Override
  public String cursor() {
    return cursor;
  }

  @Override
  public void close() {
    if (answer != null) {
      answer.cancel(true);
      answer = null;
    }
  }
}
