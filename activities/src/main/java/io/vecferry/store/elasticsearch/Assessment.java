package io.vecferry.store.elasticsearch;

import io.vecferry.plan.Finding;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.function.BiPredicate;
import java.util.function.Supplier;

/** What would stop or change a migration from some indices. Pure but for what it is given. */
final class Assessment {
  private static final String SUBJECT = "source.collection";

  private final Settings settings;
  private final ServerVersion version;
  private final IndexSet indices;
  private final Layout layout;
  private final BiPredicate<Index, Layout.Column> givesBack;
  private final List<Finding> findings = new ArrayList<>();

  /**
   * @param givesBack whether an index gives the vectors of a column back, as far as it has any
   */
  Assessment(
      Settings settings,
      ServerVersion version,
      IndexSet indices,
      Layout layout,
      BiPredicate<Index, Layout.Column> givesBack) {
    this.settings = settings;
    this.version = version;
    this.indices = indices;
    this.layout = layout;
    this.givesBack = givesBack;
  }

  /**
   * @param census takes a census; not asked when the indices cannot be read at all
   */
  List<Finding> assess(Supplier<Census> census) {
    if (version.major() > ServerVersion.NEWEST_MAJOR) {
      findings.add(
          Finding.warning(
              settings.field("url"),
              "Elasticsearch " + version.text() + " is newer than what vecferry was tried with.",
              ""));
    }
    if (settings.sendsSecretInTheOpen()) {
      findings.add(
          Finding.warning(
              settings.field("url"),
              settings.url() + " gets the secret without encryption.",
              "Use https, or a network that nobody else is in."));
    }
    assessIndices();
    findings.addAll(Layout.conflicts(indices));
    assessFields();
    if (findings.stream().noneMatch(f -> f.severity() == Finding.Severity.BLOCKING)) {
      assessRecords(census.get());
    }
    return findings;
  }

  private void assessIndices() {
    for (Index index : indices.indices()) {
      if (index.closed()) {
        blocking("index '" + index.name() + "' is closed.", "Open it, or choose another one.");
        continue;
      }
      if (index.sourceDisabled()) {
        blocking(
            "index '" + index.name() + "' does not keep the _source of its records.",
            "Fill another index from where the records came from.");
        continue;
      }
      assessSourceFilter(index);
      if (index.syntheticSource()) {
        findings.add(
            Finding.warning(
                SUBJECT,
                "index '"
                    + index.name()
                    + "' has a synthetic _source: what is read is put together from what was"
                    + " indexed. Arrays may come back sorted and without duplicates, nulls and"
                    + " empty arrays not at all, and numbers in another spelling.",
                ""));
      }
      if (index.alias().has("search_routing")) {
        blocking(
            "alias '" + indices.asked() + "' searches only some shards of '" + index.name() + "'.",
            "Name the index itself, or an alias without routing.");
      }
      if (index.alias().path("filter").isObject()) {
        findings.add(
            Finding.info(
                SUBJECT,
                "alias '"
                    + indices.asked()
                    + "' shows only the records that its filter lets through; only those are"
                    + " migrated."));
      }
      if (index.refreshInterval().equals("-1")) {
        findings.add(
            Finding.warning(
                SUBJECT,
                "index '"
                    + index.name()
                    + "' is not refreshed by itself (refresh_interval is -1): records written"
                    + " since the last refresh are not seen.",
                "Refresh it (POST /" + index.name() + "/_refresh) before the migration."));
      }
    }
  }

  private void assessSourceFilter(Index index) {
    String patterns = patterns(index);
    if (!patterns.isEmpty()) {
      findings.add(
          Finding.warning(
              SUBJECT,
              "the mapping of index '"
                  + index.name()
                  + "' keeps only a part of the records in _source ("
                  + patterns
                  + "). The rest cannot be read and is not migrated.",
              ""));
    }
    for (Layout.Column column : layout.columns()) {
      if (!givesBack.test(index, column)) {
        blocking(
            "index '"
                + index.name()
                + "' does not give back the vectors of field '"
                + column.field().path()
                + "': _source leaves them out"
                + (patterns.isEmpty() ? "." : " (" + patterns + ")."),
            "Fill another index from where the records came from.");
      }
    }
  }

  private static String patterns(Index index) {
    List<String> patterns = new ArrayList<>();
    for (String key : List.of("includes", "excludes")) {
      List<String> some = index.sourcePatterns(key);
      if (!some.isEmpty()) {
        patterns.add(key + " " + String.join(", ", some));
      }
    }
    return String.join("; ", patterns);
  }

  private void assessFields() {
    TreeSet<String> others = new TreeSet<>();
    for (Index index : indices.indices()) {
      index.otherVectors().forEach(other -> others.add(other.path() + " (" + other.what() + ")"));
    }
    if (layout.columns().isEmpty()) {
      blocking(
          "'"
              + indices.asked()
              + "' has no field of type dense_vector"
              + (others.isEmpty() ? "." : ", only " + String.join(", ", others) + "."),
          "Choose another index.");
      return;
    }
    if (!others.isEmpty()) {
      findings.add(
          Finding.warning(
              SUBJECT,
              "not migrated as vectors, but as metadata like any other field: "
                  + String.join(", ", others)
                  + ".",
              ""));
    }
    if (version.hidesVectors()) {
      for (Index index : indices.indices()) {
        if (!index.keepsVectors() && !index.otherVectors().isEmpty()) {
          findings.add(
              Finding.warning(
                  SUBJECT,
                  "index '"
                      + index.name()
                      + "' puts vectors together from what was indexed when they are read. If it was"
                      + " made by a server from 9.2 on, it has weights of sparse vectors with 9"
                      + " significant bits only, and gives them so.",
                  ""));
        }
      }
    }
    if (!layout.left().isEmpty()) {
      findings.add(
          Finding.warning(
              "source.options.vectorField",
              "other fields of vectors are left behind: " + String.join(", ", layout.left()) + ".",
              ""));
    } else if (layout.columns().size() > 1) {
      findings.add(
          Finding.info(
              SUBJECT,
              "records have several fields of vectors, and all are migrated: "
                  + String.join(
                      ", ",
                      layout.columns().stream()
                          .map(
                              column ->
                                  column.field().path()
                                      + " ("
                                      + column.dimension()
                                      + " components)")
                          .toList())
                  + ". A target with room for one needs source.options.vectorField."));
    }
    if (layout.columns().stream().allMatch(column -> column.dimension() == 0)) {
      blocking(
          "'" + indices.asked() + "' has never had a record with a vector.",
          "There is nothing to migrate.");
    }
    for (Layout.Column column : layout.columns()) {
      if (!column.field().indexed()) {
        findings.add(
            Finding.warning(
                SUBJECT,
                "field '"
                    + column.field().path()
                    + "' is not indexed, so that nothing says how its vectors are compared; "
                    + column.field().metric(settings.metric()).spelling()
                    + " is assumed.",
                "Say it in source.metric."));
      }
    }
  }

  private void assessRecords(Census census) {
    for (int i = 0; i < layout.columns().size(); i++) {
      long missing = census.missing(i);
      if (missing > 0) {
        findings.add(
            Finding.warning(
                SUBJECT,
                missing
                    + " of "
                    + census.rows()
                    + " records have no vector in field '"
                    + layout.columns().get(i).field().path()
                    + "'. They are migrated without it where the target allows that, and are"
                    + " refused elsewhere.",
                "To leave out records that have no vector at all, set source.options.withoutVectors"
                    + " to skip."));
      }
    }
    if (census.routed() > 0) {
      findings.add(
          Finding.warning(
              SUBJECT,
              census.routed()
                  + " records were stored with a routing. It is kept in the metadata key "
                  + Routing.KEY
                  + ", and a target that is Elasticsearch stores them with it. Two records with one id and different routing are one record elsewhere.",
              ""));
    }
    if (indices.indices().size() > 1) {
      findings.add(
          Finding.info(
              SUBJECT,
              "'"
                  + indices.asked()
                  + "' leads to "
                  + indices.indices().size()
                  + " indices. An id that occurs in more than one of them stops the export."));
    }
  }

  private void blocking(String message, String remedy) {
    findings.add(Finding.blocking(SUBJECT, message, remedy));
  }
}
