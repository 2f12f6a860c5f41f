package io.vecferry.store;

/**
 * Metadata keys in which a store keeps what it has no place for. They are written only into records
 * that need them and are taken out again when vecferry reads the record, so that a later migration
 * from that store gives back what the first one brought.
 */
public final class ReservedKeys {
  /** What all of them start with. */
  public static final String PREFIX = "_vecferry_";

  /** The original id, where the store cannot have it as an id. */
  public static final String ID = PREFIX + "id";

  /** The kind of the original id in lower case, where the collection has several kinds. */
  public static final String ID_KIND = PREFIX + "id_kind";

  /** True where the store has an empty document and the record had none. */
  public static final String NO_DOCUMENT = PREFIX + "no_document";

  /** True where the store has empty metadata and the record had none. */
  public static final String NO_METADATA = PREFIX + "no_metadata";

  /**
   * The whole original metadata as JSON text, where the store would change any of it; it then wins
   * over the other keys, which are there to be searched.
   */
  public static final String METADATA_JSON = PREFIX + "metadata_json";

  /** The length of the original vector, where the store keeps vectors of unit length only. */
  public static final String NORM = PREFIX + "norm";

  private ReservedKeys() {}
}
