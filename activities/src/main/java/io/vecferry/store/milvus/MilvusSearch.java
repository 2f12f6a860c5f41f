package io.vecferry.store.milvus;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.google.protobuf.ByteString;
import io.milvus.grpc.ConsistencyLevel;
import io.milvus.grpc.DataType;
import io.milvus.grpc.DslType;
import io.milvus.grpc.FieldData;
import io.milvus.grpc.IDs;
import io.milvus.grpc.IndexDescription;
import io.milvus.grpc.PlaceholderGroup;
import io.milvus.grpc.PlaceholderType;
import io.milvus.grpc.PlaceholderValue;
import io.milvus.grpc.SearchRequest;
import io.milvus.grpc.SearchResultData;
import io.milvus.grpc.SearchResults;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.TextColumn;
import io.vecferry.record.VectorKind;
import io.vecferry.store.MetadataEnvelope;
import io.vecferry.store.Neighbours;
import io.vecferry.store.ReservedKeys;
import io.vecferry.store.SearchWidth;
import io.vecferry.store.StoreException;
import io.vecferry.store.TextFilter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** Searches through the index that is there. */
final class MilvusSearch {
  private static final int MOST_ANSWERS = 16_384;

  /** Answers of one request; more queries become several requests. */
  private static final int ANSWERS_PER_REQUEST = 100_000;

  private static final long BYTES_PER_REQUEST = 8 << 20;
  private static final String TAG = "$0";
  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  private final MilvusCollection collection;
  private Map<String, Map<String, String>> indexes;

  MilvusSearch(MilvusCollection collection) {
    this.collection = collection;
  }

  /** The parameter that makes a search in a field look at more. */
  Optional<SearchWidth> width(String field, int k) {
    Map<String, String> index = index(vector(field).field());
    return IndexRules.width(
        index.getOrDefault("index_type", ""), flat(index), collection.options().indexParams(), k);
  }

  /**
   * Whether every vector is compared, and as it is. Looks anew: a large load gets its indexes at
   * its end, and may be asked before.
   */
  boolean isExact(String field) {
    String name = vector(field).field();
    return collection.indexes().stream()
        .filter(index -> index.getFieldName().equals(name))
        .map(index -> NativeSchema.pairs(index.getParamsList()).getOrDefault("index_type", ""))
        .anyMatch(type -> type.equals("FLAT") || type.equals("BIN_FLAT"));
  }

  private Layout.Vector vector(String field) {
    Layout layout = collection.layout();
    return layout
        .vector(field)
        .orElseThrow(
            () ->
                new StoreException(
                    FailureClass.INCOMPATIBLE,
                    collection.options().place()
                        + " has no vector field '"
                        + field
                        + "', it has "
                        + layout.vectors().stream().map(Layout.Vector::name).toList()
                        + "."));
  }

  /**
   * @param width value of the parameter of {@link #width}, 0 for what is usual
   * @param only the rows that are searched; null for all
   */
  Neighbours search(String field, float[] queries, int count, int k, long width, TextFilter only) {
    Layout layout = collection.layout();
    Layout.Vector vector = vector(field);
    if (vector.kind() != VectorKind.DENSE) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE, "sparse vectors cannot be searched with dense queries.");
    }
    if (k > MOST_ANSWERS) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE,
          "Milvus gives at most " + MOST_ANSWERS + " answers to a query, asked were " + k + ".");
    }
    int dimension = vector.dimension();
    long most = Math.min(ANSWERS_PER_REQUEST / k, BYTES_PER_REQUEST / (4L * dimension));
    int atOnce = (int) Math.max(1, Math.min(most, MOST_ANSWERS));
    Answers answers = new Answers(layout, count, k);
    for (int first = 0; first < count; first += atOnce) {
      int some = Math.min(atOnce, count - first);
      answers.add(ask(layout, vector, queries, first, some, k, width, only), some);
    }
    return answers.build();
  }

  private SearchResultData ask(
      Layout layout,
      Layout.Vector vector,
      float[] queries,
      int first,
      int count,
      int k,
      long width,
      TextFilter only) {
    int dimension = vector.dimension();
    float[] some = new float[count * dimension];
    System.arraycopy(queries, first * dimension, some, 0, some.length);
    DenseVectors dense = new DenseVectors(vector.name(), dimension, some);
    PlaceholderValue.Builder values =
        PlaceholderValue.newBuilder().setTag(TAG).setType(placeholder(vector.type()));
    ByteString bytes = VectorCodec.bytes(vector.type(), dense, null, count);
    int queryBytes = VectorCodec.width(vector.type(), dimension);
    for (int query = 0; query < count; query++) {
      values.addValues(bytes.substring(query * queryBytes, (query + 1) * queryBytes));
    }
    Map<String, String> index = index(vector.field());
    SearchRequest.Builder request =
        SearchRequest.newBuilder()
            .setCollectionName(collection.name())
            .setDslType(DslType.BoolExprV1)
            .setPlaceholderGroup(
                PlaceholderGroup.newBuilder().addPlaceholders(values).build().toByteString())
            .setNq(count)
            .setConsistencyLevel(ConsistencyLevel.Strong)
            .addSearchParams(MilvusCollection.parameter("anns_field", vector.field()))
            .addSearchParams(MilvusCollection.parameter("topk", Integer.toString(k)))
            .addSearchParams(MilvusCollection.parameter("round_decimal", "-1"))
            .addSearchParams(
                MilvusCollection.parameter("metric_type", index.getOrDefault("metric_type", "")))
            .addSearchParams(MilvusCollection.parameter("params", parameters(index, k, width)));
    if (layout.textIds() && layout.note() != null && layout.dynamic()) {
      request.addOutputFields(ReservedKeys.ID_KIND);
    }
    if (only != null) {
      request.setDsl(expression(only).orElseThrow());
    }
    SearchResults answer =
        collection
            .client()
            .get(
                MilvusErrors.Call.READ,
                collection.doing("searching"),
                stub -> stub.search(request.build()),
                SearchResults::getStatus);
    return answer.getResults();
  }

  /** The filter as an expression; empty where the collection has no such field of texts. */
  Optional<String> expression(TextFilter only) {
    Layout layout = collection.layout();
    String text = collection.filter(layout).quoted(only.text());
    for (Layout.Scalar scalar : layout.scalars()) {
      if (scalar.field().equals(only.key())) {
        return scalar.type() == DataType.VarChar
            ? Optional.of(only.key() + " == " + text)
            : Optional.empty();
      }
    }
    return layout.dynamic()
        ? Optional.of(Layout.DYNAMIC + "[\"" + only.key() + "\"] == " + text)
        : Optional.empty();
  }

  private static PlaceholderType placeholder(DataType type) {
    return PlaceholderType.forNumber(type.getNumber());
  }

  /** Parameters of the index of a field; empty where it has none. */
  private synchronized Map<String, String> index(String field) {
    if (indexes == null) {
      Map<String, Map<String, String>> found = new LinkedHashMap<>();
      for (IndexDescription index : collection.indexes()) {
        found.put(index.getFieldName(), NativeSchema.pairs(index.getParamsList()));
      }
      indexes = found;
    }
    return indexes.getOrDefault(field, Map.of());
  }

  private String parameters(Map<String, String> index, int k, long width) {
    try {
      return MAPPER.writeValueAsString(
          IndexRules.search(
              index.getOrDefault("index_type", ""),
              flat(index),
              collection.options().indexParams(),
              k,
              width));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("texts are JSON", e);
    }
  }

  /** Parameters of an index, also those that stand in one as JSON. */
  static Map<String, String> flat(Map<String, String> index) {
    Map<String, String> flat = new LinkedHashMap<>();
    index.forEach(
        (key, value) -> {
          if (key.equals("params")) {
            try {
              MAPPER
                  .readTree(value)
                  .fields()
                  .forEachRemaining(e -> flat.put(e.getKey(), e.getValue().asText()));
            } catch (JsonProcessingException e) {
              flat.put(key, value);
            }
          } else if (!key.equals("index_type") && !key.equals("metric_type")) {
            flat.put(key, value);
          }
        });
    return flat;
  }

  /** Collects the answers of several requests. */
  private static final class Answers {
    private final Layout layout;
    private final int k;
    private final int[] counts;
    private final float[] scores;
    private final IdKind[] kinds;
    private final TextColumn.Builder ids;
    private int queries;

    Answers(Layout layout, int count, int k) {
      this.layout = layout;
      this.k = k;
      this.counts = new int[count];
      this.scores = new float[Math.multiplyExact(count, k)];
      this.kinds = new IdKind[count * k];
      this.ids = new TextColumn.Builder(count * k);
    }

    void add(SearchResultData results, int asked) {
      FieldData kindsOfRows = null;
      for (FieldData field : results.getFieldsDataList()) {
        if (field.getScalars().hasJsonData()) {
          kindsOfRows = field;
        }
      }
      int next = 0;
      for (int query = 0; query < asked; query++) {
        int found = query < results.getTopksCount() ? (int) results.getTopks(query) : 0;
        counts[queries] = found;
        for (int answer = 0; answer < k; answer++) {
          int place = queries * k + answer;
          if (answer >= found) {
            ids.add("");
            kinds[place] = IdKind.STRING;
            continue;
          }
          String id = id(results.getIds(), next);
          ids.add(id);
          IdKind kind = kindsOfRows == null ? null : kind(kindsOfRows, next);
          kinds[place] = kind != null ? kind : layout.kindOf(id);
          scores[place] = results.getScores(next);
          next++;
        }
        queries++;
      }
    }

    private static String id(IDs ids, int position) {
      return ids.hasStrId()
          ? ids.getStrId().getData(position)
          : Long.toString(ids.getIntId().getData(position));
    }

    private static IdKind kind(FieldData dynamic, int position) {
      byte[] json = dynamic.getScalars().getJsonData().getData(position).toByteArray();
      return json.length == 0
          ? null
          : MetadataEnvelope.unwrap(json, 0, json.length).extras().kind();
    }

    Neighbours build() {
      return new Neighbours(k, counts, new IdColumn(ids.build(), kinds), scores);
    }
  }
}
