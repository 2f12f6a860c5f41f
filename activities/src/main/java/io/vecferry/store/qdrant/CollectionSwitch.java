package io.vecferry.store.qdrant;

import io.qdrant.client.grpc.Collections.AliasOperations;
import io.qdrant.client.grpc.Collections.ChangeAliases;
import io.qdrant.client.grpc.Collections.CreateAlias;
import io.qdrant.client.grpc.Collections.DeleteAlias;
import io.qdrant.client.grpc.Collections.DeleteCollection;
import io.qdrant.client.grpc.CollectionsGrpc;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.NameSwitch;
import io.vecferry.plan.NameSwitch.Gap;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.NameSwitcher;
import io.vecferry.store.StoreException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Readers of a name get a load. An alias moves in one call. A collection cannot be renamed: a name
 * that is free is loaded into, and a collection that has the name itself has to go first, which
 * only happens when the user says so.
 */
final class CollectionSwitch {
  /** Aliases of the collection that goes, one a line, among the details of a switch. */
  private static final String ALIASES = "aliases";

  private final Catalogue catalogue;
  private final String name;
  private final NameSwitcher aliasSwitch = new NameSwitcher(new Aliases());

  CollectionSwitch(Catalogue catalogue) {
    this.catalogue = catalogue;
    this.name = catalogue.settings().collection();
  }

  NameSwitch plan(String load, LoadStamp stamp) {
    Optional<Layout> there = catalogue.find(name);
    if (load.equals(name) && there.map(layout -> isStamped(layout, stamp)).orElse(true)) {
      return NameSwitch.ofFreeName(
          name, load, "the name `" + name + "` is free; the load is made under it", Map.of());
    }
    if (there.isEmpty() || !there.get().collection().equals(name)) {
      NameSwitch planned = aliasSwitch.plan(name, load, stamp);
      return there.isPresent()
          ? planned
          : NameSwitch.refused(
              name,
              load,
              "",
              "Qdrant cannot rename `" + load + "` to `" + name + "`; load into it.");
    }
    return planTakeover(there.get(), load);
  }

  private NameSwitch planTakeover(Layout there, String load) {
    long rows = catalogue.count(name);
    boolean allowed = catalogue.settings().takeOverName() && !load.equals(name);
    String takeover =
        ("collection `%s` (%,d records) is deleted after its backup is verified, and `%s` becomes"
                + " an alias of `%s`; between the two calls readers are told that there is no such"
                + " collection")
            .formatted(name, rows, name, load);
    if (!allowed) {
      return NameSwitch.refused(
          name,
          load,
          name,
          ("`%s` is a collection and no alias, and Qdrant cannot rename it. Migrate to an alias, or"
                  + " set target.options.takeOverName: true; then %s. The way back makes it anew from"
                  + " the backup.")
              .formatted(name, takeover));
    }
    Map<String, String> details = new LinkedHashMap<>();
    details.put(NameSwitch.RESTORE_FROM_BACKUP, "true");
    details.put(NameSwitch.ROWS, Long.toString(rows));
    details.put(NameSwitch.FINGERPRINT, fingerprint(there));
    details.put(ALIASES, String.join("\n", there.aliases()));
    return new NameSwitch(
        name,
        load,
        name,
        "",
        Gap.SHORT,
        true,
        takeover
            + (there.aliases().isEmpty()
                ? ""
                : "; its aliases "
                    + String.join(", ", there.aliases())
                    + " lead to `"
                    + load
                    + "` too"),
        details);
  }

  private String fingerprint(Layout layout) {
    return new Description(catalogue).describe(layout).fingerprint();
  }

  private static Optional<LoadStamp> stamp(Layout layout) {
    return Optional.ofNullable(layout.note()).map(note -> note.load().stamp());
  }

  private static boolean isStamped(Layout layout, LoadStamp stamp) {
    return stamp(layout).equals(Optional.of(stamp));
  }

  void switchTo(NameSwitch planned, LoadStamp stamp) {
    NameSwitcher.requirePossible(planned);
    if (planned.before().isEmpty()) {
      new Load(catalogue).requireStamp(catalogue.look(), stamp);
      return;
    }
    if (!planned.restoresFromBackup()) {
      aliasSwitch.switchTo(planned, stamp);
      return;
    }
    Optional<Layout> load = catalogue.find(planned.load());
    if (load.isEmpty()) {
      throw new StoreException(
          FailureClass.MISSING, "'" + planned.load() + "' was loaded and is not there any more.");
    }
    if (!isStamped(load.get(), stamp)) {
      throw NameSwitcher.changed("'" + planned.load() + "' was not made by this load");
    }
    Optional<Layout> there = catalogue.find(name);
    if (there.isPresent() && !isStamped(there.get(), stamp)) {
      if (!there.get().collection().equals(name)) {
        throw NameSwitcher.changed(
            "'" + name + "' is an alias of '" + there.get().collection() + "' now");
      }
      NameSwitcher.requireUnchanged(planned, fingerprint(there.get()));
      delete(name);
    }
    Map<String, String> aliases = catalogue.aliases();
    List<AliasOperations> missing = new ArrayList<>();
    for (String alias : names(planned)) {
      if (!aliases.containsKey(alias)) {
        missing.add(lead(alias, planned.load()));
      }
    }
    change(missing);
  }

  void switchBack(NameSwitch planned, LoadStamp stamp) {
    if (!planned.before().isEmpty() && !planned.restoresFromBackup()) {
      aliasSwitch.switchBack(planned, stamp);
      return;
    }
    Optional<Layout> there = catalogue.find(name);
    if (there.isEmpty() && !planned.restoresFromBackup()
        || there.isPresent()
            && there.get().collection().equals(name)
            && (planned.restoresFromBackup() || isStamped(there.get(), stamp))) {
      return;
    }
    if (there.isPresent() && !isStamped(there.get(), stamp)) {
      throw NameSwitcher.elsewhere(planned, List.of(there.get().collection()));
    }
    Map<String, String> aliases = catalogue.aliases();
    change(
        names(planned).stream()
            .filter(alias -> planned.load().equals(aliases.get(alias)))
            .map(
                alias ->
                    AliasOperations.newBuilder()
                        .setDeleteAlias(DeleteAlias.newBuilder().setAliasName(alias))
                        .build())
            .toList());
  }

  boolean dropReplaced(NameSwitch planned, LoadStamp stamp) {
    return aliasSwitch.dropReplaced(planned, stamp);
  }

  /** The name and the aliases of what had it. */
  private static List<String> names(NameSwitch planned) {
    List<String> names = new ArrayList<>(List.of(planned.name()));
    names.addAll(planned.details().getOrDefault(ALIASES, "").lines().toList());
    return names;
  }

  private static AliasOperations lead(String alias, String collection) {
    return AliasOperations.newBuilder()
        .setCreateAlias(CreateAlias.newBuilder().setAliasName(alias).setCollectionName(collection))
        .build();
  }

  private void change(List<AliasOperations> changes) {
    if (!changes.isEmpty()) {
      catalogue
          .connection()
          .call(
              CollectionsGrpc.getUpdateAliasesMethod(),
              ChangeAliases.newBuilder().addAllActions(changes).build(),
              "switching the alias '" + name + "'");
    }
  }

  private void delete(String collection) {
    catalogue
        .connection()
        .call(
            CollectionsGrpc.getDeleteMethod(),
            DeleteCollection.newBuilder().setCollectionName(collection).build(),
            "dropping collection '" + collection + "'");
  }

  /** What Qdrant can do with names. A collection has no identity beside its name. */
  private final class Aliases implements NameSwitcher.Names {
    @Override
    public Optional<NameSwitcher.Holder> find(String asked) {
      return catalogue
          .find(asked)
          .map(
              found ->
                  new NameSwitcher.Holder(
                      found.collection(), found.collection(), stamp(found), found.aliases()));
    }

    @Override
    public long rows(String asked) {
      return catalogue.count(asked);
    }

    @Override
    public String fingerprint(String asked) {
      return CollectionSwitch.this.fingerprint(catalogue.look());
    }

    /** Nothing is renamed, so nothing has such a name. */
    @Override
    public String keptName(String asked, LoadStamp stamp) {
      return "";
    }

    @Override
    public void rename(String from, String to) {
      throw new IllegalStateException("Qdrant does not rename");
    }

    /** Creating an alias that is there makes it lead elsewhere. */
    @Override
    public void point(NameSwitch planned, String collection) {
      change(List.of(lead(planned.name(), collection)));
    }

    @Override
    public void drop(String collection) {
      delete(collection);
    }

    @Override
    public String betweenRenames() {
      return "";
    }
  }
}
