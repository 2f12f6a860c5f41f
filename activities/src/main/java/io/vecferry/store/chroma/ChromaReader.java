package io.vecferry.store.chroma;

import io.vecferry.record.RecordBatch;
import io.vecferry.store.BatchReader;
import java.util.List;
import java.util.Map;

/**
 * Reads a range of a list of ids. The next request is on its way while the records of the last one
 * are used.
 */
final class ChromaReader implements BatchReader {
  private final RecordFetcher fetcher;
  private final ChromaCollection collection;
  private final IdList list;
  private final long end;
  private final int batchSize;
  private final boolean exact;
  private long position;
  private List<String> asked = List.of();
  private ChromaClient.Pending pending;

  ChromaReader(
      RecordFetcher fetcher,
      ChromaCollection collection,
      IdList list,
      long start,
      long end,
      int batchSize,
      boolean exact) {
    this.fetcher = fetcher;
    this.collection = collection;
    this.list = list;
    this.position = start;
    this.end = end;
    this.batchSize = batchSize;
    this.exact = exact;
  }

  @Override
  public RecordBatch next() {
    if (pending == null) {
      ask(position);
    }
    if (pending == null) {
      return null;
    }
    ChromaClient.Pending now = pending;
    List<String> wanted = asked;
    pending = null;
    ResponsePage page;
    try {
      ask(position + wanted.size());
      page = fetcher.finish(collection, now);
    } catch (RuntimeException e) {
      now.cancel();
      throw e;
    }
    position += wanted.size();
    if (page.storedIds().equals(wanted)) {
      return page.batch();
    }
    Map<String, Integer> rows = page.rows();
    int[] order = wanted.stream().filter(rows::containsKey).mapToInt(rows::get).toArray();
    if (exact && order.length != wanted.size()) {
      throw RecordFetcher.gone(collection, wanted, page);
    }
    return page.batch().select(order);
  }

  private void ask(long from) {
    int rows = (int) Math.min(Math.min(batchSize, fetcher.rowsPerRequest(collection)), end - from);
    if (rows > 0) {
      asked = list.ids(from, rows);
      pending = fetcher.start(collection, asked);
    }
  }

  @Override
  public String cursor() {
    return Long.toString(position);
  }

  @Override
  public void close() {
    if (pending != null) {
      pending.cancel();
      pending = null;
    }
  }
}
