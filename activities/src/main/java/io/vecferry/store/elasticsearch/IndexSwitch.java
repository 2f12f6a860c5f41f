package io.vecferry.store.elasticsearch;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.NameSwitch;
import io.vecferry.plan.NameSwitch.Gap;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.StoreException;
import java.util.Map;
import java.util.Optional;

/** Readers of a name get a load: the name becomes an alias of it. */
final class IndexSwitch {
  private final RestClient client;
  private final String name;

  IndexSwitch(RestClient client, Settings settings) {
    this.client = client;
    this.name = settings.collection();
  }

  NameSwitch plan(String load, LoadStamp stamp) {
    Optional<IndexSet> there = IndexSet.find(client, name);
    if (there.isPresent()) {
      return new NameSwitch(
          name,
          load,
          name,
          "",
          Gap.NONE,
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
        "the name `" + name + "` is free; it becomes an alias of `" + load + "` in one call",
        Map.of());
  }

  private boolean isSwitched(LoadStamp stamp) {
    Optional<IndexSet> there = IndexSet.find(client, name);
    if (there.isPresent() && !there.flatMap(Load::stamp).equals(Optional.of(stamp))) {
      throw new StoreException(
          FailureClass.TARGET_CHANGED,
          "'" + name + "' is not what was loaded. Nothing was changed.");
    }
    return there.isPresent();
  }

  void switchTo(NameSwitch planned, LoadStamp stamp) {
    if (isSwitched(stamp)) {
      return;
    }
    Index loaded = load(planned, stamp);
    ArrayNode actions = JsonNodeFactory.instance.arrayNode();
    actions.addObject().putObject("add").put("index", loaded.name()).put("alias", name);
    String writeAlias = IndexNames.writeAlias(loaded.name());
    // Ends writing to the load.
    if (loaded.hasAlias(writeAlias)) {
      actions.addObject().putObject("remove").put("index", loaded.name()).put("alias", writeAlias);
    }
    change(actions);
  }

  void switchBack(NameSwitch planned, LoadStamp stamp) {
    if (!isSwitched(stamp)) {
      return;
    }
    ArrayNode actions = JsonNodeFactory.instance.arrayNode();
    actions.addObject().putObject("remove").put("index", planned.load()).put("alias", name);
    change(actions);
  }

  boolean dropReplaced(NameSwitch planned, LoadStamp stamp) {
    return false;
  }

  private Index load(NameSwitch planned, LoadStamp stamp) {
    IndexSet loaded =
        IndexSet.find(client, planned.load())
            .orElseThrow(
                () ->
                    new StoreException(
                        FailureClass.MISSING,
                        "index '" + planned.load() + "' was loaded and is not there any more"));
    if (!Load.stamp(loaded).equals(Optional.of(stamp))) {
      throw new StoreException(
          FailureClass.TARGET_CHANGED,
          "'" + planned.load() + "' was not made by this load. Nothing was changed.");
    }
    return loaded.first();
  }

  /** Changes aliases; all of it at once or nothing. */
  private void change(ArrayNode actions) {
    ObjectNode body = JsonNodeFactory.instance.objectNode();
    body.set("actions", actions);
    client.send("POST", "/_aliases", body, "switching the alias '" + name + "'");
  }
}
