package io.vecferry.store.chroma;

import io.vecferry.plan.NameSwitch;
import io.vecferry.store.JsonBytes;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.NameSwitcher;
import java.util.List;
import java.util.Optional;

/** What Chroma can do with names: it renames, and has no aliases. */
final class SwitchedNames implements NameSwitcher.Names {
  private final ChromaClient client;
  private final ChromaSettings settings;
  private final ChromaLoad load;

  SwitchedNames(ChromaClient client, ChromaSettings settings, ChromaLoad load) {
    this.client = client;
    this.settings = settings;
    this.load = load;
  }

  @Override
  public Optional<NameSwitcher.Holder> find(String name) {
    return client
        .find(name)
        .map(
            found ->
                new NameSwitcher.Holder(
                    found.name(),
                    found.id(),
                    found.load().map(made -> made.note().stamp()),
                    List.of()));
  }

  @Override
  public long rows(String name) {
    return client.count(client.get(name));
  }

  /** Of the ids: what is changed in place does not show. */
  @Override
  public String fingerprint(String name) {
    ChromaCollection found = client.get(name);
    try (IdList ids = IdList.of(client, found, settings, RecordFetcher.mapping(found))) {
      return found.id() + " " + ids.size() + " " + ids.hash();
    }
  }

  @Override
  public String keptName(String name, LoadStamp stamp) {
    return CollectionNames.ofReplaced(name, stamp);
  }

  @Override
  public void rename(String from, String to) {
    JsonBytes change = new JsonBytes(100);
    change.raw("{\"new_name\":").string(to).raw("}");
    client.change(client.get(from).id(), change, "renaming '" + from + "' to '" + to + "'");
  }

  @Override
  public void point(NameSwitch planned, String collection) {
    throw new IllegalStateException("Chroma has no aliases");
  }

  @Override
  public void drop(String collection) {
    load.remove(client.get(collection));
  }

  @Override
  public String betweenRenames() {
    return "between the two calls, who asks for the name is told that there is no such collection"
        + " (404). Clients that run keep the id of the collection that they found by name, and go"
        + " on with the old one until they look the name up again";
  }
}
