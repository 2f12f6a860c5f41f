package io.vecferry.store;

import java.util.Locale;

/**
 * What requests to a store were like in the end, as a run has found it or a person has said it: in
 * the last whole window of a target, and over all parts of a source.
 *
 * @param store type of the store
 * @param rows records in a request
 * @param atOnce most requests on their way at once; of a source most parts that were read at once
 * @param rowsPerSecond records a second of the time in which a request was on its way; of a source
 *     of the time in which a part was open, with what it took to write it to the archive
 */
public record RequestsFound(String store, int rows, int atOnce, long rowsPerSecond) {

  /** All of it in one sentence, of a target. */
  public String words() {
    return String.format(
        Locale.ROOT,
        "%s took %,d records/s with %,d record%s in a request, %,d request%s at once",
        store,
        rowsPerSecond,
        rows,
        rows == 1 ? "" : "s",
        atOnce,
        atOnce == 1 ? "" : "s");
  }
}
