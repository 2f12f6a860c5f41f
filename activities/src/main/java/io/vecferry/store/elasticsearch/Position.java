package io.vecferry.store.elasticsearch;

import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;

/**
 * A place between two records of a set of indices. Records are in the order of their indices'
 * names, then of their shards, then of the numbers that a shard gives to its changes. A record that
 * is changed gets a higher number, the same on every copy of the shard; no two records of a shard
 * have the same one.
 *
 * @param index name of the index
 * @param shard number of the shard in it
 * @param sequence the lowest number behind the place
 * @param rows records between the start of a range and this place; 0 where that is not told
 */
record Position(String index, int shard, long sequence, long rows) implements Comparable<Position> {

  static Position of(String index, int shard, long sequence) {
    return new Position(index, shard, sequence, 0);
  }

  static Position parse(String text) {
    String[] words = text.split("/");
    try {
      if (words.length == 3 || words.length == 4) {
        return new Position(
            words[0],
            Integer.parseInt(words[1]),
            Long.parseLong(words[2]),
            words.length == 3 ? 0 : Long.parseLong(words[3]));
      }
    } catch (NumberFormatException e) {
      throw unknown(text, e);
    }
    throw unknown(text, null);
  }

  private static StoreException unknown(String text, NumberFormatException cause) {
    return new StoreException(
        FailureClass.BUG, "'" + text + "' is no position in an index of Elasticsearch", cause);
  }

  /** A name cannot have a slash. */
  String spelled() {
    return index + "/" + shard + "/" + sequence + (rows == 0 ? "" : "/" + rows);
  }

  /** Compares places, not how they were reached. */
  @Override
  public int compareTo(Position other) {
    int order = index.compareTo(other.index);
    order = order != 0 ? order : Integer.compare(shard, other.shard);
    return order != 0 ? order : Long.compare(sequence, other.sequence);
  }
}
