package io.vecferry.store.faiss;

/**
 * How rows of a metadata file become records ({@code source.options}).
 *
 * @param file name of the file, relative to the folder of the index; null for none
 * @param key column that holds the ids of the index; null to match by position
 * @param id column that becomes the id of a record; null for the ids of the index
 * @param document column that becomes the document; null for none
 */
record MetadataColumns(String file, String key, String id, String document) {
  static final MetadataColumns NONE = new MetadataColumns(null, null, null, null);

  /** Whether a column goes into the metadata. */
  boolean isMetadata(String column) {
    boolean isId = id == null ? column.equals(key) : column.equals(id);
    return !isId && !column.equals(document);
  }
}
