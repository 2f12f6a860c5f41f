package io.vecferry.plan;

import java.util.Locale;
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

  /** The switch of a name that is free. */
  public static NameSwitch ofFreeName(
      String name, String load, String words, Map<String, String> details) {
    return new NameSwitch(name, load, "", "", Gap.NONE, true, words, details);
  }

  /** A switch that cannot be done; the words say why. */
  public static NameSwitch refused(String name, String load, String before, String words) {
    return new NameSwitch(name, load, before, "", Gap.NONE, false, words, Map.of());
  }

  /** The switch of an alias, which leaves what it led to as it is. */
  public static NameSwitch ofAlias(
      String name, String load, String before, long rows, Map<String, String> details) {
    String words =
        String.format(
            Locale.ROOT,
            "alias `%s` moves from `%s` to `%s` in one call; `%s` (%,d records) is kept",
            name,
            before,
            load,
            before,
            rows);
    return new NameSwitch(name, load, before, before, Gap.NONE, true, words, details);
  }

  /** Whether the name is an alias that moves, and not a collection or free. */
  public boolean movesAlias() {
    return !before.isEmpty() && kept.equals(before);
  }

  /** Whether what was there before is made again from its backup by a rollback. */
  public boolean restoresFromBackup() {
    return Boolean.parseBoolean(details.get(RESTORE_FROM_BACKUP));
  }

  /** What readers of a name notice of a switch. */
  public enum Gap {
    /** Nothing: they get the one or the other. */
    NONE,
    /** Between two calls they get an error; the words say which. */
    SHORT
  }
}
