package io.vecferry.store.elasticsearch;

import io.vecferry.record.IdKind;
import io.vecferry.store.ReservedKeys;
import io.vecferry.store.TextIds;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Set;

/**
 * The id under which a record is stored, and back. Stored ids are texts of 1 to {@value #LONGEST}
 * bytes. In an index that a migration made, one that is too long is written as its hash; the
 * original then stands in the record, see {@link ReservedKeys#ID}. Pure. Thread-safe.
 *
 * @see TextIds
 */
final class IdMapping {
  /** Most bytes of a stored id. */
  static final int LONGEST = 512;

  private static final String HASHED = ReservedKeys.PREFIX + "hash:";

  private final boolean mapped;
  private final TextIds texts;

  /**
   * @param mapped whether a migration made the index
   * @param kinds kinds of ids that were loaded
   */
  IdMapping(boolean mapped, Set<IdKind> kinds) {
    this.mapped = mapped;
    this.texts = new TextIds(mapped, kinds);
  }

  /**
   * The stored id of a record.
   *
   * @return null when there can be no such record
   */
  String stored(IdKind kind, String id) {
    String stored = texts.stored(kind, id);
    if (stored == null || stored.getBytes(StandardCharsets.UTF_8).length <= LONGEST) {
      return stored;
    }
    return mapped
        ? HASHED + HexFormat.of().formatHex(IndexNames.digest(TextIds.escaped(kind, id)))
        : null;
  }

  /** Whether a stored id is a hash, so that the original stands in the record. */
  static boolean isHashed(String stored) {
    return stored.startsWith(HASHED);
  }

  /** The kind of the id that a stored one, which is no hash, stands for. */
  IdKind kind(String stored) {
    return texts.kind(stored);
  }

  /** The id that a stored one, which is no hash, stands for. */
  String id(String stored) {
    return texts.id(stored);
  }
}
