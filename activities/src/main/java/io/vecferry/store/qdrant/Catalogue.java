package io.vecferry.store.qdrant;

import io.qdrant.client.grpc.Collections.AliasDescription;
import io.qdrant.client.grpc.Collections.CollectionDescription;
import io.qdrant.client.grpc.Collections.CollectionExistsRequest;
import io.qdrant.client.grpc.Collections.CollectionInfo;
import io.qdrant.client.grpc.Collections.GetCollectionInfoRequest;
import io.qdrant.client.grpc.Collections.ListAliasesRequest;
import io.qdrant.client.grpc.Collections.ListCollectionsRequest;
import io.qdrant.client.grpc.CollectionsGrpc;
import io.qdrant.client.grpc.Points.CountPoints;
import io.qdrant.client.grpc.PointsGrpc;
import io.qdrant.client.grpc.SnapshotsGrpc;
import io.qdrant.client.grpc.SnapshotsService.ListSnapshotsRequest;
import io.qdrant.client.grpc.SnapshotsService.SnapshotDescription;
import io.vecferry.plan.FailureClass;
import io.vecferry.spec.Suggestion;
import io.vecferry.store.StoreException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** What a server says about collections. Stateless; every method asks. */
final class Catalogue {
  private final Connection connection;
  private final Settings settings;

  Catalogue(Connection connection, Settings settings) {
    this.connection = connection;
    this.settings = settings;
  }

  ServerVersion version() {
    return connection.version();
  }

  Connection connection() {
    return connection;
  }

  Settings settings() {
    return settings;
  }

  /** Whether the name leads to a collection, directly or as an alias. */
  boolean exists() {
    return exists(settings.collection());
  }

  private boolean exists(String name) {
    return connection
        .read(
            CollectionsGrpc.getCollectionExistsMethod(),
            CollectionExistsRequest.newBuilder().setCollectionName(name).build(),
            "looking for collection '" + name + "'")
        .getResult()
        .getExists();
  }

  /** What a name leads to, if it leads to a collection, directly or as an alias. */
  Optional<Layout> find(String name) {
    return !name.isEmpty() && exists(name) ? Optional.of(look(name)) : Optional.empty();
  }

  /**
   * Looks at the collection.
   *
   * @throws StoreException MISSING, with names that are near, when it is not there
   */
  Layout look() {
    return look(settings.collection());
  }

  private Layout look(String name) {
    Map<String, String> aliases = aliases();
    String collection = aliases.getOrDefault(name, name);
    List<String> own =
        aliases.entrySet().stream()
            .filter(alias -> alias.getValue().equals(collection))
            .map(Map.Entry::getKey)
            .toList();
    return Layout.of(collection, info(collection), own, settings, version());
  }

  /** What the server says about the collection with this own name. */
  CollectionInfo info(String collection) {
    try {
      return connection
          .read(
              CollectionsGrpc.getGetMethod(),
              GetCollectionInfoRequest.newBuilder().setCollectionName(collection).build(),
              "looking at collection '" + collection + "'")
          .getResult();
    } catch (StoreException e) {
      if (e.failureClass() == FailureClass.MISSING) {
        throw missing(e);
      }
      throw e;
    }
  }

  /** Collections by alias. */
  Map<String, String> aliases() {
    return connection
        .read(
            CollectionsGrpc.getListAliasesMethod(),
            ListAliasesRequest.getDefaultInstance(),
            "listing aliases")
        .getAliasesList()
        .stream()
        .collect(
            Collectors.toMap(
                AliasDescription::getAliasName,
                AliasDescription::getCollectionName,
                (one, other) -> other,
                TreeMap::new));
  }

  /** Points that can be read, counted one by one. */
  long count(String collection) {
    return connection
        .read(
            PointsGrpc.getCountMethod(),
            CountPoints.newBuilder().setCollectionName(collection).setExact(true).build(),
            "counting collection '" + collection + "'")
        .getResult()
        .getCount();
  }

  List<SnapshotDescription> snapshots(String collection) {
    return connection
        .read(
            SnapshotsGrpc.getListMethod(),
            ListSnapshotsRequest.newBuilder().setCollectionName(collection).build(),
            "listing snapshots of collection '" + collection + "'")
        .getSnapshotDescriptionsList();
  }

  private StoreException missing(StoreException cause) {
    List<String> names =
        connection
            .read(
                CollectionsGrpc.getListMethod(),
                ListCollectionsRequest.getDefaultInstance(),
                "listing collections")
            .getCollectionsList()
            .stream()
            .map(CollectionDescription::getName)
            .collect(Collectors.toList());
    names.addAll(
        aliases().keySet().stream().filter(alias -> !CollectionNote.isNote(alias)).toList());
    return new StoreException(
        FailureClass.MISSING,
        "Qdrant at "
            + settings.address()
            + " has no collection and no alias '"
            + settings.collection()
            + "' ("
            + settings.role()
            + ".collection)."
            + Suggestion.didYouMean(settings.collection(), names),
        cause);
  }
}
