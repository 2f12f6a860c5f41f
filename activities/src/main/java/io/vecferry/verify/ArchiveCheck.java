package io.vecferry.verify;

import io.vecferry.archive.Archive;
import io.vecferry.archive.ArchiveListing;
import io.vecferry.archive.ArchiveOrigin;
import io.vecferry.archive.ArchiveProblem;
import io.vecferry.archive.Manifest;
import io.vecferry.archive.PartReader;
import io.vecferry.archive.PartSchema;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.PlannedField;
import io.vecferry.store.StoreException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Looks for everything that is wrong with an archive, whoever made it. Never ends at the first
 * problem, and never with an exception because of what a file holds.
 */
public final class ArchiveCheck {
  private static final int NAMED_PROBLEMS = 5;

  private static final String PUT_BACK = "Put it and its sidecar back from a copy of the archive.";

  private static final String OWN_IDS =
      "Give each record of the source an id of its own and export it anew.";

  private final Archive archive;
  private final List<ArchiveProblem> problems = new ArrayList<>();

  /** How much is looked at. */
  public enum Depth {
    /** Names, sizes, checksums and headers of all files. */
    FILES,
    /** Every record too: ids, vectors, metadata. */
    RECORDS
  }

  /**
   * What was found in one folder of parts.
   *
   * @param listing its parts
   * @param problems all problems, those of the listing first; empty when it is whole
   */
  public record Result(ArchiveListing listing, List<ArchiveProblem> problems) {}

  private ArchiveCheck(Archive archive) {
    this.archive = archive;
  }

  /**
   * Checks a folder of parts.
   *
   * @param folder {@link Archive#SOURCE} or {@link Archive#TARGET_BACKUP}
   */
  public static Result check(Archive archive, String folder, Depth depth) {
    return new ArchiveCheck(archive).check(folder, depth);
  }

  private Result check(String folder, Depth depth) {
    ArchiveListing listing = ArchiveListing.of(archive, folder);
    problems.addAll(listing.problems());
    PartSchema schema = listing.manifest().map(Manifest::schema).orElse(null);
    List<String> whole = new ArrayList<>();
    for (ArchiveListing.Part part : listing.parts()) {
      try {
        PartSchema found = schemaOf(part.path(), depth);
        if (schema != null && !found.equals(schema)) {
          throw new StoreException(
              FailureClass.ARCHIVE_DAMAGED,
              archive.store().describe(part.path())
                  + " is damaged: its schema is not that of the "
                  + (listing.manifest().isPresent() ? "manifest" : "parts before it"));
        }
        schema = found;
        whole.add(part.path());
      } catch (StoreException e) {
        problem(part.path(), e.getMessage(), PUT_BACK);
      }
    }
    if (depth == Depth.RECORDS) {
      checkIds(whole);
    }
    checkOrigin(folder, schema);
    return new Result(listing, List.copyOf(problems));
  }

  /** The schema of a part that is whole. */
  private PartSchema schemaOf(String part, Depth depth) {
    PartReader.verifyChecksum(archive.store(), part);
    if (depth == Depth.RECORDS) {
      PartChecks.Result result = PartChecks.check(archive.store(), part, false, NAMED_PROBLEMS);
      if (!result.isValid()) {
        problem(
            part,
            "%s has %d records that no store can load: %s"
                .formatted(
                    archive.store().describe(part),
                    result.badVectorRows() + result.badMetadataRows(),
                    String.join("; ", result.problems())),
            "Correct them in the source and export it anew.");
      }
    }
    try (PartReader reader = PartReader.open(archive.store(), part)) {
      return reader.schema();
    }
  }

  private void checkIds(List<String> parts) {
    try {
      Path temporary = Files.createTempDirectory("vecferry-ids");
      try {
        IdUniqueness.Result ids =
            IdUniqueness.find(archive.store(), parts, temporary, NAMED_PROBLEMS);
        for (IdUniqueness.Duplicate duplicate : ids.duplicates()) {
          List<String> files =
              duplicate.parts().stream().distinct().map(archive.store()::describe).toList();
          problem(
              duplicate.parts().get(0),
              "%s: the id '%s' occurs %d times, in %s"
                  .formatted(
                      files.get(0),
                      Difference.shorten(duplicate.id()),
                      duplicate.parts().size(),
                      String.join(", ", files)),
              OWN_IDS);
        }
        if (!ids.complete()) {
          problem(
              parts.get(0),
              "%s: more than %d ids occur more than once"
                  .formatted(archive.store().describe(parts.get(0)), NAMED_PROBLEMS),
              OWN_IDS);
        }
      } finally {
        Files.deleteIfExists(temporary);
      }
    } catch (StoreException e) {
      problem(archive.path(Archive.MANIFEST), e.getMessage(), PUT_BACK);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void checkOrigin(String folder, PartSchema schema) {
    if (!folder.equals(Archive.SOURCE)) {
      return;
    }
    for (String name : List.of(Archive.SPEC, Archive.PLAN)) {
      if (!archive.exists(name)) {
        String file = archive.path(name);
        problems.add(
            new ArchiveProblem(
                archive.store().describe(file),
                archive.store().describe(file)
                    + " is missing: index and configuration of what was archived are not known",
                "Put it back from a copy of the archive, or restore with --allow-incomplete.",
                true));
      }
    }
    try {
      ArchiveOrigin origin = ArchiveOrigin.read(archive, folder);
      List<PartSchema.VectorField> fields = schema == null ? List.of() : schema.vectors();
      for (PartSchema.VectorField field : fields) {
        PlannedField planned = origin.fields().get(field.name());
        if (planned != null && planned.dimension() != field.dimension()) {
          problem(
              archive.path(Archive.PLAN),
              "%s says that vectors of field '%s' have %d components, the parts have %d"
                  .formatted(
                      archive.store().describe(archive.path(Archive.PLAN)),
                      field.name(),
                      planned.dimension(),
                      field.dimension()),
              "Put the plan of this archive back.");
        }
      }
    } catch (StoreException e) {
      problem(
          archive.path(Archive.PLAN), e.getMessage(), "Put it back from a copy of the archive.");
    }
  }

  private void problem(String path, String message, String remedy) {
    problems.add(new ArchiveProblem(archive.store().describe(path), message, remedy, false));
  }
}
