package io.vecferry.store.qdrant;

import io.qdrant.client.grpc.Collections.StrictModeConfig;

/**
 * What strict mode allows in one request of a collection.
 *
 * @param pageRows points in a page or an answer to a query
 * @param writeRows points in a write
 * @param readRows points read by id, which count against the reads of a minute one by one
 * @param searches queries in one request
 * @param searchBeam beam of a search
 * @param unindexedFilters whether a filter may be on a payload key without an index
 */
record Limits(
    int pageRows,
    int writeRows,
    int readRows,
    int searches,
    long searchBeam,
    boolean unindexedFilters) {

  static Limits of(StrictModeConfig mode) {
    if (!mode.getEnabled()) {
      return new Limits(
          Integer.MAX_VALUE,
          Integer.MAX_VALUE,
          Integer.MAX_VALUE,
          Integer.MAX_VALUE,
          Long.MAX_VALUE,
          true);
    }
    int writes = (int) limit(mode.hasWriteRateLimit(), mode.getWriteRateLimit() & 0xffffffffL);
    int batch = (int) limit(mode.hasUpsertMaxBatchsize(), mode.getUpsertMaxBatchsize());
    return new Limits(
        (int) limit(mode.hasMaxQueryLimit(), mode.getMaxQueryLimit() & 0xffffffffL),
        Math.min(writes, batch),
        (int) limit(mode.hasReadRateLimit(), mode.getReadRateLimit() & 0xffffffffL),
        (int) limit(mode.hasSearchMaxBatchsize(), mode.getSearchMaxBatchsize()),
        mode.hasSearchMaxHnswEf() ? mode.getSearchMaxHnswEf() & 0xffffffffL : Long.MAX_VALUE,
        !mode.hasUnindexedFilteringRetrieve() || mode.getUnindexedFilteringRetrieve());
  }

  private static long limit(boolean set, long value) {
    return set ? Math.max(1, Math.min(value, Integer.MAX_VALUE)) : Integer.MAX_VALUE;
  }
}
