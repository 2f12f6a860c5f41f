package io.vecferry.store.qdrant;

import io.qdrant.client.grpc.Collections.AliasOperations;
import io.qdrant.client.grpc.Collections.ChangeAliases;
import io.qdrant.client.grpc.Collections.CreateAlias;
import io.qdrant.client.grpc.Collections.DeleteCollection;
import io.qdrant.client.grpc.Collections.UpdateCollection;
import io.qdrant.client.grpc.CollectionsGrpc;
import io.qdrant.client.grpc.JsonWithInt.Struct;
import io.qdrant.client.grpc.JsonWithInt.Value;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.TlsSettings;
import io.vecferry.testing.RunningServer;
import java.net.URI;
import java.util.UUID;

/** What the tests of this store share. */
final class QdrantTests {
  private QdrantTests() {}

  static final TlsSettings USUAL_TLS = TlsSettings.of(StoreSettings.of("source"));

  /** Whether the server is the project's own, which can be told to show a status. */
  static boolean isTestServer(RunningServer server) {
    return server.pid() != 0 && System.getenv("QDRANT_BIN") == null;
  }

  static String uniqueName() {
    return "test-" + UUID.randomUUID();
  }

  static StoreSettings settings(String role, String url, String collection) {
    return StoreSettings.of(role, "url", url, "collection", collection);
  }

  static Connection connect(String url) {
    return Connection.open(URI.create(url), USUAL_TLS, null, "source", Connection.LARGEST_ANSWER);
  }

  static void drop(String url, String collection) {
    try (Connection connection = connect(url)) {
      connection.call(
          CollectionsGrpc.getDeleteMethod(),
          DeleteCollection.newBuilder().setCollectionName(collection).build(),
          "dropping");
    }
  }

  /** Makes an alias, or makes it lead elsewhere. */
  static void alias(String url, String alias, String collection) {
    try (Connection connection = connect(url)) {
      connection.call(
          CollectionsGrpc.getUpdateAliasesMethod(),
          ChangeAliases.newBuilder()
              .addActions(
                  AliasOperations.newBuilder()
                      .setCreateAlias(
                          CreateAlias.newBuilder()
                              .setAliasName(alias)
                              .setCollectionName(collection)))
              .build(),
          "making an alias");
    }
  }

  /** Tells the test server what to do with a collection; see its README. */
  static void control(String url, String collection, Struct.Builder order) {
    try (Connection connection = connect(url)) {
      connection.call(
          CollectionsGrpc.getUpdateMethod(),
          UpdateCollection.newBuilder()
              .setCollectionName(collection)
              .putMetadata("_test_server", Value.newBuilder().setStructValue(order).build())
              .build(),
          "controlling");
    }
  }

  static Value text(String text) {
    return Value.newBuilder().setStringValue(text).build();
  }

  static Value number(double number) {
    return Value.newBuilder().setDoubleValue(number).build();
  }
}
