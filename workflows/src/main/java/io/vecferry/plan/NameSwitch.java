package io.vecferry.plan;

import java.util.Map;

/**
 * How readers of a name get a load instead of what they get now. Made by a store that looked, used
 * by the same store later, perhaps in another process.
 *
 * @param name the name that readers use
 * @param load the collection that was loaded
 * @param before the collection that readers of the name get now; empty when the name is free
 * @param kept the name under which that stays after the switch; empty when nothing stays; equal to
 *     {@code before} when only an alias moves
 * @param gap what readers notice
 * @param possible whether it can be done; where not, the words say why and what makes it possible
 * @param words for people, as part of the plan
 * @param details what the store needs to know again: identities, fingerprints, aliases
 */
public record NameSwitch(
    String name,
    String load,
    String before,
    String kept,
    Gap gap,
    boolean possible,
    String words,
    Map<String, String> details) {

  /** The fingerprint of what was there before, if the store could tell; a switch compares it. */
  public static final String FINGERPRINT = "fingerprint";

  /** The number of records of what was there before. */
  public static final String ROWS = "rows";

  /** {@code true} when what was there before is gone after the switch, and only a backup has it. */
  public static final String RESTORE_FROM_BACKUP = "restoreFromBackup";

  public NameSwitch {
    details = Map.copyOf(details);
  }

  /** What readers of a name notice of a switch. */
  public enum Gap {
    /** Nothing: they get the one or the other. */
    NONE,
    /** Between two calls they get an error; the words say which. */
    SHORT
  }
}
