package io.vecferry.store.qdrant;

import io.vecferry.plan.FailureClass;
import io.vecferry.plan.NameSwitch;
import io.vecferry.plan.NameSwitch.Gap;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.StoreException;
import java.util.Map;
import java.util.Optional;

/** Readers of a name get a load. Qdrant cannot rename a collection; a free name is loaded into. */
final class CollectionSwitch {
  private final Catalogue catalogue;
  private final String name;

  CollectionSwitch(Catalogue catalogue) {
    this.catalogue = catalogue;
    this.name = catalogue.settings().collection();
  }

  NameSwitch plan(String load, LoadStamp stamp) {
    if (catalogue.exists() && !stamped(stamp)) {
      return new NameSwitch(
          name,
          load,
          name,
          "",
          Gap.SHORT,
          false,
          "`" + name + "` is there, and replacing it is not supported yet.",
          Map.of());
    }
    return new NameSwitch(
        name,
        load,
        "",
        "",
        Gap.NONE,
        true,
        "the name `" + name + "` is free; the load is made under it",
        Map.of());
  }

  private boolean stamped(LoadStamp stamp) {
    return Optional.ofNullable(catalogue.look().note())
        .map(note -> note.load().stamp())
        .equals(Optional.of(stamp));
  }

  void switchTo(NameSwitch planned, LoadStamp stamp) {
    new Load(catalogue).requireStamp(catalogue.look(), stamp);
  }

  void switchBack(NameSwitch planned, LoadStamp stamp) {
    if (catalogue.exists() && !stamped(stamp)) {
      throw new StoreException(
          FailureClass.TARGET_CHANGED,
          "'" + name + "' is not what was loaded. Nothing was changed.");
    }
  }

  boolean dropReplaced(NameSwitch planned, LoadStamp stamp) {
    return false;
  }
}
