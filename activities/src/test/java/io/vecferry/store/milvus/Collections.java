package io.vecferry.store.milvus;

import io.milvus.grpc.DropCollectionRequest;
import io.vecferry.store.StoreSettings;

/** Collections of tests. */
final class Collections {
  private Collections() {}

  /** A client of a server that asks for no password. */
  static MilvusClient client(String url) {
    return MilvusClient.connect(
        MilvusOptions.read(StoreSettings.of("target", "url", url, "collection", "any")));
  }

  /** Drops a collection if it is there. */
  static void drop(String url, String name) {
    try (MilvusClient client = client(url)) {
      client.ask(
          "dropping " + name,
          stub ->
              stub.dropCollection(
                  DropCollectionRequest.newBuilder().setCollectionName(name).build()));
    }
  }
}
