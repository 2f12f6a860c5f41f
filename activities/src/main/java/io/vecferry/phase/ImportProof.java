package io.vecferry.phase;

import io.vecferry.activity.WholeTask;
import io.vecferry.archive.Archive;
import io.vecferry.archive.PartReader;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.spec.MigrationSpec;
import io.vecferry.store.StoreException;
import io.vecferry.verify.ChangeSearch;
import io.vecferry.verify.Difference;
import io.vecferry.verify.RecordComparator;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** What the comparison of the whole target with the archive comes to. */
final class ImportProof {
  private static final int NAMED = 5;
  private static final int ID_ROWS = 8192;

  private final Workspace workspace;
  private final Archive archive;
  private final MigrationSpec.Validation wanted;

  ImportProof(Workspace workspace) {
    this.workspace = workspace;
    this.archive = workspace.archive();
    this.wanted = workspace.spec().validation();
  }

  /** The first differences of a proof, for a person. */
  static String first(PartProof proof) {
    return proof.differences().stream()
        .limit(NAMED)
        .map(Object::toString)
        .collect(Collectors.joining("; "));
  }

  /**
   * Adds up what the parts have shown and compares the number of records. Where that is another one
   * than expected, the ids of both sides are compared, all of them whatever was sampled.
   *
   * @param found records that the target has
   * @throws StoreException NOT_PROVED
   */
  PartProof complete(WholeTask task, long found) {
    PartProof.remove(archive, PartProof.COUNTS);
    List<String> names =
        workspace.loadedParts(task.partsPerPartition()).stream()
            .filter(name -> Archive.partitionOf(name) < task.partsPerPartition().size())
            .toList();
    PartProof parts = PartProof.total(archive, names);
    // Where an earlier run has begun to catch up, it is counted when this one has done so too.
    boolean asCounted = found == parts.onTarget() || !new CatchUp(workspace).isApplied(task);
    PartProof counts = PartProof.NONE;
    String place;
    try (DifferenceLog log = new DifferenceLog(archive, PartProof.COUNTS)) {
      if (!asCounted) {
        counts = compareIds(task, parts, log);
        counts.write(archive, PartProof.COUNTS);
      }
      log.finish();
      place = DifferenceLog.place(archive, PartProof.COUNTS);
    }
    PartProof total = parts.plus(counts);
    if (!asCounted && (wanted.allowedMismatches() == 0 || found != total.onTarget())) {
      throw new StoreException(
          FailureClass.NOT_PROVED,
          String.format(
              Locale.ROOT,
              "the target has %d records, %d were expected.%s",
              found,
              parts.onTarget(),
              counts.mismatches() == 0
                  ? ""
                  : String.format(
                      Locale.ROOT,
                      " %,d were not archived, and %,d more are missing; all are in %s. The first:"
                          + " %s",
                      counts.extra(),
                      counts.missing(),
                      place,
                      first(counts))));
    }
    // Each part of a strict proof has said what differs in it, and a person has decided about that.
    if (!wanted.strict() && total.mismatches() > wanted.allowedMismatches()) {
      throw new StoreException(
          FailureClass.NOT_PROVED,
          String.format(
              Locale.ROOT,
              "%,d records differ, %,d are missing and %,d were not archived;"
                  + " validation.maxMismatch is %,d. All are in %s. The first: %s",
              total.different(),
              total.missing(),
              total.extra(),
              wanted.allowedMismatches(),
              archive.store().describe(archive.path(DifferenceLog.FOLDER)),
              first(total)));
    }
    return total;
  }

  /** Finds what the comparison of the parts cannot have found. */
  private PartProof compareIds(WholeTask task, PartProof parts, DifferenceLog log) {
    List<Difference> first = new ArrayList<>();
    Consumer<Difference> all =
        difference -> {
          log.accept(difference);
          if (first.size() < RecordComparator.KEPT) {
            first.add(difference);
          }
        };
    long[] missing = new long[1];
    long[] extra = new long[1];
    findIds(
        workspace,
        task,
        new ChangeSearch.Found() {
          @Override
          public void added(IdKind kind, String id) {
            extra[0]++;
            all.accept(Difference.extra(id));
          }

          @Override
          public void changed(IdKind kind, String id) {
            // What is on both sides is compared by the parts.
          }

          @Override
          public void gone(IdKind kind, String id) {
            missing[0]++;
            all.accept(Difference.missing(id));
          }
        });
    return PartProof.counted(Math.max(0, missing[0] - parts.missing()), extra[0], first);
  }

  /** Compares all ids of the target with all that were to be loaded, in bounded memory. */
  static void findIds(Workspace workspace, WholeTask task, ChangeSearch.Found found) {
    List<String> paths = new ArrayList<>(workspace.partPaths(task.partsPerPartition()));
    if (workspace.plan().merges()) {
      paths.addAll(workspace.backupPaths(task.partsPerPartition()));
    }
    try {
      Path temporary = Files.createTempDirectory("vecferry-ids");
      try (ChangeSearch search = new ChangeSearch(temporary, workspace.plan().loadedRows())) {
        for (String path : paths) {
          readIds(workspace, path, search);
        }
        CatchUp.readAll(workspace.loaded(), workspace.spec().load().batchRows(), search::current);
        search.finish(found);
      } finally {
        Files.deleteIfExists(temporary);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void readIds(Workspace workspace, String path, ChangeSearch search) {
    try (PartReader reader = PartReader.open(workspace.archive().store(), path)) {
      Set<String> refused =
          PartComparison.refused(workspace, Workspace.partName(path), reader.sidecar());
      PartReader.Batches batches = reader.batches(0, ID_ROWS, IdParts.COLUMNS);
      long rows = 0;
      for (RecordBatch batch = batches.next(); batch != null; batch = batches.next()) {
        search.archived(PartComparison.without(batch, refused));
        rows += batch.rows();
        Calls.stillRunning(rows);
      }
    }
  }

  /** What was proved, in words. */
  String words(PartProof proof) {
    String compared =
        String.format(
            Locale.ROOT,
            "%,d fetched by id: %s, %,d different, %,d missing, %s extra",
            proof.rows(),
            wanted.checkVectors()
                ? String.format(
                    Locale.ROOT,
                    "%,d equal to the bit, %,d within tolerance",
                    proof.bitExact(),
                    proof.withinTolerance())
                : String.format(
                    Locale.ROOT,
                    "%,d equal without their vectors",
                    proof.compared(PartProof.counts(archive)) - proof.different()),
            proof.different(),
            proof.missing() + proof.refused(),
            proof.extra() == 0 ? "none" : String.format(Locale.ROOT, "%,d", proof.extra()));
    if (proof.refused() > 0) {
      compared +=
          String.format(
              Locale.ROOT,
              "; %,d of the missing were refused by the target, import.maxRejects is %,d",
              proof.refused(),
              workspace.spec().load().maxRejects());
    }
    if (!wanted.checkVectors()) {
      compared += "; vectors were not compared: validation.checkVectors is false";
    }
    if (!wanted.checkMetadata()) {
      compared += "; metadata and documents were not compared: validation.checkMetadata is false";
    }
    if (wanted.samples()) {
      compared +=
          String.format(
              Locale.ROOT,
              "; a sample of %,d records, all counted: %s",
              proof.expected(),
              workspace.sample().meaning(proof.expected()));
    }
    if (!wanted.strict()) {
      compared +=
          String.format(
              Locale.ROOT,
              "; %,d mismatches, validation.maxMismatch is %,d",
              proof.mismatches(),
              wanted.maxMismatch());
    }
    return compared;
  }
}
