package io.vecferry.store;

import java.util.List;

/**
 * A kind of store, found by {@link java.util.ServiceLoader}. Adding a store is: a package with a
 * provider, a line in {@code META-INF/services}, and a subclass of {@code StoreContractTest}.
 */
public interface StoreProvider {

  /** The value of {@code type} in a spec, in lower case. */
  String type();

  /** One line for people: what it is and which versions and layouts are supported. */
  String description();

  /** The keys it understands beside those that every store has. */
  List<StoreOption> options();

  /** Whether it can be loaded. */
  default boolean canBeTarget() {
    return true;
  }

  /** Whether single records of a load can be removed and written again. */
  default boolean removesRecords() {
    return true;
  }

  /** What is read of a collection that somebody writes to meanwhile. */
  enum Snapshot {
    /** Files, which have to rest; a change is an error. */
    RESTING_FILES,
    /** Each range is read as of one moment, and different ranges as of different ones. */
    PER_RANGE,
    /** Each request is answered as of its own moment. */
    NONE
  }

  /** How far reading a collection is reading one state of it. */
  default Snapshot snapshot() {
    return Snapshot.NONE;
  }

  /**
   * Type of the store that {@link CollectionInfo#configuration()} is of: that of an archive is the
   * archived collection's. A target of the same type can set up the same.
   */
  default String configurationType(StoreSettings settings) {
    return type();
  }

  /**
   * The name to load into so that readers of the final collection see nothing before the switch.
   *
   * @param settings the target as the user wrote it
   * @param migration name of the migration
   * @return settings that open the collection to load into
   */
  StoreSettings loadSettings(StoreSettings settings, String migration);

  /**
   * The same where the name is taken and what is there is to be replaced. Another name than that of
   * {@link #loadSettings} only in stores that load under the final name when it is free.
   */
  default StoreSettings loadBesideSettings(StoreSettings settings, String migration) {
    return loadSettings(settings, migration);
  }

  /**
   * Opens a collection, which need not exist. Does not write.
   *
   * @throws StoreException when the store cannot be reached or the settings cannot work
   */
  VectorStore open(StoreSettings settings);
}
