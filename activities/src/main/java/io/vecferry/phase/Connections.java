package io.vecferry.phase;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vecferry.archive.place.ArchiveRoot;
import io.vecferry.archive.s3.S3Settings;
import io.vecferry.plan.FailureClass;
import io.vecferry.spec.MigrationSpec;
import io.vecferry.spec.SpecProblem;
import io.vecferry.spec.StoreSpec;
import io.vecferry.spec.Suggestion;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreOption;
import io.vecferry.store.TlsSettings;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The stores that a worker knows by name, and how far a spec may reach beyond them. A spec that
 * names a connection says what to migrate; where it is and who asks, says the worker alone.
 */
public final class Connections {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,99}");
  private static final String CONNECTION = "connection";
  private static final String PATH = "path";

  /** What says where a store is, who asks it, and which files of the worker are read for it. */
  private static final List<String> REACH =
      Stream.concat(
              Stream.of("url", PATH, "auth"), TlsSettings.OPTIONS.stream().map(StoreOption::path))
          .toList();

  /** Names of files in the folder of an index. */
  private static final List<String> FILES = List.of("options.metadata", "options.indexName");

  private final Map<String, ObjectNode> stores;
  private final boolean only;
  private final ArchiveRoot archiveRoot;

  private Connections(Map<String, ObjectNode> stores, boolean only, ArchiveRoot archiveRoot) {
    this.stores = stores;
    this.only = only;
    this.archiveRoot = archiveRoot;
  }

  /** No names and no limits. */
  public static Connections none() {
    return new Connections(Map.of(), false, null);
  }

  /**
   * What a document defines.
   *
   * @param document {@code connections}, an object of sections as a spec has them, and {@code
   *     connectionsOnly}
   * @param archiveRoot where all archives are
   * @param problems everything that is wrong is added; without any the result can be used
   */
  public static Connections read(
      JsonNode document, ArchiveRoot archiveRoot, List<SpecProblem> problems) {
    Map<String, ObjectNode> stores = new TreeMap<>();
    JsonNode only = document.path("connectionsOnly");
    for (Iterator<String> keys = document.fieldNames(); keys.hasNext(); ) {
      String key = keys.next();
      if (!key.equals("connections") && !key.equals("connectionsOnly")) {
        problems.add(
            new SpecProblem(key, "is not a known key. Known here: connections, connectionsOnly."));
      }
    }
    if (!only.isMissingNode() && !only.isBoolean()) {
      problems.add(new SpecProblem("connectionsOnly", "must be true or false."));
    }
    if (!document.path("connections").isObject()) {
      problems.add(
          new SpecProblem(
              "connections",
              "must be an object of stores by name, as {products: {type: qdrant, url: ...}}."));
    }
    for (Map.Entry<String, JsonNode> entry : document.path("connections").properties()) {
      String field = "connections." + entry.getKey();
      if (!NAME.matcher(entry.getKey()).matches()) {
        problems.add(
            new SpecProblem(
                field, "is no name: 1 to 100 of A-Z a-z 0-9 . _ -, a letter or digit first."));
      }
      if (entry.getValue() instanceof ObjectNode store) {
        SpecCheck.checkConnection(field, store, problems);
        stores.put(entry.getKey(), store);
      } else {
        problems.add(new SpecProblem(field, "must be an object with type and url, or path."));
      }
    }
    return new Connections(stores, only.asBoolean(), archiveRoot);
  }

  /**
   * The spec with what its connections say.
   *
   * @throws StoreException INCOMPATIBLE when it names one that is not known here, or reaches
   *     further than it may
   */
  public MigrationSpec resolve(MigrationSpec spec) {
    List<SpecProblem> problems = new ArrayList<>();
    MigrationSpec resolved = resolve(spec, problems);
    if (!problems.isEmpty()) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE,
          problems.stream().map(SpecProblem::toString).collect(Collectors.joining(" ")));
    }
    return resolved;
  }

  /**
   * Refuses to tell people where a spec says: with limits, that would send secrets of this worker
   * to any address.
   *
   * @throws StoreException INCOMPATIBLE where specs are limited to connections
   */
  void requireNotifications() {
    if (only) {
      throw new StoreException(FailureClass.INCOMPATIBLE, notifications().toString());
    }
  }

  private static SpecProblem notifications() {
    return new SpecProblem(
        "notify",
        "is not taken from a spec on this worker (connectionsOnly): it would send secrets of the"
            + " worker to an address in a spec. Leave it out, and use the worker's metrics.");
  }

  MigrationSpec resolve(MigrationSpec spec, List<SpecProblem> problems) {
    if (only && !spec.notifications().isEmpty()) {
      problems.add(notifications());
    }
    String queries = spec.quality().queries();
    if (only && queries != null && !archiveRoot.contains(queries)) {
      problems.add(
          new SpecProblem(
              "quality.queries",
              "must be below the folder of all archives on this worker (connectionsOnly)."));
    }
    return spec.with(
        resolve("source", spec.source(), problems), resolve("target", spec.target(), problems));
  }

  private StoreSpec resolve(String role, StoreSpec store, List<SpecProblem> problems) {
    if (store == null) {
      return null;
    }
    String name = store.connection();
    if (only || !name.isEmpty()) {
      refuseOtherFolders(role, store, problems);
    }
    if (name.isEmpty()) {
      if (only) {
        fence(role, store, problems);
      }
      return store;
    }
    ObjectNode connection = stores.get(name);
    if (connection == null) {
      problems.add(
          new SpecProblem(
              role + "." + CONNECTION,
              "\"" + name + "\" is not defined on this worker." + known(name)));
      return store;
    }
    ObjectNode merged = store.settings().deepCopy();
    merged.remove(List.of(CONNECTION, "type"));
    refuseReach(role, name, store, connection, problems);
    merge(role, "", name, merged, connection, problems);
    String type = connection.path("type").asText();
    if (!store.type().isEmpty() && !store.type().equals(type)) {
      problems.add(
          new SpecProblem(
              role + ".type",
              "is "
                  + type
                  + " in the connection "
                  + name
                  + ", got \""
                  + store.type()
                  + "\". Leave it out."));
    }
    return new StoreSpec(
        type,
        store.dimension(),
        store.metric(),
        store.indexType(),
        store.indexParams(),
        store.ifExists(),
        merged);
  }

  private String known(String name) {
    return stores.isEmpty()
        ? " Start it with --connections FILE, or write the store into the spec."
        : Suggestion.didYouMean(name, stores.keySet())
            + " Known here: "
            + String.join(", ", stores.keySet())
            + ".";
  }

  /** Of a store without a name only an archive of this worker may be read. */
  private void fence(String role, StoreSpec store, List<SpecProblem> problems) {
    for (String key : REACH) {
      JsonNode value = at(store.settings(), key);
      boolean ownArchive =
          key.equals(PATH)
              && store.type().equals("archive")
              && archiveRoot.contains(value.asText());
      if (!value.isMissingNode() && !ownArchive) {
        problems.add(
            new SpecProblem(
                role + "." + key,
                "is not taken from a spec on this worker (connectionsOnly). Name a connection"
                    + (key.equals(PATH) && store.type().equals("archive")
                        ? ", or an archive below its folder of all archives."
                        : ".")
                    + (stores.isEmpty()
                        ? ""
                        : " Known here: " + String.join(", ", stores.keySet()) + ".")));
      }
    }
  }

  private static void refuseOtherFolders(String role, StoreSpec store, List<SpecProblem> problems) {
    for (String key : FILES) {
      Path file = Path.of(at(store.settings(), key).asText());
      if (file.isAbsolute() || file.normalize().startsWith("..")) {
        problems.add(
            new SpecProblem(
                role + "." + key, "must be in the folder of the index, got \"" + file + "\"."));
      }
    }
  }

  private static void refuseReach(
      String role,
      String name,
      StoreSpec store,
      ObjectNode connection,
      List<SpecProblem> problems) {
    for (String key : REACH) {
      boolean belowIts = key.equals(PATH) && connection.has(PATH);
      if (!at(store.settings(), key).isMissingNode() && !belowIts) {
        problems.add(
            new SpecProblem(
                role + "." + key, "is for the connection " + name + " to say. Leave it out."));
      }
    }
  }

  private static void merge(
      String role,
      String prefix,
      String name,
      ObjectNode into,
      ObjectNode from,
      List<SpecProblem> problems) {
    for (Map.Entry<String, JsonNode> entry : from.properties()) {
      String key = prefix + entry.getKey();
      JsonNode own = into.get(entry.getKey());
      if (own == null) {
        into.set(entry.getKey(), entry.getValue().deepCopy());
      } else if (key.equals(PATH)) {
        into.put(PATH, below(role, entry.getValue().asText(), own.asText(), problems));
      } else if (REACH.contains(key)) {
        // Reported where it was found.
        continue;
      } else if (own instanceof ObjectNode section
          && entry.getValue() instanceof ObjectNode defined) {
        merge(role, key + ".", name, section, defined, problems);
      } else {
        problems.add(
            new SpecProblem(
                role + "." + key, "is set by the connection " + name + ". Leave it out."));
      }
    }
  }

  private static String below(String role, String folder, String path, List<SpecProblem> problems) {
    ArchiveRoot root = ArchiveRoot.of(folder, S3Settings.NONE);
    String place = folder + "/" + path;
    if (!ArchiveRoot.isS3(folder)) {
      place = Path.of(folder).resolve(path).normalize().toString();
    }
    if (Path.of(path).isAbsolute() || !root.contains(place)) {
      problems.add(
          new SpecProblem(
              role + "." + PATH,
              "must be relative to the folder of its connection and below it, got \""
                  + path
                  + "\"."));
    }
    return place;
  }

  private static JsonNode at(ObjectNode settings, String key) {
    return settings.at("/" + key.replace('.', '/'));
  }
}
