package io.vecferry.store.faiss;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Metadata that was converted by this process. A migration opens its source once per part;
 * converting a docstore takes seconds per million documents and is done once. Thread-safe; one
 * conversion runs at a time, which also bounds memory.
 */
final class SpillCache {
  private static final int KEPT_UNUSED = 2;

  private static final Map<Key, Entry> ENTRIES = new LinkedHashMap<>(16, 0.75f, true);

  private SpillCache() {}

  /**
   * What was converted.
   *
   * @param files states of all files that went into it
   * @param settings how
   */
  record Key(String files, Object settings) {}

  private static final class Entry {
    private final Path file;
    private int users;

    private Entry(Path file) {
      this.file = file;
    }
  }

  /** The rows as a file, which stays until it is released as often as acquired. */
  static synchronized Path acquire(Key key, Supplier<Path> convert) {
    Entry entry = ENTRIES.get(key);
    if (entry == null || !Files.exists(entry.file)) {
      Path file = convert.get();
      file.toFile().deleteOnExit();
      entry = new Entry(file);
      ENTRIES.put(key, entry);
    }
    entry.users++;
    return entry.file;
  }

  static synchronized void release(Path file) {
    for (Entry entry : ENTRIES.values()) {
      if (entry.file.equals(file)) {
        entry.users--;
      }
    }
    long unused = ENTRIES.values().stream().filter(entry -> entry.users == 0).count();
    Iterator<Entry> oldest = ENTRIES.values().iterator();
    while (unused > KEPT_UNUSED && oldest.hasNext()) {
      Entry entry = oldest.next();
      if (entry.users == 0) {
        oldest.remove();
        unused--;
        try {
          Files.deleteIfExists(entry.file);
        } catch (IOException e) {
          throw FileErrors.of("deleting", entry.file, e);
        }
      }
    }
  }
}
