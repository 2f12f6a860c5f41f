package io.vecferry.store.milvus;

import com.fasterxml.jackson.databind.JsonNode;
import io.milvus.grpc.DataType;
import io.vecferry.plan.FailureClass;
import io.vecferry.store.Secrets;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreOption;
import io.vecferry.store.StoreOption.Kind;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.TlsSettings;
import java.net.URI;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a spec says about one side that is Milvus.
 *
 * @param role {@code source} or {@code target}, for messages
 * @param token what the server is given as authorization; null for none
 * @param partitionKey metadata key that becomes the partition key; null for none
 * @param load whether a source that is not loaded may be loaded
 * @param idField name of the key field of a new collection; null for a usual one
 * @param idType type of the key field of a new collection; null to let the ids decide
 * @param vectorField name of the vector field of a new collection when records do not name it; null
 *     for a usual one
 * @param documentField name of the field with the document; null for the usual ones, {@link
 *     #NO_DOCUMENT} for none
 * @param fields metadata keys that get a field of their own
 * @param autoFields whether keys that are alike in all records get a field too
 * @param requestsInFlight writes at once; -1 to find that out
 * @param requestBytes most bytes of columns in a write
 * @param pageBytes bytes of an answer that are aimed at
 * @param indexParams parameters of the index as the spec names them; those for searching are used
 *     on either side
 */
record MilvusOptions(
    String role,
    URI url,
    String collection,
    String database,
    String token,
    TlsSettings tls,
    String partitionKey,
    boolean load,
    String idField,
    DataType idType,
    String vectorField,
    String documentField,
    Map<String, FieldType> fields,
    boolean autoFields,
    int requestsInFlight,
    long requestBytes,
    long pageBytes,
    Map<String, String> indexParams) {
  static final String NO_DOCUMENT = "none";
  static final int LONGEST_TEXT = 65_535;
  private static final int PLAIN_PORT = 19_530;
  private static final int TLS_PORT = 443;
  private static final int MOST_IN_FLIGHT = 32;
  private static final int LARGEST_MESSAGE = 48 << 20;
  private static final Pattern FIELD_TYPE = Pattern.compile("([A-Z0-9]+)(?:\\((\\d{1,9})\\))?");

  /**
   * Type of a field that holds a metadata key.
   *
   * @param longest most bytes of a text; 0 for other types
   */
  record FieldType(DataType type, int longest) {
    private static final Map<String, DataType> TYPES =
        Map.of(
            "BOOL", DataType.Bool,
            "INT8", DataType.Int8,
            "INT16", DataType.Int16,
            "INT32", DataType.Int32,
            "INT64", DataType.Int64,
            "FLOAT", DataType.Float,
            "DOUBLE", DataType.Double,
            "VARCHAR", DataType.VarChar,
            "JSON", DataType.JSON);

    static final FieldType TEXT = new FieldType(DataType.VarChar, LONGEST_TEXT);

    private static Optional<FieldType> parse(String spelled) {
      Matcher matcher = FIELD_TYPE.matcher(spelled.toUpperCase(Locale.ROOT));
      if (!matcher.matches() || !TYPES.containsKey(matcher.group(1))) {
        return Optional.empty();
      }
      DataType type = TYPES.get(matcher.group(1));
      if (matcher.group(2) == null) {
        return Optional.of(new FieldType(type, type == DataType.VarChar ? LONGEST_TEXT : 0));
      }
      int longest = Integer.parseInt(matcher.group(2));
      return type == DataType.VarChar && longest >= 1 && longest <= LONGEST_TEXT
          ? Optional.of(new FieldType(type, longest))
          : Optional.empty();
    }
  }

  static List<StoreOption> all() {
    return List.of(
        new StoreOption(
            "url", Kind.URL, true, List.of(), "", "Address of the server; https for TLS."),
        new StoreOption("collection", Kind.TEXT, true, "", "The collection, or an alias of one."),
        new StoreOption(
            "database", Kind.TEXT, false, "default", "The database that the collection is in."),
        new StoreOption("auth.token", Kind.SECRET, false, "", "API key, or user:password."),
        new StoreOption("auth.username", Kind.SECRET, false, "", "User, when there is no token."),
        new StoreOption("auth.password", Kind.SECRET, false, "", "Password of that user."),
        new StoreOption(
            "partitionKey",
            Kind.TEXT,
            false,
            "",
            "Metadata key that becomes the partition key of a new collection."),
        new StoreOption(
            "options.load",
            Kind.BOOLEAN,
            false,
            "false",
            "Whether a source that is not loaded may be loaded for the migration; it is released"
                + " again."),
        new StoreOption(
            "options.idField", Kind.TEXT, false, "id", "Name of a new collection's key field."),
        new StoreOption(
            "options.idType",
            Kind.TEXT,
            false,
            List.of("INT64", "VARCHAR"),
            "",
            "Type of a new collection's key field; INT64 by itself when all ids are int64."),
        new StoreOption(
            "options.vectorField",
            Kind.TEXT,
            false,
            "vector",
            "Name of a new collection's vector field when the records do not name it."),
        new StoreOption(
            "options.documentField",
            Kind.TEXT,
            false,
            "",
            "VARCHAR field with the document; by itself document, text or page_content; none for"
                + " no field."),
        new StoreOption(
            "options.fields",
            Kind.OBJECT,
            false,
            "",
            "Metadata keys that get a field of their own in a new collection, each with its type,"
                + " as {category: VARCHAR, title: VARCHAR(500), price: DOUBLE, year: INT64}."),
        new StoreOption(
            "options.autoFields",
            Kind.BOOLEAN,
            false,
            "false",
            "Whether keys that have one type in all records that were looked at get a field too."),
        new StoreOption(
            "options.requestsInFlight",
            Kind.INTEGER,
            false,
            "",
            "Writes of a part at once, 1 to 32; found out when nothing is said."),
        new StoreOption(
            "options.requestBytes",
            Kind.INTEGER,
            false,
            "8388608",
            "Most bytes of one write, up to 50331648."),
        new StoreOption(
            "options.pageBytes",
            Kind.INTEGER,
            false,
            "4194304",
            "Bytes of one answer to aim at, up to 50331648."));
  }

  /**
   * Reads settings.
   *
   * @throws StoreException INCOMPATIBLE when they cannot work, MISSING when a secret is not there
   */
  static MilvusOptions read(StoreSettings settings) {
    String role = settings.role();
    URI url =
        settings
            .address("url")
            .orElseThrow(() -> incompatible(role + ".url", "is required for Milvus", ""));
    if (url.getPath() != null && !url.getPath().isEmpty()) {
      throw incompatible(
          role + ".url",
          "has a path, " + url.getPath(),
          "Name a database with " + role + ".database.");
    }
    return new MilvusOptions(
        role,
        url,
        settings
            .text("collection")
            .filter(name -> !name.isBlank())
            .orElseThrow(() -> incompatible(role + ".collection", "is required for Milvus", "")),
        settings.text("database", ""),
        token(settings),
        TlsSettings.of(settings),
        settings.text("partitionKey").orElse(null),
        settings.flag("options.load", false),
        settings.text("options.idField").orElse(null),
        settings.text("options.idType").map(MilvusOptions::keyType).orElse(null),
        settings.text("options.vectorField").orElse(null),
        settings.text("options.documentField").orElse(null),
        fields(settings),
        settings.flag("options.autoFields", false),
        (int) number(settings, "options.requestsInFlight", -1, MOST_IN_FLIGHT),
        number(settings, "options.requestBytes", 8 << 20, LARGEST_MESSAGE),
        number(settings, "options.pageBytes", 4 << 20, LARGEST_MESSAGE),
        parameters(settings.object("index").path("params")));
  }

  private static String token(StoreSettings settings) {
    Optional<String> token = settings.secret("auth.token");
    Optional<String> user = settings.secret("auth.username");
    Optional<String> password = settings.secret("auth.password");
    if (token.isPresent() && (user.isPresent() || password.isPresent())) {
      throw incompatible(
          settings.role() + ".auth", "has a token and a user with password", "Give one of them.");
    }
    if (user.isPresent() != password.isPresent()) {
      throw incompatible(
          settings.role() + ".auth", "has a username or a password but not both", "Give both.");
    }
    user.ifPresent(name -> Secrets.hide(name + ":" + password.orElseThrow()));
    return token.orElseGet(
        () -> user.map(name -> name + ":" + password.orElseThrow()).orElse(null));
  }

  private static DataType keyType(String text) {
    return text.equals("INT64") ? DataType.Int64 : DataType.VarChar;
  }

  private static long number(StoreSettings settings, String path, long normal, long largest) {
    long number = settings.integer(path, normal);
    if (settings.text(path).isPresent() && (number < 1 || number > largest)) {
      throw incompatible(
          settings.role() + "." + path, "must be from 1 to " + largest + ", got " + number, "");
    }
    return number;
  }

  private static Map<String, FieldType> fields(StoreSettings settings) {
    Map<String, FieldType> fields = new LinkedHashMap<>();
    for (Iterator<Map.Entry<String, JsonNode>> entries = settings.object("options.fields").fields();
        entries.hasNext(); ) {
      Map.Entry<String, JsonNode> entry = entries.next();
      fields.put(
          entry.getKey(),
          FieldType.parse(entry.getValue().asText())
              .orElseThrow(
                  () ->
                      incompatible(
                          settings.role() + ".options.fields." + entry.getKey(),
                          "must be one of BOOL, INT8, INT16, INT32, INT64, FLOAT, DOUBLE, VARCHAR,"
                              + " VARCHAR(n) with n from 1 to 65535, JSON, got "
                              + entry.getValue(),
                          "")));
    }
    return fields;
  }

  private static Map<String, String> parameters(JsonNode params) {
    Map<String, String> parameters = new LinkedHashMap<>();
    params.fields().forEachRemaining(e -> parameters.put(e.getKey(), e.getValue().asText()));
    return parameters;
  }

  private static StoreException incompatible(String field, String problem, String remedy) {
    return new StoreException(
        FailureClass.INCOMPATIBLE,
        field + " " + problem + "." + (remedy.isEmpty() ? "" : " " + remedy));
  }

  boolean speaksTls() {
    return "https".equals(url.getScheme());
  }

  int port() {
    return url.getPort() >= 0 ? url.getPort() : speaksTls() ? TLS_PORT : PLAIN_PORT;
  }

  /** The server, for messages. */
  String server() {
    return url.getScheme() + "://" + url.getHost() + ":" + port();
  }

  /** The same for another collection. */
  MilvusOptions named(String other) {
    return new MilvusOptions(
        role,
        url,
        other,
        database,
        token,
        tls,
        partitionKey,
        load,
        idField,
        idType,
        vectorField,
        documentField,
        fields,
        autoFields,
        requestsInFlight,
        requestBytes,
        pageBytes,
        indexParams);
  }

  /** The collection, for messages. */
  String place() {
    return (database.isEmpty() ? "" : database + ".") + collection + " at " + server();
  }
}
