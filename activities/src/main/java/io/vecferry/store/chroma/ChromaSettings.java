package io.vecferry.store.chroma;

import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreOption;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.TlsSettings;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * What a spec says about a Chroma store.
 *
 * @param role {@code source} or {@code target}, for messages
 * @param url address of the server, without a slash at its end
 * @param header what is sent along to be let in: name and value; null for nothing
 * @param requestsInFlight requests that a writer has on their way at once; -1 to find that out
 * @param pageSize most records in a request; 0 for what is usual
 * @param timeout how long a request may take
 */
record ChromaSettings(
    String role,
    URI url,
    String collection,
    String tenant,
    String database,
    Header header,
    TlsSettings tls,
    int requestsInFlight,
    int pageSize,
    Duration timeout) {
  private static final String URL = "url";
  private static final String COLLECTION = "collection";
  private static final String TENANT = "tenant";
  private static final String DATABASE = "database";
  private static final String TOKEN = "auth.token";
  private static final String BEARER = "auth.bearer";
  private static final String IN_FLIGHT = "options.requestsInFlight";
  private static final String PAGE_SIZE = "options.pageSize";
  private static final String TIMEOUT = "options.timeoutSeconds";

  static final List<StoreOption> OPTIONS =
      List.of(
          new StoreOption(URL, StoreOption.Kind.URL, true, "", "Address of the server."),
          new StoreOption(COLLECTION, StoreOption.Kind.TEXT, true, "", "Name of the collection."),
          new StoreOption(TENANT, StoreOption.Kind.TEXT, false, "default_tenant", "Tenant."),
          new StoreOption(DATABASE, StoreOption.Kind.TEXT, false, "default_database", "Database."),
          new StoreOption(
              TOKEN,
              StoreOption.Kind.SECRET,
              false,
              "",
              "Where the worker finds the token that is sent as X-Chroma-Token."),
          new StoreOption(
              BEARER,
              StoreOption.Kind.SECRET,
              false,
              "",
              "Where the worker finds the token that is sent as Authorization: Bearer."),
          new StoreOption(
              IN_FLIGHT,
              StoreOption.Kind.INTEGER,
              false,
              "",
              "Requests on their way at once while a part is written, 1 to 64; found out when"
                  + " nothing is said."),
          new StoreOption(
              PAGE_SIZE,
              StoreOption.Kind.INTEGER,
              false,
              "",
              "Most records in a request, for servers with a quota."),
          new StoreOption(
              TIMEOUT,
              StoreOption.Kind.INTEGER,
              false,
              "120",
              "Seconds after which a request is given up."));

  /** A header that is sent with each request. */
  record Header(String name, String value) {
    @Override
    public String toString() {
      return name;
    }
  }

  static ChromaSettings of(StoreSettings settings) {
    Optional<String> token = settings.secret(TOKEN);
    Optional<String> bearer = settings.secret(BEARER);
    if (token.isPresent() && bearer.isPresent()) {
      throw wrong(settings, "has both auth.token and auth.bearer. Keep the one that is used.");
    }
    Header header =
        token
            .map(value -> new Header("X-Chroma-Token", value))
            .or(() -> bearer.map(value -> new Header("Authorization", "Bearer " + value)))
            .orElse(null);
    if (header != null && header.value().chars().anyMatch(c -> c < ' ' || c > '~')) {
      throw wrong(
          settings,
          "has a token with characters that no header can hold, such as a line break. It is not"
              + " shown here; look where auth says that it is.");
    }
    return new ChromaSettings(
        settings.role(),
        settings
            .address(URL)
            .orElseThrow(() -> wrong(settings, "needs url, the address of the server.")),
        settings
            .text(COLLECTION)
            .filter(name -> !name.isEmpty())
            .orElseThrow(() -> wrong(settings, "needs collection, the name of a collection.")),
        settings.text(TENANT, "default_tenant"),
        settings.text(DATABASE, "default_database"),
        header,
        TlsSettings.of(settings),
        number(settings, IN_FLIGHT, -1, 1, 64),
        number(settings, PAGE_SIZE, 0, 1, 100_000),
        Duration.ofSeconds(number(settings, TIMEOUT, 120, 1, 86_400)));
  }

  private static int number(
      StoreSettings settings, String path, int defaultValue, int lowest, int highest) {
    long value = settings.integer(path, defaultValue);
    if (settings.text(path).isPresent() && (value < lowest || value > highest)) {
      throw wrong(
          settings,
          "has " + path + " " + value + "; it must be " + lowest + " to " + highest + ".");
    }
    return (int) value;
  }

  private static StoreException wrong(StoreSettings settings, String problem) {
    return new StoreException(FailureClass.INCOMPATIBLE, settings.role() + " " + problem);
  }

  /** Whether a secret goes over a network that others may listen to. */
  boolean sendsSecretInTheOpen() {
    return header != null
        && "http".equals(url.getScheme())
        && !List.of("localhost", "127.0.0.1", "[::1]").contains(url.getHost());
  }

  /** At most as many records as fit a request. */
  int limit(int rows) {
    return pageSize == 0 ? rows : Math.min(pageSize, rows);
  }
}
