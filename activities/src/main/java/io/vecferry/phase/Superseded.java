package io.vecferry.phase;

import io.vecferry.archive.Archive;
import io.vecferry.archive.PartReader;
import io.vecferry.archive.PartSidecar;
import io.vecferry.record.IdColumn;
import io.vecferry.record.RecordBatch;
import io.vecferry.workflow.Payloads;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The records of a part of the target's backup that a merge leaves out, because the source has
 * their ids. Ids are the same when their texts are: stores differ in what they make of the others.
 * Kept in the archive.
 *
 * @param checksum the part that it speaks of
 * @param rows their numbers in the part, in order
 */
record Superseded(String checksum, int[] rows) {
  private static final String FOLDER = "superseded";

  /** Ids that are looked for in one go through those of the source. */
  private static final int IDS_IN_MEMORY = 500_000;

  private static final int BATCH_ROWS = 8192;

  /**
   * Finds them for all parts of a backup.
   *
   * @param source paths of all parts of the source
   * @param backup paths of all parts of the backup
   * @return how many there are
   */
  static long find(Archive archive, List<String> source, List<String> backup) {
    long found = 0;
    List<String> group = new ArrayList<>();
    long ids = 0;
    for (String part : backup) {
      long rows = PartReader.sidecar(archive.store(), part).rows();
      if (!group.isEmpty() && ids + rows > IDS_IN_MEMORY) {
        found += findIn(archive, source, group);
        group.clear();
        ids = 0;
      }
      group.add(part);
      ids += rows;
    }
    return found + findIn(archive, source, group);
  }

  private record Place(int part, int row) {}

  private static long findIn(Archive archive, List<String> source, List<String> group) {
    Map<String, Place> places = new HashMap<>();
    List<BitSet> superseded = new ArrayList<>();
    for (int part = 0; part < group.size(); part++) {
      superseded.add(new BitSet());
      int index = part;
      forEachId(archive, group.get(part), (id, row) -> places.put(id, new Place(index, row)));
    }
    for (String part : places.isEmpty() ? List.<String>of() : source) {
      forEachId(
          archive,
          part,
          (id, ignored) -> {
            Place place = places.get(id);
            if (place != null) {
              superseded.get(place.part()).set(place.row());
            }
          });
    }
    long found = 0;
    for (int part = 0; part < group.size(); part++) {
      PartSidecar sidecar = PartReader.sidecar(archive.store(), group.get(part));
      int[] rows = superseded.get(part).stream().toArray();
      found += rows.length;
      archive.writeJson(
          name(Workspace.partName(group.get(part))),
          Payloads.MAPPER,
          new Superseded(sidecar.checksum(), rows));
    }
    return found;
  }

  private interface IdConsumer {
    void accept(String id, int row);
  }

  private static void forEachId(Archive archive, String part, IdConsumer consumer) {
    try (PartReader reader = PartReader.open(archive.store(), part)) {
      PartReader.Batches batches = reader.batches(0, BATCH_ROWS, EnumSet.of(PartReader.Column.IDS));
      int row = 0;
      for (RecordBatch batch = batches.next(); batch != null; batch = batches.next()) {
        IdColumn ids = batch.ids();
        for (int i = 0; i < ids.rows(); i++) {
          consumer.accept(ids.get(i), row++);
        }
        Calls.stillRunning(row);
      }
    }
  }

  private static String name(String part) {
    return FOLDER + "/" + part + ".json";
  }

  /** What was found about a part. */
  static Superseded read(Archive archive, String part, PartSidecar sidecar) {
    Superseded found = archive.readJson(name(part), Payloads.MAPPER, Superseded.class);
    if (!found.checksum.equals(sidecar.checksum())) {
      throw new IllegalStateException(name(part) + " speaks of another export of the part");
    }
    return found;
  }

  /**
   * The records of a batch that stay.
   *
   * @param firstRow number in the part of the batch's first row
   */
  RecordBatch left(RecordBatch batch, long firstRow) {
    int from = lowerBound(firstRow);
    int to = lowerBound(firstRow + batch.rows());
    if (from == to) {
      return batch;
    }
    int[] left = new int[batch.rows() - (to - from)];
    int next = 0;
    for (int row = 0; row < batch.rows(); row++) {
      if (from < to && rows[from] == firstRow + row) {
        from++;
      } else {
        left[next++] = row;
      }
    }
    return batch.select(left);
  }

  private int lowerBound(long row) {
    int low = 0;
    int high = rows.length;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (rows[middle] < row) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
}
