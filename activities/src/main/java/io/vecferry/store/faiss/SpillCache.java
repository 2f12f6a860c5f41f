package io.vecferry.store.faiss;

import io.vecferry.record.IdKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Docstores that were converted by this process. A migration opens its source once per part;
 * converting a docstore takes seconds per million documents and is done once. Thread-safe; one
 * conversion runs at a time, which also bounds memory.
 */
final class SpillCache {
  private static final int KEPT_UNUSED = 2;

  private static final Map<Key, Entry> ENTRIES = new LinkedHashMap<>(16, 0.75f, true);

  private SpillCache() {}

  /** Which state of a docstore was converted, and for which index. */
  record Key(Path pickle, long size, FileTime modified, long rows, IdKind uniformKind) {}

  private static final class Entry {
    private final Path file;
    private int users;

    private Entry(Path file) {
      this.file = file;
    }
  }

  /** The rows of a docstore as a file, which stays until it is released as often as acquired. */
  static synchronized Path acquire(Key key) {
    Entry entry = ENTRIES.get(key);
    if (entry == null || !Files.exists(entry.file)) {
      Path file = LangChainReader.convert(key.pickle(), key.rows(), key.uniformKind());
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
