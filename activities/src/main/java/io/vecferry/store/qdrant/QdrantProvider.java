package io.vecferry.store.qdrant;

import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreOption;
import io.vecferry.store.StoreOption.Kind;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.TlsSettings;
import io.vecferry.store.VectorStore;
import java.util.List;

/** Collections of Qdrant servers, over gRPC. */
public final class QdrantProvider implements StoreProvider {
  private static final int LONGEST_NAME = 255;

  @Override
  public String type() {
    return "qdrant";
  }

  @Override
  public String description() {
    return "Qdrant 1.10 to " + ServerVersion.NEWEST + ", over gRPC";
  }

  @Override
  public List<StoreOption> options() {
    return TlsSettings.optionsWith(
        List.of(
            new StoreOption(
                "url",
                Kind.URL,
                true,
                "",
                "Address of the gRPC API, for example http://localhost:6334; https for TLS."),
            new StoreOption(
                "collection", Kind.TEXT, true, "", "Name of a collection, or of an alias."),
            new StoreOption("auth.apiKey", Kind.SECRET, false, "", "API key."),
            new StoreOption(
                "partitionKey",
                Kind.TEXT,
                false,
                "",
                "Metadata key that tells tenants apart; a target gets a tenant index on it."),
            new StoreOption(
                "options.documentKey",
                Kind.TEXT,
                false,
                "",
                "Payload key of documents; a target has document if nothing is said, a source none."),
            new StoreOption(
                "options.metadataKey",
                Kind.TEXT,
                false,
                "",
                "Payload key below which metadata is; if nothing is said, metadata is the payload."),
            new StoreOption(
                "options.payloadIndexes",
                Kind.OBJECT,
                false,
                "",
                "Indexes of a target by payload path, as category: keyword."),
            new StoreOption(
                "options.quantization",
                Kind.TEXT,
                false,
                Settings.QUANTIZATIONS,
                "",
                "Quantization of a target's vectors; the originals are kept."),
            new StoreOption(
                "options.onDisk",
                Kind.BOOLEAN,
                false,
                "",
                "Whether a target serves vectors from disk."),
            new StoreOption(
                "options.onDiskPayload",
                Kind.BOOLEAN,
                false,
                "",
                "Whether a target serves payload from disk."),
            new StoreOption(
                "options.takeOverName",
                Kind.BOOLEAN,
                false,
                "",
                "Whether ifExists: replace may delete a collection whose name becomes an alias; it is"
                    + " backed up first."),
            new StoreOption("options.shards", Kind.INTEGER, false, "", "Shards of a target."),
            new StoreOption(
                "options.replicas", Kind.INTEGER, false, "", "Copies of each shard of a target."),
            new StoreOption(
                "options.requestsInFlight",
                Kind.INTEGER,
                false,
                "",
                "Requests on their way at once while a part is written, 1 to 64; found out when"
                    + " nothing is said.")));
  }

  /** Qdrant cannot rename a collection: a load is made under its final name. */
  @Override
  public StoreSettings loadSettings(StoreSettings settings, String migration) {
    return settings;
  }

  @Override
  public StoreSettings loadBesideSettings(StoreSettings settings, String migration) {
    return settings
        .text("collection")
        .map(name -> settings.with("collection", besideName(name, migration)))
        .orElse(settings);
  }

  /** A readable name, at most 255 characters long as every name. */
  private static String besideName(String collection, String migration) {
    String name = collection + "__" + migration;
    return name.length() <= LONGEST_NAME
        ? name
        : name.substring(0, LONGEST_NAME - 9) + "_" + "%08x".formatted(name.hashCode());
  }

  @Override
  public VectorStore open(StoreSettings settings) {
    Settings read = Settings.of(settings);
    if (!read.quantization().isEmpty() && !Settings.QUANTIZATIONS.contains(read.quantization())) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE,
          read.role()
              + ".options.quantization '"
              + read.quantization()
              + "' is not one of "
              + String.join(", ", Settings.QUANTIZATIONS)
              + ".");
    }
    Connection connection =
        Connection.open(
            read.address(),
            TlsSettings.of(settings),
            settings.secret("auth.apiKey").orElse(null),
            read.role(),
            Connection.LARGEST_ANSWER);
    return new QdrantStore(connection, read);
  }
}
