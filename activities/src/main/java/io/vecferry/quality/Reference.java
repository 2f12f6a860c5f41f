package io.vecferry.quality;

import io.vecferry.archive.ArchiveSearch;
import io.vecferry.search.ExactSearch;
import io.vecferry.store.TextFilter;
import java.util.List;
import java.util.Map;

/** The records that both sides should have: where queries and right answers are taken from. */
public interface Reference {

  /** Number of records. */
  long rows();

  /**
   * Vectors of records from all over the collection, as queries.
   *
   * @param count how many are wanted; fewer when there are fewer where they are looked for
   * @param cosine whether a side compares by cosine, which a zero vector has none of
   */
  Queries sample(int count, boolean cosine);

  /**
   * Compares every vector with every query.
   *
   * @param k answers wanted per query
   */
  Answers nearest(Queries queries, int k);

  /**
   * Filters that some records pass and others do not, of keys with few different texts, as far as a
   * look at some places tells.
   *
   * @param most how many are wanted
   */
  List<TextFilter> filters(int most);

  /** The same as the other method among the records that pass each filter. */
  List<Answers> nearest(Queries queries, int k, List<TextFilter> filters);

  /**
   * Right answers.
   *
   * @param found numbers and scores of the records
   * @param ids ids of all records in {@code found}, by their numbers
   */
  record Answers(ExactSearch found, Map<Long, ArchiveSearch.Id> ids) {}
}
