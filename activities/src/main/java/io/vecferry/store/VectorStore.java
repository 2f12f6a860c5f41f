package io.vecferry.store;

import io.vecferry.plan.FieldMapping;
import io.vecferry.plan.Finding;
import io.vecferry.plan.NameSwitch;
import io.vecferry.record.IdColumn;
import io.vecferry.record.RecordBatch;
import java.util.List;
import java.util.Optional;

/**
 * One collection of one store, opened. Thread-safe except where a returned object says otherwise.
 * Every method throws {@link StoreException} with a class that says whether trying again can help.
 *
 * <p>A store knows nothing of Temporal, of the archive or of other stores.
 */
public interface VectorStore extends AutoCloseable {

  /** Whether the collection is there. */
  boolean exists();

  /** What the collection is; it must exist. */
  CollectionInfo describe();

  /**
   * Looks for what would stop or change a migration from this collection: values that are not
   * finite, duplicate ids, parts that disagree.
   */
  List<Finding> assess();

  /**
   * What this store cannot hold of such a load, or holds in another way. The collection need not
   * exist.
   */
  List<Finding> assessLoad(LoadSchema schema);

  /**
   * Where everything that the records of such a load have goes. The collection need not exist;
   * {@link #assessLoad} has found nothing that blocks.
   */
  List<FieldMapping> mapping(LoadSchema schema);

  /**
   * How far a component may be from what was written when a record of such a load is read back,
   * relative to its size above 1. 0 where the store gives every bit back; then a deviation of one
   * bit is a damaged record.
   */
  default double deviation(LoadSchema schema) {
    return 0;
  }

  /** Fixed ranges that together are the whole collection, in its natural order. */
  List<SourceRange> split(int wanted);

  /**
   * Reads a range.
   *
   * @param cursor where to go on, from {@link BatchReader#cursor()}; null for the start of the
   *     range
   */
  BatchReader read(SourceRange range, String cursor, int batchSize);

  /**
   * Reads records by id.
   *
   * @return the records that exist, in the order in which they were asked for; absent ones are left
   *     out
   */
  RecordBatch fetch(IdColumn ids);

  /**
   * The nearest records.
   *
   * @param field name of the vector field
   * @param queries {@code count x dimension} floats, row-major
   * @param k answers wanted per query
   */
  Neighbours search(String field, float[] queries, int count, int k);

  /**
   * What makes a search in a field more exact. Empty where a search cannot be told: it compares
   * every vector, or only the collection as a whole has such a parameter.
   *
   * @param k answers wanted per query
   */
  default Optional<SearchWidth> searchWidth(String field, int k) {
    return Optional.empty();
  }

  /**
   * {@link #search} with another width than is usual.
   *
   * @param width value of the parameter of {@link #searchWidth}, which is there
   */
  default Neighbours search(String field, float[] queries, int count, int k, long width) {
    throw new UnsupportedOperationException("a search cannot be told how far to look");
  }

  /**
   * Whether a search in a field can be limited to some records. False where the store has no
   * filters, or does not know this key.
   */
  default boolean canFilter(TextFilter only) {
    return false;
  }

  /** {@link #search} among some records, which {@link #canFilter} allows. */
  default Neighbours search(String field, float[] queries, int count, int k, TextFilter only) {
    throw new UnsupportedOperationException("a search cannot be limited to some records");
  }

  /**
   * Whether {@link #search} compares a query with every vector of a field, as it is. The answers
   * then depend on the vectors alone, and asking many queries shows nothing that comparing the
   * vectors has not shown.
   */
  boolean searchesExactly(String field);

  /**
   * Starts a load: creates the collection when it is absent, and does nothing when it is there with
   * the same stamp.
   */
  void create(LoadSchema schema, LoadStamp stamp);

  /** The stamp of the migration that made this collection, if one did. */
  Optional<LoadStamp> stamp();

  /**
   * Opens a writer for one part of a load.
   *
   * @param part name of the part; names sort in the order of the source
   */
  BatchWriter write(String part, LoadStamp stamp);

  /**
   * Ends a load: everything can be read, load settings are undone, and the store builds its
   * indexes, if it builds them by itself. Does nothing when that was done already.
   *
   * @param parts names of all parts, in order
   */
  void finishLoad(List<String> parts, LoadStamp stamp);

  /**
   * Removes records of a load, also of one that was finished; finish it again afterwards. Ids that
   * are not there are passed over. What was removed is read no more when this returns.
   *
   * @throws StoreException TARGET_CHANGED, with nothing removed, when the collection does not carry
   *     the stamp; INCOMPATIBLE where {@link StoreProvider#removesRecords()} is false
   */
  void remove(IdColumn ids, LoadStamp stamp);

  /**
   * Waits until the indexes of a finished load are built. Until then records can be read, and
   * {@link #search} may be slower or less exact than it will be. A store that has built them in
   * {@link #finishLoad} has nothing to wait for.
   */
  default void awaitIndexes(LoadStamp stamp) {}

  /**
   * What has to be done so that readers of this collection's name get the load. Looks, writes
   * nothing; the name may be free or taken, and the load need not be there yet. Called on the final
   * collection, as are the other methods about the switch.
   *
   * @throws StoreException TARGET_CHANGED when the switch to this load has begun: what was there
   *     before can no longer be told, so keep the plan that was made first
   */
  NameSwitch planSwitch(VectorStore load, LoadStamp stamp);

  /**
   * Makes a finished load visible under this collection's name. Does nothing where it was done
   * already; goes on where it was interrupted.
   *
   * @throws StoreException TARGET_CHANGED, with nothing changed, when the name leads to something
   *     else than planned, or to content that has changed since; INCOMPATIBLE when the plan says
   *     that it is not possible
   */
  void switchTo(NameSwitch planned, LoadStamp stamp);

  /**
   * Readers of the name get again what they got before; the load is under its own name again, with
   * its stamp, so that {@link #drop} on it removes it. Does nothing where that is so; works also in
   * the middle of an interrupted {@link #switchTo}.
   *
   * @throws StoreException TARGET_CHANGED, with nothing changed, when the name leads neither to the
   *     load nor to what was there before, or when what was there before is gone
   */
  void switchBack(NameSwitch planned, LoadStamp stamp);

  /**
   * Removes for good the collection that was replaced, and nothing else, and only while the name
   * leads to the load.
   *
   * @return whether something was removed
   * @throws StoreException TARGET_CHANGED when the name does not lead to the load, or what is kept
   *     is not what was replaced, or is reached by another alias
   */
  boolean dropReplaced(NameSwitch planned, LoadStamp stamp);

  /**
   * Removes the collection if it carries the stamp; does nothing when it is absent.
   *
   * @return whether something was removed
   */
  boolean drop(LoadStamp stamp);

  @Override
  void close();
}
