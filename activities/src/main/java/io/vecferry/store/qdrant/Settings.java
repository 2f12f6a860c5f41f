package io.vecferry.store.qdrant;

import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreSettings;
import java.net.URI;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * A section of a spec, as this store reads it.
 *
 * @param role {@code source} or {@code target}
 * @param address of the gRPC API
 * @param collection name of a collection or an alias
 * @param documentKey payload key of documents; empty where nothing was said
 * @param metadataKey payload key below which metadata is; empty for the payload itself
 * @param partitionKey metadata key that tells tenants apart; empty for none
 * @param onDisk where vectors are served from; empty for the server's default
 * @param onDiskPayload where payload is served from; empty for the server's default
 * @param quantization as {@code scalar}; empty for what the index type says
 * @param payloadIndexes type of index by payload key
 * @param shards number of shards, 0 for the server's default
 * @param replicas copies of each shard, 0 for the server's default
 * @param requestsInFlight requests that a writer has on their way at once, 0 to find that out
 * @param searchBeam beam of a search, 0 for the server's default
 * @param takeOverName whether a collection may be deleted to get its name for an alias
 */
record Settings(
    String role,
    URI address,
    String collection,
    String documentKey,
    String metadataKey,
    String partitionKey,
    Optional<Boolean> onDisk,
    Optional<Boolean> onDiskPayload,
    String quantization,
    Map<String, String> payloadIndexes,
    int shards,
    int replicas,
    int requestsInFlight,
    int searchBeam,
    boolean takeOverName) {
  static final List<String> QUANTIZATIONS = List.of("none", "scalar", "product", "binary");

  static Settings of(StoreSettings settings) {
    URI address =
        settings
            .address("url")
            .orElseThrow(() -> missing(settings, "url", "http://localhost:" + Failures.PORT));
    if (address.getHost() == null
        || !("http".equals(address.getScheme()) || "https".equals(address.getScheme()))) {
      throw incompatible(
          settings.role()
              + ".url must be http:// or https://, a host and a port, got "
              + address
              + ".");
    }
    if (address.getRawPath() != null && !address.getRawPath().isEmpty()) {
      throw incompatible(
          settings.role()
              + ".url must end with the port: gRPC has no path, got "
              + address.getRawPath()
              + ".");
    }
    Map<String, String> indexes = new LinkedHashMap<>();
    settings
        .texts("options.payloadIndexes")
        .forEach((path, type) -> indexes.put(path, type.toLowerCase(Locale.ROOT)));
    String documentKey = settings.text("options.documentKey", "");
    String metadataKey = settings.text("options.metadataKey", "");
    if (!documentKey.isEmpty() && documentKey.equals(metadataKey)) {
      throw incompatible(
          settings.role() + ".options.documentKey and metadataKey are both '" + documentKey + "'.");
    }
    return new Settings(
        settings.role(),
        address,
        settings
            .text("collection")
            .filter(name -> !name.isEmpty())
            .orElseThrow(() -> missing(settings, "collection", "products")),
        documentKey,
        metadataKey,
        settings.text("partitionKey", ""),
        settings.text("options.onDisk").map(Boolean::parseBoolean),
        settings.text("options.onDiskPayload").map(Boolean::parseBoolean),
        settings.text("options.quantization", ""),
        indexes,
        count(settings, "options.shards", 10_000),
        count(settings, "options.replicas", 10_000),
        count(settings, "options.requestsInFlight", 64),
        IndexPlan.searchBeam(settings),
        settings.flag("options.takeOverName", false));
  }

  private static int count(StoreSettings settings, String path, int most) {
    long count = settings.integer(path, 0);
    if (count < 0 || count > most || (count == 0 && settings.text(path).isPresent())) {
      throw incompatible(
          settings.role() + "." + path + " must be from 1 to " + most + ", got " + count + ".");
    }
    return (int) count;
  }

  private static StoreException missing(StoreSettings settings, String key, String example) {
    return incompatible(
        settings.role()
            + "."
            + key
            + " is missing. Add it, for example "
            + key
            + ": "
            + example
            + ".");
  }

  private static StoreException incompatible(String message) {
    return new StoreException(FailureClass.INCOMPATIBLE, message);
  }
}
