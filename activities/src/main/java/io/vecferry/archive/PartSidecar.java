package io.vecferry.archive;

import com.fasterxml.jackson.annotation.JsonInclude;

/**
 * What is known of a finished part; stored beside it as {@code <part>.json}. A part without it is
 * not finished.
 *
 * @param formatVersion version of the layout, {@link #FORMAT_VERSION}
 * @param part path of the Parquet file below the migration's folder or root it was written to
 * @param rows number of records
 * @param bytes size of the Parquet file
 * @param checksum of the Parquet file, as {@code crc32c:0123abcd}
 * @param startCursor where reading of the source started; null for the start of the partition
 * @param endCursor where reading of the source goes on
 * @param last whether the partition ends with this part
 * @param schemaFingerprint {@link PartSchema#fingerprint()}
 * @param sourceFingerprint of the source when it was read; empty where it has none
 * @param createdAt when, as given by the writer; null where it is not known
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record PartSidecar(
    int formatVersion,
    String part,
    long rows,
    long bytes,
    String checksum,
    String startCursor,
    String endCursor,
    boolean last,
    String schemaFingerprint,
    String sourceFingerprint,
    String createdAt) {

  /** The only version so far. */
  public static final int FORMAT_VERSION = 1;

  /** The same part in another place. */
  public PartSidecar at(String path) {
    return new PartSidecar(
        formatVersion,
        path,
        rows,
        bytes,
        checksum,
        startCursor,
        endCursor,
        last,
        schemaFingerprint,
        sourceFingerprint,
        createdAt);
  }

  /** Publishes it beside its part, which must be there. */
  public void write(ArtifactStore store) {
    Documents.write(store, pathOf(part), Documents.MAPPER, this);
  }

  /** Path of the sidecar of a part. */
  public static String pathOf(String part) {
    return part + ".json";
  }
}
