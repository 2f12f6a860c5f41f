package io.vecferry.store.elasticsearch;

import com.fasterxml.jackson.databind.JsonNode;
import io.vecferry.plan.FailureClass;
import io.vecferry.spec.Suggestion;
import io.vecferry.store.StoreException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * The indices that one name leads to: an index, those of an alias, those behind a data stream.
 *
 * @param asked the name
 * @param indices in the order of their names, at least one
 */
record IndexSet(String asked, List<Index> indices) {

  /** What a name leads to; empty when there is nothing of that name. */
  static Optional<IndexSet> find(RestClient client, String name) {
    JsonNode found;
    try {
      found = client.get("/" + RestClient.encode(name), "looking for '" + name + "'");
    } catch (ServerFailure e) {
      if (e.failureClass() == FailureClass.MISSING) {
        return Optional.empty();
      }
      throw e;
    }
    List<Index> indices = new ArrayList<>();
    found
        .fields()
        .forEachRemaining(
            member -> indices.add(new Index(member.getKey(), name, member.getValue())));
    indices.sort(Comparator.comparing(Index::name));
    return indices.isEmpty() ? Optional.empty() : Optional.of(new IndexSet(name, indices));
  }

  /** What a name leads to; it has to lead somewhere. */
  static IndexSet get(RestClient client, Settings settings) {
    return find(client, settings.collection())
        .orElseThrow(
            () -> {
              List<String> names = client.names();
              return new StoreException(
                  FailureClass.MISSING,
                  settings.url()
                      + " has no index, alias or data stream '"
                      + settings.collection()
                      + "'."
                      + Suggestion.didYouMean(settings.collection(), names)
                      + (names.isEmpty() ? " It has no indices at all." : "")
                      + " Check "
                      + settings.field("collection")
                      + ".");
            });
  }

  Index first() {
    return indices.get(0);
  }

  Optional<Index> index(String name) {
    return indices.stream().filter(index -> index.name().equals(name)).findFirst();
  }

  /** Most records that all of them give in one answer. */
  int largestPage() {
    return indices.stream().mapToInt(Index::largestPage).min().orElse(1);
  }
}
