package io.vecferry.store.elasticsearch;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.NameSwitch;
import io.vecferry.plan.NameSwitch.Gap;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.NameSwitcher;
import io.vecferry.store.StoreException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Readers of a name get a load: the name becomes an alias of it, in one call. An index cannot be
 * renamed, so one that has the name itself is cloned first, and gives its name up in that call.
 */
final class IndexSwitch {
  private static final String IDS = "ids";
  private static final String CONTENT = "content";

  /**
   * An alias of an index that was cloned, which says that it was and from what: the server itself
   * does not.
   */
  private static final String MARK = "-clone-of-";

  private static final String ALIASES = "aliases";
  private static final String WRITE_BLOCK = "writeBlock";

  /** What a server answers that has waited in vain, or 200. */
  private static final int REQUEST_TIMEOUT = 408;

  /** How often a copy is looked at that is not there yet, for ten seconds each. */
  private static final int COPY_ATTEMPTS = 6;

  private static final JsonMapper JSON = JsonMapper.builder().build();

  private final RestClient client;
  private final Settings settings;
  private final String name;

  IndexSwitch(RestClient client, Settings settings) {
    this.client = client;
    this.settings = settings;
    this.name = settings.collection();
  }

  NameSwitch plan(String load, LoadStamp stamp) {
    Optional<IndexSet> there = find(name);
    String kept = IndexNames.ofReplaced(name, stamp);
    if (isLoad(there, stamp) || find(kept).isPresent()) {
      throw NameSwitcher.changed(
          "the switch of '" + name + "' to '" + load + "' has begun; it cannot be planned anew");
    }
    if (there.isEmpty()) {
      return NameSwitch.ofFreeName(
          name,
          load,
          "the name `" + name + "` is free; it becomes an alias of `" + load + "` in one call",
          Map.of());
    }
    String before =
        there.get().indices().stream().map(Index::name).collect(Collectors.joining(","));
    String obstacle = obstacle(there.get());
    if (!obstacle.isEmpty()) {
      return NameSwitch.refused(name, load, before, obstacle);
    }
    Census census = census(there.get());
    Map<String, String> details = new LinkedHashMap<>();
    details.put(IDS, ids(there.get()));
    details.put(NameSwitch.FINGERPRINT, census.fingerprint());
    details.put(NameSwitch.ROWS, Long.toString(census.rows()));
    if (!before.equals(name)) {
      ObjectNode aliases = JsonNodeFactory.instance.objectNode();
      there.get().indices().forEach(index -> aliases.set(index.name(), index.alias()));
      details.put(ALIASES, aliases.toString());
      return NameSwitch.ofAlias(name, load, before, census.rows(), details);
    }
    Index index = there.get().first();
    details.put(ALIASES, index.description().path(ALIASES).toString());
    details.put(WRITE_BLOCK, index.writeBlock());
    details.put(CONTENT, content(census));
    return new NameSwitch(
        name,
        load,
        name,
        kept,
        Gap.SHORT,
        true,
        ("index `%s` (%,d records) is closed to writes and cloned to `%s`, which is kept; then, in"
                + " one call that readers do not notice, it is removed and `%s` becomes an alias of"
                + " `%s`. The way back clones it again: until that is done readers are told that there"
                + " is no such index (404) or no shard of it (503), and it has another uuid"
                + " afterwards")
            .formatted(name, census.rows(), kept, name, load),
        details);
  }

  /** Why what is there cannot be replaced; empty when it can. */
  private String obstacle(IndexSet there) {
    for (Index index : there.indices()) {
      if (index.closed()) {
        return "index `%s` is closed. Open it (POST /%s/_open)."
            .formatted(index.name(), index.name());
      }
      String block = index.administrativeBlock();
      if (!block.isEmpty()) {
        return "index `%s` takes no change of its aliases: index.blocks.%s is set. Remove the block."
            .formatted(index.name(), block);
      }
      if (index.description().has("data_stream") && index.alias().isMissingNode()) {
        return "`%s` is a data stream, which no alias can replace. Choose another name."
            .formatted(name);
      }
    }
    return "";
  }

  void switchTo(NameSwitch planned, LoadStamp stamp) {
    NameSwitcher.requirePossible(planned);
    Optional<IndexSet> there = find(name);
    if (isLoad(there, stamp)) {
      return;
    }
    if (!isBefore(planned, there)) {
      throw elsewhere(planned, there);
    }
    Index load = load(planned, stamp);
    ArrayNode actions = JsonNodeFactory.instance.arrayNode();
    if (there.isPresent() && isIndex(planned)) {
      takeOver(planned, there.get(), load);
      return;
    }
    if (there.isPresent()) {
      requireUnchanged(planned, there.get());
      there.get().indices().forEach(index -> remove(actions, index.name(), name));
    }
    lead(actions, load);
    change(actions);
  }

  /** Lets the name lead to the load, and ends writing to that. */
  private void lead(ArrayNode actions, Index load) {
    actions.addObject().putObject("add").put("index", load.name()).put("alias", name);
    String writeAlias = IndexNames.writeAlias(load.name());
    if (load.hasAlias(writeAlias)) {
      remove(actions, load.name(), writeAlias);
    }
  }

  /** Keeps a copy of the index, which takes no writes from then on, and gives its name away. */
  private void takeOver(NameSwitch planned, IndexSet there, Index load) {
    block(name);
    try {
      requireUnchanged(planned, there);
      Optional<IndexSet> kept = find(planned.kept());
      if (kept.isPresent() && !isClone(kept, name, planned)) {
        throw NameSwitcher.changed("the name '" + planned.kept() + "' is taken");
      }
      clone(planned, there.first(), planned.kept());
      ArrayNode actions = JsonNodeFactory.instance.arrayNode();
      actions.addObject().putObject("remove_index").put("index", name);
      add(actions, planned.kept(), aliases(planned));
      lead(actions, load);
      change(actions);
    } catch (StoreException e) {
      // Else it may have happened all the same, and is tried again anyway.
      if (e.failureClass() != FailureClass.TRANSIENT) {
        try {
          writeBlock(name, planned);
        } catch (StoreException stays) {
          e.addSuppressed(stays);
        }
      }
      throw e;
    }
  }

  void switchBack(NameSwitch planned, LoadStamp stamp) {
    Optional<IndexSet> there = find(name);
    boolean switched = isLoad(there, stamp);
    if (isIndex(planned)) {
      takeBack(planned, there, switched);
      return;
    }
    if (isBefore(planned, there)) {
      return;
    }
    if (!switched) {
      throw elsewhere(planned, there);
    }
    ArrayNode actions = JsonNodeFactory.instance.arrayNode();
    remove(actions, planned.load(), name);
    if (!planned.before().isEmpty()) {
      requireKept(planned);
      aliases(planned)
          .properties()
          .forEach(
              old -> {
                ObjectNode alias = JsonNodeFactory.instance.objectNode();
                alias.set(name, old.getValue());
                add(actions, old.getKey(), alias);
              });
    }
    change(actions);
  }

  private void takeBack(NameSwitch planned, Optional<IndexSet> there, boolean switched) {
    String keptName = planned.kept();
    Optional<IndexSet> kept = find(keptName);
    boolean keeps = isClone(kept, name, planned);
    if (isBefore(planned, there)) {
      if (!there.get().first().writeBlock().equals(planned.details().get(WRITE_BLOCK))) {
        writeBlock(name, planned);
      }
      if (keeps) {
        delete(keptName);
      }
      return;
    }
    boolean restored = isClone(there, keptName, planned);
    if (kept.isEmpty() && !switched && there.isPresent() && isRestored(planned, there.get())) {
      return;
    }
    if (there.isPresent() && !switched && !restored) {
      throw elsewhere(planned, there);
    }
    if (!keeps) {
      throw NameSwitcher.gone(planned);
    }
    if (!restored) {
      block(keptName);
    }
    if (switched) {
      ArrayNode actions = JsonNodeFactory.instance.arrayNode();
      remove(actions, planned.load(), name);
      change(actions);
    }
    try {
      clone(planned, kept.get().first(), name);
    } catch (StoreException e) {
      if (switched && e.failureClass() != FailureClass.TRANSIENT) {
        leadAgain(there.get().first(), e);
      }
      throw e;
    }
    ArrayNode actions = JsonNodeFactory.instance.arrayNode();
    actions.addObject().putObject("remove_index").put("index", keptName);
    remove(actions, name, mark(keptName, planned));
    add(actions, name, aliases(planned));
    change(actions);
  }

  /** Readers get the load when what was there before cannot be had. */
  private void leadAgain(Index load, StoreException why) {
    ArrayNode actions = JsonNodeFactory.instance.arrayNode();
    lead(actions, load);
    try {
      change(actions);
    } catch (StoreException stays) {
      why.addSuppressed(stays);
    }
  }

  /** Whether an index is what a switch back has made, which leaves no mark. */
  private boolean isRestored(NameSwitch planned, IndexSet there) {
    return there.first().name().equals(name)
        && content(census(there)).equals(planned.details().get(CONTENT));
  }

  boolean dropReplaced(NameSwitch planned, LoadStamp stamp) {
    if (planned.kept().isEmpty()) {
      return false;
    }
    if (!isLoad(find(name), stamp)) {
      throw NameSwitcher.changed(
          "'%s' does not lead to what migration '%s' loaded; '%s' is kept"
              .formatted(name, stamp.migration(), planned.kept()));
    }
    boolean dropped = false;
    List<IndexSet> all =
        List.of(planned.kept().split(",")).stream().flatMap(one -> find(one).stream()).toList();
    for (IndexSet one : all) {
      boolean ours =
          isIndex(planned)
              ? isClone(Optional.of(one), name, planned)
              : List.of(planned.details().get(IDS).split("\n")).contains(ids(one));
      if (!ours) {
        throw NameSwitcher.gone(planned);
      }
      ObjectNode aliases = one.first().description().path(ALIASES).deepCopy();
      aliases.remove(
          List.of(
              mark(name, planned),
              IndexNames.writeAlias(name),
              IndexNames.writeAlias(one.first().name())));
      if (!aliases.isEmpty()) {
        throw NameSwitcher.changed(
            "'%s' is kept: %s still leads to it"
                .formatted(
                    one.first().name(), String.join(", ", (Iterable<String>) aliases::fieldNames)));
      }
    }
    for (IndexSet one : all) {
      delete(one.first().name());
      dropped = true;
    }
    return dropped;
  }

  private Optional<IndexSet> find(String index) {
    return IndexSet.find(client, index);
  }

  private static boolean isLoad(Optional<IndexSet> there, LoadStamp stamp) {
    return there.flatMap(Load::stamp).equals(Optional.of(stamp));
  }

  /** Whether the name is that of an index, and not an alias or free. */
  private static boolean isIndex(NameSwitch planned) {
    return !planned.kept().equals(planned.before());
  }

  private static boolean isBefore(NameSwitch planned, Optional<IndexSet> there) {
    return there
        .map(found -> ids(found).equals(planned.details().get(IDS)))
        .orElse(planned.before().isEmpty());
  }

  private static String ids(IndexSet indices) {
    return indices.indices().stream()
        .map(index -> index.name() + " " + index.uuid())
        .collect(Collectors.joining("\n"));
  }

  /** Whether an index was cloned for this switch from another. */
  private static boolean isClone(Optional<IndexSet> there, String from, NameSwitch planned) {
    return there.map(set -> set.first().hasAlias(mark(from, planned))).orElse(false);
  }

  private static String mark(String from, NameSwitch planned) {
    return from
        + MARK
        + HexFormat.of().formatHex(IndexNames.digest(from + planned.details().get(IDS)), 0, 8);
  }

  /** Number and sequence numbers of records, which are the same in a clone. */
  private static String content(Census census) {
    return census.shards().stream()
        .map(shard -> shard.number() + " " + shard.rows() + " " + shard.highest())
        .collect(Collectors.joining("\n"));
  }

  private Census census(IndexSet indices) {
    for (Index index : indices.indices()) {
      client.send(
          "POST",
          "/" + RestClient.encode(index.name()) + "/_refresh",
          null,
          "looking at '" + index.name() + "'");
    }
    return Census.take(client, indices, Layout.of(indices, settings), settings);
  }

  private void requireUnchanged(NameSwitch planned, IndexSet there) {
    NameSwitcher.requireUnchanged(planned, census(there).fingerprint());
  }

  private void requireKept(NameSwitch planned) {
    for (String id : planned.details().get(IDS).split("\n")) {
      if (!find(id.substring(0, id.indexOf(' '))).map(IndexSwitch::ids).equals(Optional.of(id))) {
        throw NameSwitcher.gone(planned);
      }
    }
  }

  private Index load(NameSwitch planned, LoadStamp stamp) {
    IndexSet loaded =
        find(planned.load())
            .orElseThrow(
                () ->
                    new StoreException(
                        FailureClass.MISSING,
                        "index '" + planned.load() + "' was loaded and is not there any more"));
    if (!isLoad(Optional.of(loaded), stamp)) {
      throw NameSwitcher.changed(
          "'%s' was not made by this load of migration '%s'"
              .formatted(planned.load(), stamp.migration()));
    }
    return loaded.first();
  }

  private static ObjectNode aliases(NameSwitch planned) {
    try {
      return (ObjectNode) JSON.readTree(planned.details().get(ALIASES));
    } catch (JsonProcessingException e) {
      throw new StoreException(
          FailureClass.BUG, "the planned switch has no aliases: " + e.getOriginalMessage(), e);
    }
  }

  private static void remove(ArrayNode actions, String index, String alias) {
    actions
        .addObject()
        .putObject("remove")
        .put("index", index)
        .put("alias", alias)
        .put("must_exist", true);
  }

  private static void add(ArrayNode actions, String index, ObjectNode aliases) {
    for (Map.Entry<String, JsonNode> alias : aliases.properties()) {
      ObjectNode action = actions.addObject().putObject("add");
      action.put("index", index).put("alias", alias.getKey());
      action.setAll((ObjectNode) alias.getValue());
    }
  }

  /** Changes aliases; all of it at once or nothing. */
  private void change(ArrayNode actions) {
    ObjectNode body = JsonNodeFactory.instance.objectNode();
    body.set("actions", actions);
    client.send("POST", "/_aliases", body, "switching the alias '" + name + "'");
  }

  private void block(String index) {
    client.send(
        "PUT",
        "/" + RestClient.encode(index) + "/_block/write",
        null,
        "closing index '" + index + "' to writes");
  }

  /** Lets writes to an index pass as they did before. */
  private void writeBlock(String index, NameSwitch planned) {
    String block = planned.details().get(WRITE_BLOCK);
    ObjectNode body = JsonNodeFactory.instance.objectNode();
    body.put("index.blocks.write", block.isEmpty() ? null : block);
    client.send(
        "PUT",
        "/" + RestClient.encode(index) + "/_settings",
        body,
        "opening index '" + index + "' to writes again");
  }

  /** Copies an index that takes no writes; goes on when that was begun already. */
  private void clone(NameSwitch planned, Index from, String to) {
    String doing = "cloning index '" + from.name() + "' to '" + to + "'";
    if (find(to).isEmpty()) {
      ObjectNode body = JsonNodeFactory.instance.objectNode();
      body.putObject("settings").put("index.number_of_replicas", from.replicas());
      body.putObject("aliases").putObject(mark(from.name(), planned));
      client.send(
          "PUT",
          "/"
              + RestClient.encode(from.name())
              + "/_clone/"
              + RestClient.encode(to)
              + "?wait_for_active_shards=0",
          body,
          doing);
    }
    awaitCopy(planned, from, to, doing);
    long expected = count(from.name(), doing);
    if (count(to, doing) != expected) {
      throw new StoreException(
          FailureClass.TRANSIENT,
          doing + ": not all of the " + expected + " records are there yet");
    }
    writeBlock(to, planned);
  }

  /** Waits for all shards of a copy, and removes it when there is one that no node takes. */
  private void awaitCopy(NameSwitch planned, Index from, String to, String doing) {
    for (int attempt = 0; attempt < COPY_ATTEMPTS; attempt++) {
      if (hasShards(to, from.shards(), doing)) {
        return;
      }
      for (int shard = 0; shard < from.shards(); shard++) {
        String refusal = refusal(to, shard, doing);
        if (!refusal.isEmpty()) {
          if (isClone(find(to), from.name(), planned)) {
            delete(to);
          }
          throw new StoreException(
              FailureClass.RESOURCE_EXHAUSTED,
              doing
                  + ": no node takes shard "
                  + shard
                  + " of the copy, which was removed again. "
                  + refusal
                  + " Make room, or look at index.routing.allocation of '"
                  + from.name()
                  + "' and at GET /_cluster/allocation/explain.");
        }
      }
    }
    throw new StoreException(
        FailureClass.TRANSIENT, doing + ": not all shards of the copy are there yet");
  }

  /**
   * Whether so many shards are there, after waiting for them: a new index may be yellow without.
   */
  private boolean hasShards(String index, int shards, String doing) {
    try {
      return !client
          .get(
              "/_cluster/health/"
                  + RestClient.encode(index)
                  + "?wait_for_status=yellow&timeout=10s&wait_for_active_shards="
                  + shards,
              doing)
          .path("timed_out")
          .asBoolean();
    } catch (ServerFailure e) {
      if (e.status() == REQUEST_TIMEOUT) {
        return false;
      }
      throw e;
    }
  }

  /** Why no node takes a shard; empty when one does, or may soon. */
  private String refusal(String index, int shard, String doing) {
    ObjectNode body = JsonNodeFactory.instance.objectNode();
    body.put("index", index).put("shard", shard).put("primary", true);
    JsonNode explained = client.send("POST", "/_cluster/allocation/explain", body, doing);
    if (!explained.path("can_allocate").asText().equals("no")) {
      return "";
    }
    JsonNode decider = explained.at("/node_allocation_decisions/0/deciders/0/explanation");
    return "The server says: "
        + decider.asText(explained.path("allocate_explanation").asText())
        + ".";
  }

  private long count(String index, String doing) {
    JsonNode answer = client.get("/" + RestClient.encode(index) + "/_count", doing);
    Queries.requireComplete(answer.path("_shards"), false, doing);
    return answer.path("count").asLong();
  }

  private void delete(String index) {
    client.send("DELETE", "/" + RestClient.encode(index), null, "removing index '" + index + "'");
  }

  private static StoreException elsewhere(NameSwitch planned, Optional<IndexSet> there) {
    return NameSwitcher.elsewhere(
        planned, there.stream().flatMap(set -> set.indices().stream()).map(Index::name).toList());
  }
}
