package io.vecferry.plan;

import java.util.List;
import java.util.Map;

/**
 * One side of a planned migration.
 *
 * @param store flavour and version
 * @param collection name or path
 * @param idKinds kinds of ids, as INT64, UINT64, UUID, STRING
 * @param rows records, 0 for a collection that is to be made
 * @param bytes size where it is known, -1 where not
 * @param configuration everything else worth keeping, in display order
 * @param fingerprint pins the content where the store can tell
 * @param profile what the records are like; of a source only
 */
public record PlannedSide(
    String store,
    String collection,
    List<PlannedField> vectors,
    List<String> idKinds,
    long rows,
    long bytes,
    Map<String, String> configuration,
    String fingerprint,
    RecordProfile profile) {

  public PlannedSide {
    profile = profile == null ? RecordProfile.EMPTY : profile;
  }
}
