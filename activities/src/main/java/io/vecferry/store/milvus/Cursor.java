package io.vecferry.store.milvus;

/** Positions in a collection, which is read in the order of its key. */
final class Cursor {
  /** Before the first row. */
  static final String START = "";

  private static final String BEHIND = ">";

  private Cursor() {}

  static String behind(String key) {
    return BEHIND + key;
  }

  /** The key that a position is behind; null for the start. */
  static String key(String cursor) {
    return cursor.isEmpty() ? null : cursor.substring(BEHIND.length());
  }
}
