package io.vecferry.spec;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.net.URI;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Where people are told how a migration goes. Secrets are references, which the worker resolves.
 *
 * @param type how they are told
 * @param url of a webhook the address, or a reference to it; of Slack a reference; null for e-mail
 * @param template the JSON that a webhook gets, see {@link NotificationTemplate}; null for all that
 *     there is to say
 * @param bearer reference to the token that a webhook wants; null for none
 * @param mail for e-mail; null for others
 * @param caFile file with the certificates to trust, on the worker; null for those that Java trusts
 * @param on of what they are told, at least one
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record NotificationTarget(
    Type type,
    String url,
    String template,
    String bearer,
    Mail mail,
    String caFile,
    List<Event> on) {

  private static final String MAILBOX =
      "[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)*";
  private static final String HOST = "[A-Za-z0-9._-]+|\\[?[0-9A-Fa-f:.]+]?";
  private static final String AS_MAILBOX = "must be as ops@example.com";
  private static final int MOST_RECIPIENTS = 50;

  public NotificationTarget {
    on = List.copyOf(on);
  }

  /** How people are told. */
  public enum Type {
    /** JSON is posted to an address. */
    WEBHOOK,
    /** A text is posted to an incoming webhook of Slack, or of what understands the same. */
    SLACK,
    EMAIL
  }

  /** What people are told of. */
  public enum Event {
    START,
    /** The earliest phase that is not done is another one. */
    PHASE,
    /** A person has to decide. */
    ATTENTION,
    APPROVAL,
    /** Everything is proved, and the cutover waits for a window. */
    WINDOW,
    /** Readers are switched over. */
    CUTOVER,
    VERDICT;

    /** As a spec spells it. */
    public String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** How a connection to a mail server is protected. */
  public enum Tls {
    /** The connection begins in the open and is refused when it cannot be protected. */
    STARTTLS(587),
    /** From its first byte. */
    TLS(465),
    NONE(25);

    private final int port;

    Tls(int port) {
      this.port = port;
    }
  }

  /**
   * @param username reference to the user; null to log in as nobody
   * @param password reference to the password; null with {@code username}
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Mail(
      String host,
      int port,
      Tls tls,
      String username,
      String password,
      String from,
      List<String> to) {
    public Mail {
      to = List.copyOf(to);
    }
  }

  /** Whether people are told of an event. */
  public boolean wants(Event event) {
    return on.contains(event);
  }

  /** Reads one and reports what is wrong with it; null when it cannot be used. */
  static NotificationTarget read(SpecSection section) {
    int before = section.problems();
    String word = section.requiredText("type", "type: webhook");
    if (word.isEmpty() || section.choice("type", null, words(Type.values())) == null) {
      return null;
    }
    Type type = Type.valueOf(word.toUpperCase(Locale.ROOT));
    String url = null;
    String template = null;
    String bearer = null;
    Mail mail = null;
    switch (type) {
      case WEBHOOK -> {
        bearer = section.section("auth").onlySecret("bearer");
        url = webhook(section, bearer != null);
        template = section.text("template", null);
        NotificationTemplate.check(template)
            .ifPresent(problem -> section.problem("template", problem));
      }
      case SLACK -> url = section.requiredSecret("url", "url: env:SLACK_WEBHOOK");
      case EMAIL -> mail = mail(section);
    }
    String caFile = section.text("caFile", null);
    List<Event> on = events(section);
    section.finish();
    return section.problems() > before
        ? null
        : new NotificationTarget(type, url, template, bearer, mail, caFile, on);
  }

  /** References to secrets by the key where they stand. */
  public Map<String, String> secrets() {
    Map<String, String> secrets = new LinkedHashMap<>();
    if (url != null && !SpecValues.isAddress(url)) {
      secrets.put("url", url);
    }
    if (bearer != null) {
      secrets.put("auth.bearer", bearer);
    }
    if (mail != null && mail.username() != null) {
      secrets.put("auth.username", mail.username());
      secrets.put("auth.password", mail.password());
    }
    return secrets;
  }

  private static String webhook(SpecSection section, boolean sendsSecret) {
    String url = section.requiredText("url", "url: https://example.com/hook");
    section.hasForm("url", SpecValues.SECRET + "|https?://[^@?#]+");
    if (url.isEmpty() || SpecValues.mayBeSecretReference(url)) {
      return url;
    }
    if (!SpecValues.isAddress(url)) {
      section.problem(
          "url",
          "must be an address such as https://example.com/hook, without user, password and query,"
              + " or say where the worker finds one that is secret, as env:NAME or file:/path."
              + " What stands here is not shown.");
    } else if (sendsSecret
        && url.startsWith("http:")
        && !SpecValues.isLoopback(URI.create(url).getHost())) {
      section.problem("url", "must be https, because auth.bearer is a secret.");
    }
    return url;
  }

  private static Mail mail(SpecSection section) {
    String host = section.requiredText("host", "host: smtp.example.com");
    section.requireForm("host", host, HOST, "must be the name of a mail server");
    Tls tls =
        Tls.valueOf(
            section.choice("tls", "starttls", words(Tls.values())).toUpperCase(Locale.ROOT));
    int port = (int) section.integer("port", tls.port, 1, 65_535);
    SpecSection auth = section.section("auth");
    String username = auth.secret("username");
    String password = auth.secret("password");
    if (auth.has("username") != auth.has("password")) {
      auth.problem(
          auth.has("username") ? "password" : "username",
          "is missing: a login needs both. Add it, or leave both out.");
    }
    auth.finish();
    if (auth.has("password") && tls == Tls.NONE && !SpecValues.isLoopback(host)) {
      section.problem("tls", "must be starttls or tls, because auth.password is a secret.");
    }
    String from = section.requiredText("from", "from: vecferry@example.com");
    section.requireForm("from", from, MAILBOX, AS_MAILBOX);
    List<String> to = section.texts("to");
    if (section.requires("to", "to: [ops@example.com]") && to.isEmpty()) {
      section.problem("to", "names nobody. Add somebody, for example to: [ops@example.com].");
    }
    if (to.size() > MOST_RECIPIENTS) {
      section.problem(
          "to", "must be at most " + MOST_RECIPIENTS + " addresses, got " + to.size() + ".");
    }
    to.forEach(mailbox -> section.requireForm("to", mailbox, MAILBOX, AS_MAILBOX));
    return new Mail(host, port, tls, username, password, from, to);
  }

  /** All but phases when nothing is said. */
  private static List<Event> events(SpecSection section) {
    List<String> known = words(Event.values());
    int before = section.problems();
    List<String> chosen = section.choices("on", known);
    if (!section.has("on")) {
      List<Event> events = new ArrayList<>(Arrays.asList(Event.values()));
      events.remove(Event.PHASE);
      return events;
    }
    if (chosen.isEmpty() && section.problems() == before) {
      section.problem("on", "names nothing. Name one of " + String.join(", ", known) + ".");
    }
    return chosen.stream()
        .map(word -> Event.valueOf(word.toUpperCase(Locale.ROOT)))
        .distinct()
        .toList();
  }

  private static List<String> words(Enum<?>[] values) {
    return Arrays.stream(values).map(value -> value.name().toLowerCase(Locale.ROOT)).toList();
  }
}
