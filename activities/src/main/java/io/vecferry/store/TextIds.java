package io.vecferry.store;

import io.vecferry.record.IdKind;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/**
 * Ids in a store whose own ids are texts that are not empty. In a collection that a migration made,
 * an id that would be read as one of another kind, or as none, is written with its kind in front.
 * Pure. Thread-safe.
 */
public final class TextIds {
  private static final String ESCAPE = ReservedKeys.PREFIX;

  private final boolean mapped;
  private final Set<IdKind> kinds;

  /**
   * @param mapped whether a migration made the collection
   * @param kinds kinds of ids that were loaded
   */
  public TextIds(boolean mapped, Set<IdKind> kinds) {
    this.mapped = mapped;
    this.kinds = mapped && !kinds.isEmpty() ? EnumSet.copyOf(kinds) : Set.of(IdKind.STRING);
  }

  /**
   * The stored id of a record.
   *
   * @return null when there can be no such record
   */
  public String stored(IdKind kind, String id) {
    if (!mapped) {
      return kind == IdKind.STRING && !id.isEmpty() ? id : null;
    }
    return isPlain(kind, id) ? id : escaped(kind, id);
  }

  /** An id with its kind in front. */
  public static String escaped(IdKind kind, String id) {
    return ESCAPE + prefix(kind) + id;
  }

  private static String prefix(IdKind kind) {
    return kind.name().toLowerCase(Locale.ROOT) + ":";
  }

  /**
   * Whether an id is stored as it is: not empty, and not one that would be read as an id of another
   * kind or as one that was escaped.
   */
  public boolean isPlain(IdKind kind, String id) {
    return !id.isEmpty() && !id.startsWith(ESCAPE) && kindOfPlain(id) == kind;
  }

  /** The kind of the id that a stored one stands for. */
  public IdKind kind(String stored) {
    IdKind escaped = escapedKind(stored);
    return escaped == null ? kindOfPlain(stored) : escaped;
  }

  /** The id that a stored one stands for. */
  public String id(String stored) {
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

  /** The kind of a stored id that was escaped; null for any other. */
  private IdKind escapedKind(String stored) {
    if (mapped && stored.startsWith(ESCAPE)) {
      for (IdKind kind : IdKind.values()) {
        if (stored.startsWith(prefix(kind), ESCAPE.length())) {
          return kind;
        }
      }
    }
    return null;
  }
}
