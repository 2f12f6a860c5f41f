package io.vecferry.phase;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vecferry.activity.NotificationTask;
import io.vecferry.spec.MigrationSpec;
import io.vecferry.spec.SpecProblem;
import io.vecferry.spec.SpecReader;
import io.vecferry.spec.SpecValues;
import io.vecferry.spec.StoreSpec;
import io.vecferry.spec.Suggestion;
import io.vecferry.store.Secrets;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreOption;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import io.vecferry.store.TlsSettings;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;

/**
 * Checks a spec completely, with what the installed stores say about their own keys. Connects to
 * nothing.
 */
public final class SpecCheck {
  /** Keys of a store section that {@link SpecReader} reads itself. */
  private static final Set<String> COMMON =
      Set.of("type", "connection", "dimension", "metric", "index", "ifExists", "options");

  /** Options that say where a store is. */
  private static final Set<String> PLACES = Set.of("url", "path");

  private SpecCheck() {}

  /**
   * Everything that is wrong with a document, as far as the connections of a worker are not known.
   */
  public static List<SpecProblem> check(JsonNode document) {
    return check(document, null);
  }

  /**
   * Everything that is wrong with a document on a worker.
   *
   * @param connections of that worker; null when they are not known
   */
  public static List<SpecProblem> check(JsonNode document, Connections connections) {
    SpecReader.Result read = SpecReader.read(document);
    List<SpecProblem> problems = new ArrayList<>(read.problems());
    MigrationSpec spec =
        connections == null ? read.spec() : connections.resolve(read.spec(), problems);
    checkStore("source", spec.source(), problems);
    checkStore("target", spec.target(), problems);
    for (int number = 0; number < spec.notifications().size(); number++) {
      checkSecrets(new NotificationTask(number, spec.notifications().get(number), null), problems);
    }
    return List.copyOf(problems);
  }

  /** Checks what a worker knows of a store by name: where it is has to be there, no collection. */
  static void checkConnection(String field, ObjectNode store, List<SpecProblem> problems) {
    Optional<StoreProvider> provider = Stores.find(store.path("type").asText());
    if (provider.isEmpty()) {
      List<String> types = Stores.all().stream().map(StoreProvider::type).toList();
      problems.add(
          new SpecProblem(field + ".type", "must be one of " + String.join(", ", types) + "."));
      return;
    }
    List<StoreOption> options = provider.get().options();
    for (StoreOption option : options) {
      if (PLACES.contains(option.path()) || !store.at(pointer(option)).isMissingNode()) {
        checkOption(field, store, option, problems);
      }
    }
    checkUnknown(field, "", store, options, Set.of("type"), problems);
  }

  private static void checkStore(String role, StoreSpec store, List<SpecProblem> problems) {
    if (store == null || !store.connection().isEmpty() || store.type().isEmpty()) {
      return;
    }
    Predicate<StoreProvider> possible = provider -> role.equals("source") || provider.canBeTarget();
    Optional<StoreProvider> provider = Stores.find(store.type()).filter(possible);
    if (provider.isEmpty()) {
      List<String> types = Stores.all().stream().filter(possible).map(StoreProvider::type).toList();
      problems.add(
          new SpecProblem(
              role + ".type",
              "must be one of "
                  + String.join(", ", types)
                  + ", got \""
                  + store.type()
                  + "\"."
                  + Suggestion.didYouMean(store.type(), types)));
      return;
    }
    List<StoreOption> options = provider.get().options();
    for (StoreOption option : options) {
      checkOption(role, store.settings(), option, problems);
    }
    checkUnknown(role, "", store.settings(), options, COMMON, problems);
    // What a connection says is not shown to somebody whose spec may not change it.
    if (problems.isEmpty() && options.containsAll(TlsSettings.OPTIONS)) {
      checkTls(new StoreSettings(role, store.settings()), problems);
    }
  }

  private static void checkTls(StoreSettings settings, List<SpecProblem> problems) {
    try {
      TlsSettings.of(settings);
    } catch (StoreException e) {
      problems.add(new SpecProblem(settings.role() + ".options", e.getMessage()));
    }
  }

  private static String pointer(StoreOption option) {
    return "/" + option.path().replace('.', '/');
  }

  private static void checkOption(
      String role, ObjectNode settings, StoreOption option, List<SpecProblem> problems) {
    JsonNode node = settings.at(pointer(option));
    String field = role + "." + option.path();
    if (node.isMissingNode() || node.isNull()) {
      if (option.required()) {
        problems.add(new SpecProblem(field, "is missing. " + option.description()));
      }
      return;
    }
    boolean rightKind =
        switch (option.kind()) {
          case TEXT -> node.isTextual() && !node.textValue().isEmpty();
          case INTEGER -> node.isIntegralNumber();
          case NUMBER -> node.isNumber();
          case BOOLEAN -> node.isBoolean();
          case URL -> node.isTextual() && SpecValues.isAddress(node.textValue());
          case SECRET -> node.isTextual() && Secrets.isReference(node.textValue());
          case OBJECT -> node.isObject();
        };
    String kind = option.kind().name().toLowerCase(Locale.ROOT);
    if (!rightKind && option.kind() == StoreOption.Kind.SECRET) {
      problems.add(noReference(field));
    } else if (!rightKind && option.kind() == StoreOption.Kind.URL) {
      problems.add(
          new SpecProblem(
              field,
              "must be an address such as http://localhost:8000, without user, password and query,"
                  + " got "
                  + shownAddress(node)
                  + ". "
                  + option.description()));
    } else if (!rightKind) {
      problems.add(
          new SpecProblem(
              field, "must be a " + kind + ", got " + node + ". " + option.description()));
    } else if (!option.allowed().isEmpty() && !option.allowed().contains(node.asText())) {
      problems.add(
          new SpecProblem(
              field,
              "must be one of "
                  + String.join(", ", option.allowed())
                  + ", got "
                  + node
                  + "."
                  + Suggestion.didYouMean(node.asText(), option.allowed())));
    }
  }

  private static void checkSecrets(NotificationTask task, List<SpecProblem> problems) {
    task.target()
        .secrets()
        .forEach(
            (key, reference) -> {
              if (!Secrets.isReference(reference)) {
                problems.add(noReference(task.field() + "." + key));
              }
            });
  }

  private static SpecProblem noReference(String field) {
    return new SpecProblem(
        field,
        "must say where the worker finds the secret, as "
            + Secrets.forms()
            + ". A secret itself has no place in a spec; what stands here is not shown.");
  }

  /** An address that is shown must not show a password or a token. */
  private static String shownAddress(JsonNode node) {
    return node.isTextual() && node.textValue().chars().noneMatch(c -> "@?#".indexOf(c) >= 0)
        ? node.toString()
        : "one that may hold a secret and is not shown";
  }

  private static void checkUnknown(
      String role,
      String prefix,
      ObjectNode section,
      List<StoreOption> options,
      Set<String> otherKeys,
      List<SpecProblem> problems) {
    TreeSet<String> known = new TreeSet<>(otherKeys);
    for (StoreOption option : options) {
      if (option.path().startsWith(prefix)) {
        String rest = option.path().substring(prefix.length());
        known.add(rest.contains(".") ? rest.substring(0, rest.indexOf('.')) : rest);
      }
    }
    for (Iterator<Map.Entry<String, JsonNode>> fields = section.fields(); fields.hasNext(); ) {
      Map.Entry<String, JsonNode> field = fields.next();
      String name = field.getKey();
      boolean holdsKeys = options.stream().anyMatch(o -> o.path().startsWith(prefix + name + "."));
      if (holdsKeys && field.getValue() instanceof ObjectNode nested) {
        checkUnknown(role, prefix + name + ".", nested, options, Set.of(), problems);
      } else if (holdsKeys && !field.getValue().isNull()) {
        problems.add(
            new SpecProblem(
                role + "." + prefix + name,
                "must be an object with keys. What stands here is not shown: it may be a secret."));
      } else if (!known.contains(name)) {
        problems.add(
            new SpecProblem(
                role + "." + prefix + name,
                "is not a known key of this store."
                    + Suggestion.didYouMean(name, known)
                    + " Known here: "
                    + String.join(", ", known)
                    + "."));
      }
    }
  }
}
