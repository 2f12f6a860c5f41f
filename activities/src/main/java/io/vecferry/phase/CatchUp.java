package io.vecferry.phase;

import io.vecferry.activity.CatchUpPass;
import io.vecferry.activity.PartTask;
import io.vecferry.activity.WholeTask;
import io.vecferry.archive.Archive;
import io.vecferry.archive.Manifest;
import io.vecferry.archive.PartReader;
import io.vecferry.archive.PartSidecar;
import io.vecferry.archive.PartWriter;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.PlannedPartition;
import io.vecferry.plan.PlannedPartition.Origin;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.store.BatchReader;
import io.vecferry.store.SourceRange;
import io.vecferry.store.StoreException;
import io.vecferry.store.VectorStore;
import io.vecferry.verify.ChangeSearch;
import io.vecferry.workflow.Payloads;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/**
 * Follows a source that is written to while it migrates, pass by pass: finds how it differs from
 * the archive, brings the archive to its state, and takes out of the load what has changed. What
 * each pass has found is kept in the archive, and every step can be done again.
 *
 * <p>The archive changes in two steps, so that a crash leaves it as it was or as it will be: all
 * files are made beside their places, then {@link Kept} says which go where.
 */
final class CatchUp {
  /** Ids that are looked for in one go through the archive. */
  private static final int IDS_IN_MEMORY = 500_000;

  private static final int ID_ROWS = 8192;

  private final Workspace workspace;
  private final Archive archive;

  CatchUp(Workspace workspace) {
    this.workspace = workspace;
    this.archive = workspace.archive();
  }

  private record Id(IdKind kind, String text) {}

  /**
   * What becomes of the archive with a pass.
   *
   * @param parts parts that were made, with the sidecars that they get
   * @param inPlace whether they are where they belong
   */
  private record Kept(CatchUpPass pass, List<Part> parts, boolean inPlace) {

    /**
     * @param sidecar with the path where the part belongs
     * @param before the part that it replaces; null for one that is new
     * @param rejects records in it that the target has refused
     */
    private record Part(PartSidecar sidecar, PartSidecar before, long rejects) {}

    Kept done() {
      return new Kept(pass, parts, true);
    }
  }

  private static String folder(int pass) {
    return "%s/%03d".formatted(Archive.CATCH_UP, pass);
  }

  private static String foundName(int pass) {
    return folder(pass) + "/found.json";
  }

  private static String keptName(int pass) {
    return folder(pass) + "/kept.json";
  }

  private String changedIds(int pass) {
    return archive.path(folder(pass) + "/changed.parquet");
  }

  private String goneIds(int pass) {
    return archive.path(folder(pass) + "/gone.parquet");
  }

  /** Where a part is made before it gets to its place. */
  private static String staged(Archive archive, int pass, String place) {
    return archive.path(
        folder(pass) + "/" + Archive.SOURCE + "/" + place.substring(place.lastIndexOf('/') + 1));
  }

  private static Optional<Kept> kept(Archive archive, int pass) {
    return archive.exists(keptName(pass))
        ? Optional.of(archive.readJson(keptName(pass), Payloads.MAPPER, Kept.class))
        : Optional.empty();
  }

  /** Brings to their places what a pass had made when it was interrupted. */
  static void recover(Archive archive) {
    all(archive).forEach(kept -> putInPlace(archive, kept));
  }

  /** The passes that the archive has, in order. */
  List<CatchUpPass> kept() {
    return all(archive).stream().map(Kept::pass).toList();
  }

  private static List<Kept> all(Archive archive) {
    String prefix = archive.path("");
    return archive.store().list(archive.path(Archive.CATCH_UP)).stream()
        .filter(path -> path.endsWith("/kept.json"))
        .map(path -> archive.readJson(path.substring(prefix.length()), Payloads.MAPPER, Kept.class))
        .toList();
  }

  /** Compares the source as it is now with the archive. */
  CatchUpPass find(int pass) {
    Optional<Kept> kept = kept(archive, pass);
    if (kept.isPresent()) {
      return kept.get().pass();
    }
    if (workspace.hasBegunToSwitch()) {
      return CatchUpPass.nothing(pass, -1);
    }
    try (VectorStore source = workspace.reopen(Origin.SOURCE)) {
      long expected = source.describe().rows();
      return search(
          pass,
          expected,
          source,
          (search, found) -> {
            long rows = readAll(source, workspace.spec().export().batchRows(), search::current);
            search.finish(found);
            return rows;
          });
    }
  }

  /**
   * Makes records that the export has met more than once, because somebody wrote to them meanwhile,
   * one record each: the one that the source has now.
   */
  void keepRepeated() {
    if (kept(archive, 0).isEmpty()) {
      search(
          0,
          0,
          workspace.source(),
          (search, found) -> {
            search.finishRepeated(found);
            return 0;
          });
      keep(0);
    }
  }

  private interface Search {
    /** Gives the number of records that the source has. */
    long run(ChangeSearch search, ChangeSearch.Found found);
  }

  private CatchUpPass search(int pass, long expected, VectorStore source, Search wanted) {
    // Lists of an attempt that was interrupted, and parts made by them.
    archive.store().list(archive.path(folder(pass))).forEach(archive.store()::delete);
    List<String> parts = archive.parts(Archive.SOURCE);
    long archived =
        parts.stream().mapToLong(part -> PartReader.sidecar(archive.store(), part).rows()).sum();
    try {
      Path temporary = Files.createTempDirectory("vecferry-catch-up");
      try (ChangeSearch search = new ChangeSearch(temporary, Math.max(expected, archived));
          Lists lists = new Lists(pass, source)) {
        long seen = 0;
        for (String part : parts) {
          seen = readPart(part, search, seen);
        }
        long rows = wanted.run(search, lists);
        CatchUpPass found = lists.finish(rows);
        archive.writeJson(foundName(pass), Payloads.MAPPER, found);
        return found;
      } finally {
        Files.deleteIfExists(temporary);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private long readPart(String part, ChangeSearch search, long before) {
    long seen = before;
    try (PartReader reader = PartReader.open(archive.store(), part)) {
      PartReader.Batches batches = reader.batches();
      for (RecordBatch batch = batches.next(); batch != null; batch = batches.next()) {
        search.archived(batch);
        seen += batch.rows();
        Calls.stillRunning(seen);
      }
    }
    return seen;
  }

  /** Reads a whole collection; gives the number of its records. */
  static long readAll(VectorStore store, int batchSize, Consumer<RecordBatch> consumer) {
    long rows = 0;
    for (SourceRange range : store.split(1)) {
      try (BatchReader reader = store.read(range.moving(), null, batchSize)) {
        for (RecordBatch batch = reader.next(); batch != null; batch = reader.next()) {
          consumer.accept(batch);
          rows += batch.rows();
          Calls.stillRunning(rows);
        }
      }
    }
    return rows;
  }

  /** The two lists of a pass: ids to be read from the source, and ids to be taken out before. */
  private final class Lists implements ChangeSearch.Found, AutoCloseable {
    private final int pass;
    private final VectorStore source;
    private final IdParts changed;
    private final IdParts gone;
    private final List<Id> missing = new ArrayList<>();
    private long addedRows;
    private long changedRows;
    private long deletedRows;

    Lists(int pass, VectorStore source) {
      this.pass = pass;
      this.source = source;
      this.changed = new IdParts(archive.store(), changedIds(pass));
      this.gone = new IdParts(archive.store(), goneIds(pass));
    }

    @Override
    public void added(IdKind kind, String id) {
      changed.add(kind, id);
      addedRows++;
    }

    @Override
    public void changed(IdKind kind, String id) {
      changed.add(kind, id);
      gone.add(kind, id);
      changedRows++;
    }

    @Override
    public void gone(IdKind kind, String id) {
      missing.add(new Id(kind, id));
      if (missing.size() == workspace.spec().export().batchRows()) {
        lookAgain();
      }
    }

    /** A record that is written to while a source is read may have been passed over. */
    private void lookAgain() {
      if (missing.isEmpty()) {
        return;
      }
      IdColumn ids =
          IdParts.column(
              missing.stream().map(Id::kind).toList(), missing.stream().map(Id::text).toList());
      IdColumn there = source.fetch(ids).ids();
      Set<Id> found = new HashSet<>();
      for (int row = 0; row < there.rows(); row++) {
        found.add(new Id(there.kind(row), there.get(row)));
      }
      for (Id id : missing) {
        if (found.contains(id)) {
          changed(id.kind(), id.text());
        } else {
          gone.add(id.kind(), id.text());
          deletedRows++;
        }
      }
      missing.clear();
    }

    CatchUpPass finish(long rows) {
      lookAgain();
      changed.finish();
      gone.finish();
      return new CatchUpPass(pass, rows, addedRows, changedRows, deletedRows, null, 0);
    }

    @Override
    public void close() {
      changed.close();
      gone.close();
    }
  }

  /** Brings the archive to what a pass has found. */
  CatchUpPass keep(int pass) {
    Kept kept = kept(archive, pass).orElseGet(() -> prepare(pass));
    putInPlace(archive, kept);
    return kept.pass();
  }

  private Kept prepare(int pass) {
    CatchUpPass found = archive.readJson(foundName(pass), Payloads.MAPPER, CatchUpPass.class);
    int partition = workspace.plan().partitions().size() + pass;
    List<Kept.Part> parts = new ArrayList<>(export(pass, partition));
    long rows = parts.stream().mapToLong(part -> part.sidecar().rows()).sum();
    CatchUpPass done =
        parts.isEmpty()
            ? found
            : found.kept(
                new PlannedPartition(
                    partition, "0", parts.get(parts.size() - 1).sidecar().endCursor(), rows, true),
                parts.size());
    parts.addAll(takeOut(pass));
    Kept kept = new Kept(done, parts, false);
    archive.writeJson(keptName(pass), Payloads.MAPPER, kept);
    return kept;
  }

  /** Makes parts of the new and changed records; those that have vanished are left out. */
  private List<Kept.Part> export(int pass, int partition) {
    List<Kept.Part> parts = new ArrayList<>();
    long all = PartReader.sidecar(archive.store(), changedIds(pass)).rows();
    long start = 0;
    try (VectorStore source = workspace.reopen(Origin.SOURCE)) {
      while (start < all) {
        String place = archive.partPath(Archive.SOURCE, partition, parts.size());
        String path = staged(archive, pass, place);
        PartSidecar sidecar =
            archive.isFinished(path)
                ? PartReader.sidecar(archive.store(), path)
                : export(pass, source, path, start, all);
        parts.add(new Kept.Part(sidecar.at(place), null, 0));
        start = Long.parseLong(sidecar.endCursor());
      }
    }
    return parts;
  }

  private PartSidecar export(int pass, VectorStore source, String path, long start, long all) {
    int batchSize = Math.min(workspace.spec().export().batchRows(), workspace.plan().partRows());
    long end = Math.min(all, start + workspace.plan().partRows() / batchSize * batchSize);
    try (PartReader ids = PartReader.open(archive.store(), changedIds(pass));
        PartWriter writer = new PartWriter(archive.store(), path, workspace.partSchema())) {
      PartReader.Batches batches = ids.batches(start, batchSize, IdParts.COLUMNS);
      for (long next = start; next < end; ) {
        RecordBatch wanted = batches.next();
        RecordBatch batch = source.fetch(wanted.ids());
        if (batch.rows() > 0) {
          writer.append(batch);
        }
        next += wanted.rows();
        Calls.stillRunning(next);
      }
      return writer.finish(
          Long.toString(start),
          Long.toString(end),
          end == all,
          workspace.plan().source().fingerprint(),
          Instant.now().toString());
    }
  }

  /** Makes all parts again that have records which a pass takes out. */
  private List<Kept.Part> takeOut(int pass) {
    Set<Id> group = new HashSet<>();
    try (PartReader reader = PartReader.open(archive.store(), goneIds(pass))) {
      PartReader.Batches batches = reader.batches(0, ID_ROWS, IdParts.COLUMNS);
      for (RecordBatch batch = batches.next(); batch != null; batch = batches.next()) {
        for (int row = 0; row < batch.rows(); row++) {
          group.add(new Id(batch.ids().kind(row), batch.ids().get(row)));
        }
        if (group.size() >= IDS_IN_MEMORY) {
          takeOut(pass, group);
          group.clear();
        }
      }
    }
    takeOut(pass, group);
    List<Kept.Part> parts = new ArrayList<>();
    for (String place : archive.parts(Archive.SOURCE)) {
      String path = staged(archive, pass, place);
      if (archive.isFinished(path)) {
        PartSidecar sidecar = PartReader.sidecar(archive.store(), path).at(place);
        parts.add(
            new Kept.Part(sidecar, PartReader.sidecar(archive.store(), place), rejects(path)));
      }
    }
    return parts;
  }

  private void takeOut(int pass, Set<Id> ids) {
    for (String place : ids.isEmpty() ? List.<String>of() : archive.parts(Archive.SOURCE)) {
      String staged = staged(archive, pass, place);
      String path = archive.isFinished(staged) ? staged : place;
      if (hasAny(path, ids)) {
        takeOut(path, staged, ids);
      }
    }
  }

  private boolean hasAny(String part, Set<Id> ids) {
    boolean[] found = new boolean[1];
    forEachId(part, (kind, text) -> found[0] |= ids.contains(new Id(kind, text)));
    return found[0];
  }

  private void forEachId(String part, BiConsumer<IdKind, String> consumer) {
    try (PartReader reader = PartReader.open(archive.store(), part)) {
      PartReader.Batches batches = reader.batches(0, ID_ROWS, IdParts.COLUMNS);
      long rows = 0;
      for (RecordBatch batch = batches.next(); batch != null; batch = batches.next()) {
        for (int row = 0; row < batch.rows(); row++) {
          consumer.accept(batch.ids().kind(row), batch.ids().get(row));
        }
        rows += batch.rows();
        Calls.stillRunning(rows);
      }
    }
  }

  private void takeOut(String path, String staged, Set<Id> ids) {
    try (PartReader reader = PartReader.open(archive.store(), path);
        PartWriter writer = new PartWriter(archive.store(), staged, reader.schema())) {
      PartReader.Batches batches = reader.batches();
      for (RecordBatch batch = batches.next(); batch != null; batch = batches.next()) {
        int[] left = new int[batch.rows()];
        int rows = 0;
        for (int row = 0; row < batch.rows(); row++) {
          if (!ids.contains(new Id(batch.ids().kind(row), batch.ids().get(row)))) {
            left[rows++] = row;
          }
        }
        writer.append(batch.select(Arrays.copyOf(left, rows)));
        Calls.stillRunning(writer.rows());
      }
      PartSidecar before = reader.sidecar();
      writer.finish(
          before.startCursor(),
          before.endCursor(),
          before.last(),
          before.sourceFingerprint(),
          Instant.now().toString());
    }
  }

  /** How many records of a part the target has refused. */
  private long rejects(String part) {
    Set<String> refused = PartComparison.refused(archive, Workspace.partName(part));
    if (refused.isEmpty()) {
      return 0;
    }
    long[] count = new long[1];
    forEachId(part, (kind, text) -> count[0] += refused.contains(text) ? 1 : 0);
    return count[0];
  }

  private static void putInPlace(Archive archive, Kept kept) {
    if (kept.inPlace()) {
      return;
    }
    int pass = kept.pass().pass();
    for (Kept.Part part : kept.parts()) {
      String place = part.sidecar().part();
      archive.store().move(staged(archive, pass, place), place);
      part.sidecar().write(archive.store());
      archive.store().delete(PartSidecar.pathOf(staged(archive, pass, place)));
      if (part.before() != null) {
        ImportMarker.follow(
            archive, Workspace.partName(place), part.before(), part.sidecar(), part.rejects());
      }
    }
    if (archive.exists(Archive.MANIFEST)) {
      Manifest before = archive.manifest();
      archive.writeManifest(
          Manifest.of(
              archive.migration(),
              archive.parts(Archive.SOURCE).stream()
                  .map(part -> PartReader.sidecar(archive.store(), part))
                  .toList(),
              before.schema(),
              before.source()));
    }
    archive.writeJson(keptName(pass), Payloads.MAPPER, kept.done());
  }

  /** Says in the archive that what a pass takes out is not in the load. */
  private record Removed(String loadId) {}

  private static String removedName(int pass) {
    return "%s/removed-%03d.json".formatted(ImportMarker.FOLDER, pass);
  }

  /**
   * Removes from the load what a pass takes out; once, because later passes write such ids anew. A
   * load that cannot lose single records is made anew of what the archive has.
   */
  long remove(int pass) {
    long rows = PartReader.sidecar(archive.store(), goneIds(pass)).rows();
    Removed removed = new Removed(workspace.plan().loadId());
    String name = removedName(pass);
    if (workspace.hasBegunToSwitch() || isRemoved(pass, removed)) {
      return rows;
    }
    if (workspace.targetRemovesRecords()) {
      removeGone(pass);
      archive.writeJson(name, Payloads.MAPPER, removed);
    } else {
      LoadAnew.make(workspace);
      kept().forEach(p -> archive.writeJson(removedName(p.pass()), Payloads.MAPPER, removed));
    }
    return rows;
  }

  private void removeGone(int pass) {
    long removed = 0;
    try (PartReader reader = PartReader.open(archive.store(), goneIds(pass))) {
      PartReader.Batches batches =
          reader.batches(0, workspace.spec().load().batchRows(), IdParts.COLUMNS);
      for (RecordBatch batch = batches.next(); batch != null; batch = batches.next()) {
        // Another attempt may have come further: the changed are written anew after this.
        Calls.confirm();
        workspace.load().remove(batch.ids(), workspace.stamp());
        removed += batch.rows();
        Calls.stillRunning(removed);
      }
    }
  }

  /**
   * Whether the load has all that passes have brought into the archive, as far as they were found.
   *
   * @param task the migration with the parts of the passes that were applied
   */
  boolean isApplied(WholeTask task) {
    Removed removed = new Removed(workspace.plan().loadId());
    List<CatchUpPass> passes = kept();
    return passes.isEmpty()
        || !workspace.hasBegunToSwitch()
            && passes.stream()
                .allMatch(
                    pass ->
                        isRemoved(pass.pass(), removed)
                            && (pass.partition() == null
                                || pass.partition().index() < task.partsPerPartition().size()));
  }

  private boolean isRemoved(int pass, Removed removed) {
    String name = removedName(pass);
    return archive.exists(name)
        && archive.readJson(name, Payloads.MAPPER, Removed.class).equals(removed);
  }

  /**
   * Ends the load again; after the last pass, its records must be as many as the archive's, without
   * those that were known to be missing.
   */
  long finish(int pass) {
    List<String> parts = archive.parts(Archive.SOURCE);
    if (!workspace.hasBegunToSwitch()) {
      workspace
          .load()
          .finishLoad(parts.stream().map(Workspace::partName).toList(), workspace.stamp());
    }
    workspace.targetChanged();
    if (!workspace.targetRemovesRecords() && !workspace.hasBegunToSwitch()) {
      // The parts of the pass itself are compared after this.
      LoadAnew.compare(workspace, workspace.plan().partitions().size() + pass);
    }
    if (!workspace.hasBegunToSwitch()) {
      renewProofs(pass);
    }
    long found = workspace.loaded().describe().rows();
    long loaded = 0;
    for (String part : parts) {
      ImportMarker marker = marker(part);
      loaded += marker == null ? PartReader.sidecar(archive.store(), part).rows() : marker.rows();
    }
    long missing =
        PartProof.total(archive, parts.stream().map(Workspace::partName).toList()).missing();
    // What only the counts have shown may have been among what was taken out.
    PartProof counts = PartProof.counts(archive);
    long most = loaded - missing + counts.extra();
    long expected = Math.min(most, Math.max(found, loaded - missing - counts.missing()));
    long allowed = workspace.spec().validation().allowedMismatches();
    if (Math.abs(found - expected) > allowed
        && !workspace.hasBegunToSwitch()
        && kept(archive, pass + 1).isEmpty()) {
      throw new StoreException(
          FailureClass.NOT_PROVED,
          String.format(
              Locale.ROOT,
              "the target has %,d records after the changes of the source were applied, %,d were"
                  + " expected.",
              found,
              expected));
    }
    return found;
  }

  private ImportMarker marker(String part) {
    return ImportMarker.find(
        archive,
        Workspace.partName(part),
        workspace.plan().loadId(),
        PartReader.sidecar(archive.store(), part));
  }

  /**
   * Makes the proofs of parts true again from which records were taken out. Those of the pass
   * itself and of later ones are compared when they are loaded.
   */
  private void renewProofs(int pass) {
    for (String part : archive.parts(Archive.SOURCE)) {
      String name = Workspace.partName(part);
      ImportMarker marker = marker(part);
      Optional<PartProof> before = PartProof.find(archive, name);
      if (Archive.partitionOf(part) >= workspace.plan().partitions().size() + pass) {
        PartProof.remove(archive, name);
      } else if (marker != null
          && before.isPresent()
          && before.get().expected() != marker.rows() + marker.rejects()) {
        renewProof(workspace.partTask(part), before.get(), marker);
      }
    }
  }

  private void renewProof(PartTask part, PartProof before, ImportMarker marker) {
    PartProof now =
        before
            .shrunk(marker.rows(), marker.rejects())
            .orElseGet(() -> PartSteps.compare(workspace, part));
    // A person may have been asked about what there was, and about nothing else.
    now.require(
        archive,
        part.partName(),
        Math.max(before.mismatches(), workspace.spec().validation().allowedMismatches()));
    now.write(archive, part.partName());
  }
}
