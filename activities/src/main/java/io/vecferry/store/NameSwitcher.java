package io.vecferry.store;

import io.vecferry.plan.FailureClass;
import io.vecferry.plan.NameSwitch;
import io.vecferry.plan.NameSwitch.Gap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The switch of a name in stores that can rename collections, or point an alias elsewhere in one
 * call. Every step looks at what is there first, so that it can be repeated and goes on from
 * anywhere.
 */
public final class NameSwitcher {
  private static final String ID = "id";

  private final Names names;

  /** What a store can do with names. */
  public interface Names {
    /** What a name leads to. */
    Optional<Holder> find(String name);

    /** Number of records. */
    long rows(String name);

    /** Changes when the content does, as far as the store can tell; empty where it cannot. */
    String fingerprint(String name);

    /** The name for what a load replaces; different for each load. */
    String keptName(String name, LoadStamp stamp);

    /** Gives a collection a name that is free, in one call. */
    void rename(String from, String to);

    /** Makes the alias lead to another collection, in one call. */
    void point(NameSwitch planned, String collection);

    /** Removes a collection. */
    void drop(String collection);

    /**
     * Does what a collection needs beside the name.
     *
     * @param switched whether the name leads to the load now, or to what was there before
     */
    default void settle(NameSwitch planned, boolean switched) {}

    /** More to know about the name before the switch, which may be free. */
    default Map<String, String> details(String name) {
      return Map.of();
    }

    /** What readers get between two renames, for people. */
    String betweenRenames();
  }

  /**
   * What a name leads to.
   *
   * @param name its own name, another one than was asked for when that is an alias
   * @param id stays when it is renamed, and is never used again
   * @param stamp who made it; empty when that was no migration
   * @param aliases names that lead to it beside its own
   */
  public record Holder(String name, String id, Optional<LoadStamp> stamp, List<String> aliases) {}

  public NameSwitcher(Names names) {
    this.names = names;
  }

  public NameSwitch plan(String name, String load, LoadStamp stamp) {
    Optional<Holder> there = names.find(name);
    String kept = names.keptName(name, stamp);
    if (there.map(holder -> made(holder, stamp)).orElse(false) || names.find(kept).isPresent()) {
      throw changed(
          "the switch of '" + name + "' to '" + load + "' has begun; it cannot be planned anew");
    }
    if (there.isEmpty()) {
      return NameSwitch.ofFreeName(
          name,
          load,
          "the name `" + name + "` is free; `" + load + "` gets it in one call",
          names.details(name));
    }
    Holder before = there.get();
    Map<String, String> details = new LinkedHashMap<>(names.details(name));
    details.put(ID, before.id());
    details.put(NameSwitch.FINGERPRINT, names.fingerprint(name));
    long rows = names.rows(name);
    details.put(NameSwitch.ROWS, Long.toString(rows));
    if (!before.name().equals(name)) {
      return NameSwitch.ofAlias(name, load, before.name(), rows, details);
    }
    return new NameSwitch(
        name,
        load,
        name,
        kept,
        Gap.SHORT,
        true,
        "`%s` (%,d records) is renamed to `%s` and kept, then `%s` is renamed to `%s`; %s"
            .formatted(name, rows, kept, load, name, names.betweenRenames()),
        details);
  }

  public void switchTo(NameSwitch planned, LoadStamp stamp) {
    requirePossible(planned);
    Optional<Holder> there = names.find(planned.name());
    if (there.map(holder -> made(holder, stamp)).orElse(false)) {
      names.settle(planned, true);
      return;
    }
    if (planned.before().isEmpty()) {
      if (there.isPresent()) {
        throw changed("'" + planned.name() + "' was free and is taken now");
      }
      requireLoad(planned, stamp);
    } else if (there.isPresent()) {
      if (!isBefore(planned, there.get())) {
        throw elsewhere(planned, there);
      }
      requireLoad(planned, stamp);
      requireUnchanged(planned);
      if (planned.movesAlias()) {
        names.point(planned, planned.load());
        return;
      }
      requireFree(planned.kept());
      names.rename(planned.name(), planned.kept());
    } else {
      if (planned.movesAlias()) {
        throw elsewhere(planned, there);
      }
      requireKept(planned);
      requireLoad(planned, stamp);
    }
    names.rename(planned.load(), planned.name());
    names.settle(planned, true);
  }

  public void switchBack(NameSwitch planned, LoadStamp stamp) {
    Optional<Holder> there = names.find(planned.name());
    boolean switched = there.map(holder -> made(holder, stamp)).orElse(false);
    if (planned.before().isEmpty()) {
      if (switched) {
        takeBack(planned);
      } else if (there.isPresent()) {
        throw elsewhere(planned, there);
      }
      names.settle(planned, false);
      return;
    }
    if (there.isPresent() && isBefore(planned, there.get())) {
      names.settle(planned, false);
      return;
    }
    if (there.isPresent() && !switched || there.isEmpty() && planned.movesAlias()) {
      throw elsewhere(planned, there);
    }
    requireKept(planned);
    if (planned.movesAlias()) {
      names.point(planned, planned.before());
      return;
    }
    if (switched) {
      takeBack(planned);
    }
    names.rename(planned.kept(), planned.name());
    names.settle(planned, false);
  }

  private void takeBack(NameSwitch planned) {
    requireFree(planned.load());
    names.rename(planned.name(), planned.load());
  }

  private void requireFree(String name) {
    if (names.find(name).isPresent()) {
      throw changed("the name '" + name + "' is taken");
    }
  }

  public boolean dropReplaced(NameSwitch planned, LoadStamp stamp) {
    if (planned.kept().isEmpty()) {
      return false;
    }
    Optional<Holder> there = names.find(planned.name());
    if (!there.map(holder -> made(holder, stamp)).orElse(false)) {
      throw changed(
          "'%s' does not lead to what migration '%s' loaded; '%s' is kept"
              .formatted(planned.name(), stamp.migration(), planned.kept()));
    }
    if (names.find(planned.kept()).isEmpty()) {
      return false;
    }
    Holder kept = requireKept(planned);
    if (!kept.aliases().isEmpty()) {
      throw changed(
          "'%s' is kept: %s still leads to it"
              .formatted(planned.kept(), String.join(", ", kept.aliases())));
    }
    names.drop(planned.kept());
    return true;
  }

  private static boolean made(Holder holder, LoadStamp stamp) {
    return holder.stamp().equals(Optional.of(stamp));
  }

  private static boolean isBefore(NameSwitch planned, Holder holder) {
    return holder.name().equals(planned.before()) && holder.id().equals(planned.details().get(ID));
  }

  /** Refuses a switch that the plan says is not possible. */
  public static void requirePossible(NameSwitch planned) {
    if (!planned.possible()) {
      throw new StoreException(FailureClass.INCOMPATIBLE, planned.words());
    }
  }

  private void requireLoad(NameSwitch planned, LoadStamp stamp) {
    Holder load =
        names
            .find(planned.load())
            .orElseThrow(
                () ->
                    new StoreException(
                        FailureClass.MISSING,
                        "'" + planned.load() + "' was loaded and is not there any more"));
    if (!made(load, stamp)) {
      throw changed(
          "'%s' was not made by this load of migration '%s'"
              .formatted(planned.load(), stamp.migration()));
    }
  }

  private Holder requireKept(NameSwitch planned) {
    return names
        .find(planned.kept())
        .filter(kept -> kept.id().equals(planned.details().get(ID)))
        .orElseThrow(() -> gone(planned));
  }

  private void requireUnchanged(NameSwitch planned) {
    requireUnchanged(planned, names.fingerprint(planned.name()));
  }

  /**
   * Refuses a switch from content that is not what was planned for.
   *
   * @param fingerprint of what is there now
   */
  public static void requireUnchanged(NameSwitch planned, String fingerprint) {
    if (!fingerprint.equals(planned.details().get(NameSwitch.FINGERPRINT))) {
      throw changed(
          "the content of '%s' has changed since the switch was planned, when it had %s records"
              .formatted(planned.before(), planned.details().get(NameSwitch.ROWS)));
    }
  }

  private static StoreException elsewhere(NameSwitch planned, Optional<Holder> there) {
    return elsewhere(planned, there.map(Holder::name).stream().toList());
  }

  /**
   * What a switch is refused with whose name was moved by somebody else.
   *
   * @param there what the name leads to
   */
  public static StoreException elsewhere(NameSwitch planned, List<String> there) {
    return changed(
        "'%s' leads to %s, which is neither what was loaded (%s) nor what was there before (%s)"
            .formatted(
                planned.name(),
                there.isEmpty() ? "nothing" : "'" + String.join("', '", there) + "'",
                planned.load(),
                planned.before().isEmpty() ? "nothing" : planned.before()));
  }

  /** What a way back is refused with when what was replaced is gone. */
  public static StoreException gone(NameSwitch planned) {
    return changed(
        "'%s', which readers of '%s' got before, is not there any more or is another one"
            .formatted(planned.kept(), planned.name()));
  }

  /** What a step of a switch is refused with before it has done anything. */
  public static StoreException changed(String message) {
    return new StoreException(FailureClass.TARGET_CHANGED, message + ". Nothing was changed.");
  }
}
