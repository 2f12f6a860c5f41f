package io.vecferry.store.elasticsearch;

import io.vecferry.record.IdKind;
import io.vecferry.store.LoadNote;
import io.vecferry.store.ReservedKeys;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Set;

/**
 * The id under which a record is stored, and back. Stored ids are texts of 1 to {@value #LONGEST}
 * bytes. In an index that a migration made, an id that would be read as one of another kind is
 * written with its kind in front, and one that is too long as its hash; the original then stands in
 * the record, see {@link ReservedKeys#ID}. Pure. Thread-safe.
 */
final class IdMapping {
  /** Most bytes of a stored id. */
  static final int LONGEST = 512;

  private static final String ESCAPE = ReservedKeys.PREFIX;
  private static final String HASHED = ESCAPE + "hash:";

  private final boolean mapped;
  private final Set<IdKind> kinds;

  /**
   * @param mapped whether a migration made the index
   * @param kinds kinds of ids that were loaded
   */
  IdMapping(boolean mapped, Set<IdKind> kinds) {
    this.mapped = mapped;
    this.kinds = mapped && !kinds.isEmpty() ? EnumSet.copyOf(kinds) : Set.of(IdKind.STRING);
  }

  /**
   * The stored id of a record.
   *
   * @return null when there can be no such record
   */
  String stored(IdKind kind, String id) {
    if (!mapped) {
      return kind == IdKind.STRING && !id.isEmpty() && bytes(id) <= LONGEST ? id : null;
    }
    if (isPlain(kind, id)) {
      return id;
    }
    String escaped = ESCAPE + kind.name().toLowerCase(Locale.ROOT) + ":" + id;
    return bytes(escaped) <= LONGEST
        ? escaped
        : HASHED + HexFormat.of().formatHex(IndexNames.digest(escaped));
  }

  /** Whether a stored id is a hash, so that the original stands in the record. */
  static boolean isHashed(String stored) {
    return stored.startsWith(HASHED);
  }

  private boolean isPlain(IdKind kind, String id) {
    return !id.isEmpty()
        && !id.startsWith(ESCAPE)
        && kindOfPlain(id) == kind
        && bytes(id) <= LONGEST;
  }

  /** The kind of the id that a stored one, which is no hash, stands for. */
  IdKind kind(String stored) {
    IdKind escaped = escapedKind(stored);
    return escaped == null ? kindOfPlain(stored) : escaped;
  }

  /** The id that a stored one, which is no hash, stands for. */
  String id(String stored) {
    return escapedKind(stored) == null ? stored : stored.substring(stored.indexOf(':') + 1);
  }

  private IdKind kindOfPlain(String id) {
    for (IdKind kind : kinds) {
      if (LoadNote.isSpelledAs(kind, id)) {
        return kind;
      }
    }
    return IdKind.STRING;
  }

  private IdKind escapedKind(String stored) {
    if (mapped && stored.startsWith(ESCAPE)) {
      for (IdKind kind : IdKind.values()) {
        if (stored.startsWith(kind.name().toLowerCase(Locale.ROOT) + ":", ESCAPE.length())) {
          return kind;
        }
      }
    }
    return null;
  }

  private static int bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8).length;
  }
}
