package io.vecferry.store.milvus;

import io.milvus.grpc.AlterAliasRequest;
import io.milvus.grpc.DescribeAliasRequest;
import io.milvus.grpc.DescribeAliasResponse;
import io.milvus.grpc.DescribeCollectionResponse;
import io.milvus.grpc.DropCollectionRequest;
import io.milvus.grpc.ListAliasesRequest;
import io.milvus.grpc.ListAliasesResponse;
import io.milvus.grpc.RenameCollectionRequest;
import io.vecferry.plan.NameSwitch;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.NameSwitcher;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What Milvus can do with names: it renames collections, and has aliases. */
final class SwitchedNames implements NameSwitcher.Names {
  /** Whether what was there before was loaded, among the details of a switch. */
  private static final String LOADED = "loaded";

  private final MilvusClient client;
  private final MilvusOptions options;

  SwitchedNames(MilvusClient client, MilvusOptions options) {
    this.client = client;
    this.options = options;
  }

  private MilvusCollection collection(String name) {
    return new MilvusCollection(client, options.named(name));
  }

  @Override
  public Optional<NameSwitcher.Holder> find(String name) {
    return collection(name)
        .find()
        .map(
            found -> {
              String own = behind(name);
              return new NameSwitcher.Holder(
                  own,
                  id(found),
                  CollectionNote.of(found).map(note -> note.load().stamp()),
                  aliases(own));
            });
  }

  /** Milvus Lite numbers no collections; there it is what users and loads wrote about it. */
  private String id(DescribeCollectionResponse found) {
    return client.version().lite()
        ? Names.hash(found.getSchema().getFieldsList() + "\n" + found.getPropertiesList())
        : Long.toString(found.getCollectionID());
  }

  /** The collection that an alias leads to, or the name where it is none. */
  private String behind(String name) {
    String doing = "looking at the alias " + options.named(name).place();
    DescribeAliasResponse answer =
        client.ask(
            doing,
            stub -> stub.describeAlias(DescribeAliasRequest.newBuilder().setAlias(name).build()));
    if (MilvusErrors.isOk(answer.getStatus())) {
      return answer.getCollection();
    }
    String reason = answer.getStatus().getReason();
    if (reason.contains("alias not found") || reason.contains("does not exist")) {
      return name;
    }
    throw MilvusErrors.of(MilvusErrors.Call.ADMINISTER, doing, answer.getStatus());
  }

  private List<String> aliases(String own) {
    return List.copyOf(
        client
            .get(
                MilvusErrors.Call.ADMINISTER,
                "listing the aliases of " + options.named(own).place(),
                stub ->
                    stub.listAliases(
                        ListAliasesRequest.newBuilder().setCollectionName(own).build()),
                ListAliasesResponse::getStatus)
            .getAliasesList());
  }

  @Override
  public long rows(String name) {
    MilvusCollection collection = collection(name);
    return collection.isLoaded() ? collection.count("") : collection.roughCount();
  }

  @Override
  public String fingerprint(String name) {
    DescribeCollectionResponse found = collection(name).describe();
    return MilvusStore.fingerprint(found, rows(name));
  }

  @Override
  public Map<String, String> details(String name) {
    MilvusCollection named = collection(name);
    return named.find().isPresent() ? Map.of(LOADED, Boolean.toString(named.isLoaded())) : Map.of();
  }

  @Override
  public String keptName(String name, LoadStamp stamp) {
    return Names.replaced(name, stamp);
  }

  @Override
  public void rename(String from, String to) {
    client.run(
        "renaming " + options.named(from).place() + " to " + to,
        stub ->
            stub.renameCollection(
                RenameCollectionRequest.newBuilder().setOldName(from).setNewName(to).build()));
  }

  @Override
  public void point(NameSwitch planned, String collection) {
    client.run(
        "pointing the alias " + options.named(planned.name()).place() + " to " + collection,
        stub ->
            stub.alterAlias(
                AlterAliasRequest.newBuilder()
                    .setAlias(planned.name())
                    .setCollectionName(collection)
                    .build()));
  }

  @Override
  public void drop(String collection) {
    client.run(
        "dropping " + options.named(collection).place(),
        stub ->
            stub.dropCollection(
                DropCollectionRequest.newBuilder().setCollectionName(collection).build()));
  }

  /** Milvus Lite releases what it renames. */
  @Override
  public void settle(NameSwitch planned, boolean switched) {
    MilvusCollection named = collection(planned.name());
    if ((switched || Boolean.parseBoolean(planned.details().get(LOADED))) && !named.isLoaded()) {
      named.load();
    }
  }

  @Override
  public String betweenRenames() {
    String words =
        "between the two calls, who asks for the name is told that there is no such collection";
    return client.version().lite()
        ? words
            + ". Stop readers of the name before: Milvus Lite may leave an empty folder in its way when"
            + " it is asked in that moment, and then refuses the name until somebody removes it"
        : words;
  }
}
