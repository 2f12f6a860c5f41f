package io.vecferry.store.elasticsearch;

import com.fasterxml.jackson.databind.JsonNode;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.ElementType;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.TextColumn;
import io.vecferry.store.JsonBytes;
import io.vecferry.store.Neighbours;
import io.vecferry.store.ReservedKeys;
import io.vecferry.store.SearchWidth;
import io.vecferry.store.StoreException;
import io.vecferry.store.TextFilter;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/** Searches an index. Thread-safe. */
final class Search {
  /** Queries in one request, which is answered when the last of them is. */
  private static final int QUERIES_AT_ONCE = 50;

  /** Records that a search looks at in each shard, for each answer that is wanted. */
  private static final int CANDIDATES_PER_ANSWER = 2;

  private static final int FEWEST_CANDIDATES = 100;

  /** Texts beyond this many bytes cannot be in an index. */
  private static final int LONGEST_TERM = 8_000;

  /** More are refused. */
  static final int MOST_CANDIDATES = 10_000;

  /**
   * Answers of an index of codes that are compared anew by their vectors, for each one that is
   * wanted. Otherwise scores would be those of the codes.
   */
  private static final int OVERSAMPLED = 3;

  private final RestClient client;
  private final Settings settings;
  private final ServerVersion version;
  private final IndexSet indices;
  private final Layout layout;

  Search(
      RestClient client,
      Settings settings,
      ServerVersion version,
      IndexSet indices,
      Layout layout) {
    this.client = client;
    this.settings = settings;
    this.version = version;
    this.indices = indices;
    this.layout = layout;
  }

  /** Whether every vector is compared, and as it is. */
  boolean isExact(String name) {
    String path = layout.column(name).field().path();
    return indices.indices().stream()
        .map(index -> index.vectorFields().get(path))
        .filter(Objects::nonNull)
        .allMatch(
            field ->
                !field.indexed()
                    || IndexType.of(field.indexType())
                        .filter(type -> type == IndexType.FLAT)
                        .isPresent());
  }

  /** The number of candidates in each shard, where there is an index that looks at some only. */
  Optional<SearchWidth> width(String name, int k) {
    VectorField field = layout.column(name).field();
    boolean exact =
        IndexType.of(field.indexType())
            .filter(type -> !type.graph() && type != IndexType.BBQ_DISK)
            .isPresent();
    return field.indexed() && !exact
        ? Optional.of(new SearchWidth("numCandidates", candidates(k, 0), MOST_CANDIDATES))
        : Optional.empty();
  }

  private int candidates(int k, long width) {
    long wanted = width > 0 ? width : settings.candidates();
    long candidates = wanted > 0 ? wanted : Math.max(FEWEST_CANDIDATES, CANDIDATES_PER_ANSWER * k);
    return (int) Math.min(MOST_CANDIDATES, Math.max(k, candidates));
  }

  /**
   * @param width candidates in each shard, 0 for what is usual
   * @param only the documents that are searched; null for all
   */
  Neighbours search(String name, float[] queries, int count, int k, long width, TextFilter only) {
    VectorField asMapped = layout.column(name).field();
    boolean indexed = asMapped.indexed();
    VectorField field =
        indexed ? asMapped : asMapped.comparedBy(asMapped.metric(settings.metric()));
    int[] counts = new int[count];
    float[] scores = new float[Math.multiplyExact(count, k)];
    String[] ids = new String[scores.length];
    IdKind[] kinds = new IdKind[scores.length];
    int dimension = count == 0 ? 0 : queries.length / count;
    for (int first = 0; first < count; first += QUERIES_AT_ONCE) {
      int asked = Math.min(QUERIES_AT_ONCE, count - first);
      JsonBytes lines = new JsonBytes(13 * asked * dimension + 300 * asked);
      for (int query = first; query < first + asked; query++) {
        lines.raw("{}\n");
        add(lines, field, indexed, queries, query * dimension, dimension, k, width, only);
        lines.raw("\n");
      }
      String doing = "searching '" + indices.asked() + "'";
      JsonNode responses =
          client
              .parse(
                  client.lines(
                      "/" + RestClient.encode(indices.asked()) + "/_msearch",
                      lines,
                      doing,
                      FailureClass.INCOMPATIBLE))
              .path("responses");
      if (responses.size() != asked) {
        throw new StoreException(
            FailureClass.TRANSIENT,
            "the server answered " + responses.size() + " of " + asked + " searches");
      }
      for (int query = 0; query < asked; query++) {
        JsonNode response = responses.get(query);
        if (response.has("error")) {
          throw client.failure(
              response.path("status").asInt(500),
              response.path("error"),
              doing,
              FailureClass.INCOMPATIBLE);
        }
        Queries.requireComplete(
            response.path("_shards"), response.path("timed_out").asBoolean(false), doing);
        JsonNode hits = response.at("/hits/hits");
        counts[first + query] = Math.min(k, hits.size());
        for (int i = 0; i < counts[first + query]; i++) {
          int at = (first + query) * k + i;
          scores[at] = field.score(hits.get(i).path("_score").asDouble());
          readId(hits.get(i), at, ids, kinds);
        }
      }
    }
    return new Neighbours(k, counts, column(ids, kinds), scores);
  }

  private void add(
      JsonBytes lines,
      VectorField field,
      boolean indexed,
      float[] queries,
      int from,
      int dimension,
      int k,
      long width,
      TextFilter only) {
    int largest = Math.min(k, indices.largestPage());
    lines.raw("{\"size\":" + largest + ",\"_source\":");
    lines.raw(
        layout.mapped()
            ? "[\"" + ReservedKeys.ID + "\",\"" + ReservedKeys.ID_KIND + "\"]"
            : "false");
    if (indexed) {
      addKnn(lines, field, queries, from, dimension, largest, width, only);
    } else {
      addScript(lines, field, queries, from, dimension, only);
    }
  }

  private void addKnn(
      JsonBytes lines,
      VectorField field,
      float[] queries,
      int from,
      int dimension,
      int k,
      long width,
      TextFilter only) {
    lines.raw(",\"knn\":{\"field\":").string(field.path()).raw(",\"query_vector\":");
    if (field.element() == ElementType.BIT) {
      lines.raw("\"").raw(VectorText.hexadecimal(queries, from, dimension)).raw("\"");
    } else {
      lines.numbers(queries, from, dimension);
    }
    lines.raw(",\"k\":" + k + ",\"num_candidates\":" + candidates(k, width));
    if (version.rescores()
        && IndexType.of(field.indexType()).filter(IndexType::quantised).isPresent()) {
      lines.raw(",\"rescore_vector\":{\"oversample\":" + OVERSAMPLED + "}");
    }
    if (only != null) {
      lines.raw(",\"filter\":");
      addTerm(lines, only);
    }
    lines.raw("}}");
  }

  private void addTerm(JsonBytes lines, TextFilter only) {
    lines.raw("{\"term\":{").string(termField(only).orElseThrow()).raw(":");
    lines.string(only.text()).raw("}}");
  }

  /** The field that has a text as a whole; empty where no index has one. */
  Optional<String> termField(TextFilter only) {
    return Stream.of(only.key(), only.key() + ".keyword")
        .filter(
            path ->
                indices.indices().stream()
                    .allMatch(
                        index -> {
                          JsonNode field =
                              index
                                  .mappings()
                                  .at("/properties/" + path.replace(".keyword", "/fields/keyword"));
                          return findsTexts(field)
                              && only.text().length()
                                  <= field.path("ignore_above").asInt(LONGEST_TERM);
                        }))
        .findFirst();
  }

  /** Whether a field can be searched, and for the texts that documents have and no others. */
  static boolean findsTexts(JsonNode field) {
    return field.path("type").asText().equals("keyword")
        && (field.path("index").asBoolean(true) || field.path("doc_values").asBoolean(true))
        && !field.hasNonNull("normalizer")
        && !field.hasNonNull("null_value");
  }

  /** Compares with every vector, by the formulas by which an index would. */
  private void addScript(
      JsonBytes lines,
      VectorField field,
      float[] queries,
      int from,
      int dimension,
      TextFilter only) {
    String script =
        switch (field.similarity()) {
          case "l2_norm" -> "double d = l2norm(params.q, params.f); return 1 / (1 + d * d);";
          case "max_inner_product" ->
              "double p = dotProduct(params.q, params.f); return p < 0 ? 1 / (1 - p) : p + 1;";
          default -> "return (cosineSimilarity(params.q, params.f) + 1) / 2;";
        };
    lines.raw(",\"query\":{\"script_score\":{\"query\":{\"bool\":{\"filter\":[{\"exists\":");
    lines.raw("{\"field\":").string(field.path()).raw("}}");
    if (only != null) {
      lines.raw(",");
      addTerm(lines, only);
    }
    lines.raw("]}},\"script\":{\"source\":").string(script);
    lines.raw(",\"params\":{\"f\":").string(field.path()).raw(",\"q\":");
    lines.numbers(queries, from, dimension).raw("}}}}}");
  }

  private void readId(JsonNode hit, int at, String[] ids, IdKind[] kinds) {
    String stored = hit.path("_id").asText();
    JsonNode original = hit.path("_source").path(ReservedKeys.ID);
    if (layout.mapped() && original.isTextual()) {
      ids[at] = original.textValue();
      String kind = hit.path("_source").path(ReservedKeys.ID_KIND).asText("string");
      kinds[at] = IdKind.valueOf(kind.toUpperCase(Locale.ROOT));
    } else {
      ids[at] = layout.ids().id(stored);
      kinds[at] = layout.ids().kind(stored);
    }
  }

  private static IdColumn column(String[] ids, IdKind[] kinds) {
    TextColumn.Builder texts = new TextColumn.Builder(ids.length);
    for (int i = 0; i < ids.length; i++) {
      texts.add(ids[i] == null ? "" : ids[i]);
      kinds[i] = kinds[i] == null ? IdKind.STRING : kinds[i];
    }
    return kinds.length == 0
        ? IdColumn.of(IdKind.STRING, texts.build())
        : new IdColumn(texts.build(), kinds);
  }
}
