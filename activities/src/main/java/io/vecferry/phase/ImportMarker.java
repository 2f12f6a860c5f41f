package io.vecferry.phase;

import io.vecferry.archive.Archive;
import io.vecferry.archive.PartSidecar;
import io.vecferry.workflow.Payloads;

/**
 * Says in the archive that a part is on the target.
 *
 * @param loadId the load that it is part of
 * @param checksum the part that was imported
 * @param rows records on the target
 * @param rejects records that the target refused
 */
record ImportMarker(String loadId, String checksum, long rows, long rejects) {
  static final String FOLDER = "imported";

  private static String name(String part) {
    return FOLDER + "/" + part + ".json";
  }

  /** The marker of a part, if it speaks of this load and this content. */
  static ImportMarker find(Archive archive, String part, String loadId, PartSidecar sidecar) {
    if (!archive.exists(name(part))) {
      return null;
    }
    ImportMarker marker = archive.readJson(name(part), Payloads.MAPPER, ImportMarker.class);
    return marker.loadId.equals(loadId) && marker.checksum.equals(sidecar.checksum())
        ? marker
        : null;
  }

  void write(Archive archive, String part) {
    archive.writeJson(name(part), Payloads.MAPPER, this);
  }

  /**
   * Says the same of a part from which records were taken out.
   *
   * @param old the part as it was
   * @param now the part as it is
   * @param left rejects of the old part that are in it still
   */
  static void follow(Archive archive, String part, PartSidecar old, PartSidecar now, long left) {
    if (archive.exists(name(part))) {
      ImportMarker marker = archive.readJson(name(part), Payloads.MAPPER, ImportMarker.class);
      if (marker.checksum.equals(old.checksum())) {
        new ImportMarker(marker.loadId, now.checksum(), now.rows() - left, left)
            .write(archive, part);
      }
    }
  }

  /** Removes all markers, because what they speak of is gone. */
  static void clear(Archive archive) {
    for (String path : archive.store().list(archive.path(FOLDER))) {
      archive.store().delete(path);
    }
  }
}
