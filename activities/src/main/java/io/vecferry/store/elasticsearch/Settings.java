package io.vecferry.store.elasticsearch;

import com.fasterxml.jackson.databind.JsonNode;
import io.vecferry.plan.FailureClass;
import io.vecferry.spec.Suggestion;
import io.vecferry.store.Secrets;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreOption;
import io.vecferry.store.StoreOption.Kind;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.TlsSettings;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What a spec says about one side that is Elasticsearch.
 *
 * @param role {@code source} or {@code target}, for messages
 * @param url address of the server, without a slash at its end
 * @param collection an index, alias or data stream
 * @param authorization header that is sent along to be let in; null for none
 * @param metric how vectors are compared that the source does not index; null when nothing is said
 * @param vectorField of a source the only vector field to read, of a target the name of its field
 *     where the records do not name it; null for all, or a usual name
 * @param documentField field with the document; null for the usual ones, {@link #NO_DOCUMENT} for
 *     none
 * @param skipsWithoutVectors whether records of a source that have no vector at all are left out
 * @param keepAlive how long a server keeps a point in time between two pages, in its own spelling
 * @param exactVectors whether a target keeps vectors as they were written
 * @param routing whether a target stores records with the routing that their metadata has
 * @param fields types of metadata keys of a target
 * @param autoFields whether metadata keys of a target get the type that their values have
 * @param shards primary shards of a target; 0 for what is usual
 * @param replicas copies of each shard of a target; -1 for what is usual
 * @param forceMerge whether a target's segments become one
 * @param requestsInFlight writes at once; -1 to find that out
 * @param requestBytes most bytes of a write
 * @param pageBytes bytes of an answer to aim at
 * @param timeout how long a request may take
 * @param candidates records that a search looks at in each shard; 0 for what is usual
 */
record Settings(
    String role,
    URI url,
    String collection,
    String authorization,
    TlsSettings tls,
    String metric,
    String vectorField,
    String documentField,
    boolean skipsWithoutVectors,
    String keepAlive,
    boolean exactVectors,
    boolean routing,
    Map<String, String> fields,
    boolean autoFields,
    int shards,
    int replicas,
    boolean forceMerge,
    int requestsInFlight,
    int requestBytes,
    int pageBytes,
    Duration timeout,
    int candidates) {
  static final String NO_DOCUMENT = "none";

  /** Types that {@code options.fields} may give to a key. */
  static final List<String> FIELD_TYPES =
      List.of("keyword", "text", "long", "double", "boolean", "date", "flattened", "none");

  private static final Pattern DURATION = Pattern.compile("[1-9][0-9]{0,8}(ms|s|m|h|d)");
  private static final int LARGEST_REQUEST = 64 << 20;

  static final List<StoreOption> OPTIONS =
      List.of(
          new StoreOption("url", Kind.URL, true, "", "Address of the server; https for TLS."),
          new StoreOption(
              "collection",
              Kind.TEXT,
              true,
              "",
              "An index, alias or data stream; of a target a name that is free."),
          new StoreOption("auth.apiKey", Kind.SECRET, false, "", "API key, encoded or as id:key."),
          new StoreOption("auth.username", Kind.SECRET, false, "", "User."),
          new StoreOption("auth.password", Kind.SECRET, false, "", "Password of that user."),
          new StoreOption(
              "auth.bearer", Kind.SECRET, false, "", "Token sent as Authorization: Bearer."),
          new StoreOption(
              "options.vectorField",
              Kind.TEXT,
              false,
              "",
              "Of a source the only vector field to read, all if nothing is said; of a target the"
                  + " name of its field when the records do not name it, vector if nothing is said."),
          new StoreOption(
              "options.documentField",
              Kind.TEXT,
              false,
              "",
              "Field of the document; by itself a source's text field document, text or"
                  + " page_content, and a target's document; none for none."),
          new StoreOption(
              "options.withoutVectors",
              Kind.TEXT,
              false,
              List.of("keep", "skip"),
              "keep",
              "What happens to records of a source that have no vector at all."),
          new StoreOption(
              "options.keepAlive",
              Kind.TEXT,
              false,
              "5m",
              "How long a server keeps a source's point in time between two pages."),
          new StoreOption(
              "scrollSize", Kind.TEXT, false, "", "Another spelling of options.keepAlive, as 5m."),
          new StoreOption(
              "options.exactVectors",
              Kind.BOOLEAN,
              false,
              "true",
              "Whether a target keeps vectors in _source as they were written; from 9.2 a server"
                  + " would put them together from its index."),
          new StoreOption(
              "options.routing",
              Kind.BOOLEAN,
              false,
              "true",
              "Whether a target stores records that have the metadata key _routing, as those of"
                  + " Elasticsearch that were stored with a routing do, with that routing."),
          new StoreOption(
              "options.fields",
              Kind.OBJECT,
              false,
              "",
              "Types of a target's metadata keys, as {category: keyword, price: double}."),
          new StoreOption(
              "options.autoFields",
              Kind.BOOLEAN,
              false,
              "true",
              "Whether keys that have one type in all records that were looked at can be filtered."),
          new StoreOption("options.shards", Kind.INTEGER, false, "", "Primary shards of a target."),
          new StoreOption(
              "options.replicas", Kind.INTEGER, false, "", "Copies of each shard of a target."),
          new StoreOption(
              "options.forceMerge",
              Kind.BOOLEAN,
              false,
              "false",
              "Whether a target's segments are merged into one, which takes long and makes searches"
                  + " faster."),
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
              "10485760",
              "Most bytes of one write, up to 67108864."),
          new StoreOption(
              "options.pageBytes",
              Kind.INTEGER,
              false,
              "10485760",
              "Bytes of one answer to aim at, up to 67108864."),
          new StoreOption(
              "options.timeoutSeconds",
              Kind.INTEGER,
              false,
              "120",
              "Seconds after which a request is given up."));

  /**
   * Reads settings.
   *
   * @throws StoreException INCOMPATIBLE when they cannot work, MISSING when a secret is not there
   */
  static Settings of(StoreSettings settings) {
    return new Settings(
        settings.role(),
        settings
            .address("url")
            .orElseThrow(() -> wrong(settings, "url", "is missing: the address of the server")),
        settings
            .text("collection")
            .filter(name -> !name.isBlank())
            .orElseThrow(() -> wrong(settings, "collection", "is missing: the name of an index")),
        authorization(settings),
        TlsSettings.of(settings),
        settings.text("metric").orElse(null),
        settings.text("options.vectorField").orElse(null),
        settings.text("options.documentField").orElse(null),
        settings.text("options.withoutVectors", "keep").equals("skip"),
        keepAlive(settings),
        settings.flag("options.exactVectors", true),
        settings.flag("options.routing", true),
        fields(settings),
        settings.flag("options.autoFields", true),
        number(settings, "options.shards", 0, 1, 1024),
        number(settings, "options.replicas", -1, 0, 100),
        settings.flag("options.forceMerge", false),
        number(settings, "options.requestsInFlight", -1, 1, 32),
        number(settings, "options.requestBytes", 10 << 20, 1 << 10, LARGEST_REQUEST),
        number(settings, "options.pageBytes", 10 << 20, 1 << 10, LARGEST_REQUEST),
        Duration.ofSeconds(number(settings, "options.timeoutSeconds", 120, 1, 86_400)),
        IndexRules.candidates(settings.texts("index.params")));
  }

  private static String authorization(StoreSettings settings) {
    Optional<String> apiKey = settings.secret("auth.apiKey");
    Optional<String> user = settings.secret("auth.username");
    Optional<String> password = settings.secret("auth.password");
    Optional<String> bearer = settings.secret("auth.bearer");
    if (user.isPresent() != password.isPresent()) {
      throw wrong(settings, "auth", "has a username or a password but not both. Give both");
    }
    if (List.of(apiKey, user, bearer).stream().filter(Optional::isPresent).count() > 1) {
      throw wrong(
          settings, "auth", "has more than one of apiKey, username and bearer. Keep the one used");
    }
    user.ifPresent(name -> Secrets.hide(name + ":" + password.orElseThrow()));
    String header =
        apiKey
            .map(key -> "ApiKey " + (key.contains(":") ? base64(key) : key))
            .or(() -> user.map(name -> "Basic " + base64(name + ":" + password.orElseThrow())))
            .or(() -> bearer.map(token -> "Bearer " + token))
            .orElse(null);
    if (header != null && header.chars().anyMatch(c -> c < ' ' || c > '~')) {
      throw wrong(
          settings,
          "auth",
          "has a secret with characters that no header can hold, such as a line break. It is not"
              + " shown here; look where auth says that it is");
    }
    return header;
  }

  private static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  private static String keepAlive(StoreSettings settings) {
    String key =
        settings.text("options.keepAlive").isPresent() ? "options.keepAlive" : "scrollSize";
    String text = settings.text(key, "5m");
    if (!DURATION.matcher(text).matches()) {
      throw wrong(settings, key, "must be a time such as 30s, 5m or 1h, got \"" + text + "\"");
    }
    return text;
  }

  private static Map<String, String> fields(StoreSettings settings) {
    Map<String, String> fields = new LinkedHashMap<>();
    for (Iterator<Map.Entry<String, JsonNode>> entries = settings.object("options.fields").fields();
        entries.hasNext(); ) {
      Map.Entry<String, JsonNode> entry = entries.next();
      String type = entry.getValue().asText();
      if (!FIELD_TYPES.contains(type)) {
        throw wrong(
            settings,
            "options.fields." + entry.getKey(),
            "must be one of "
                + String.join(", ", FIELD_TYPES)
                + ", got "
                + entry.getValue()
                + "."
                + Suggestion.didYouMean(type, FIELD_TYPES));
      }
      fields.put(entry.getKey(), type);
    }
    return fields;
  }

  private static int number(
      StoreSettings settings, String path, int defaultValue, int lowest, int highest) {
    long value = settings.integer(path, defaultValue);
    if (settings.text(path).isPresent() && (value < lowest || value > highest)) {
      throw wrong(settings, path, "must be from " + lowest + " to " + highest + ", got " + value);
    }
    return (int) value;
  }

  private static StoreException wrong(StoreSettings settings, String key, String problem) {
    return new StoreException(
        FailureClass.INCOMPATIBLE,
        settings.role() + "." + key + " " + problem + (problem.endsWith("?") ? "" : "."));
  }

  /** Whether a secret goes over a network that others may listen to. */
  boolean sendsSecretInTheOpen() {
    return authorization != null
        && "http".equals(url.getScheme())
        && !List.of("localhost", "127.0.0.1", "[::1]").contains(url.getHost());
  }

  /** A key of the spec, for messages. */
  String field(String key) {
    return role + "." + key;
  }
}
