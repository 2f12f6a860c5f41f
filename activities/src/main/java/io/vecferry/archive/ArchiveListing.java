package io.vecferry.archive;

import io.vecferry.store.StoreException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the small files of an archive say about one folder of parts: which parts there are, and what
 * is wrong with that. No Parquet file is opened for it. A folder is complete when it has a
 * manifest; without one, its parts are those that are finished.
 *
 * @param folder {@link Archive#SOURCE} or {@link Archive#TARGET_BACKUP}
 * @param manifest the manifest, if there is one that can be read
 * @param parts finished parts, in the order of the source
 * @param problems what is wrong
 */
public record ArchiveListing(
    String folder, Optional<Manifest> manifest, List<Part> parts, List<ArchiveProblem> problems) {
  private static final Pattern PART_NAME = Pattern.compile("p(\\d{3,9})-(\\d{6,9})\\.parquet");

  private static final String PUT_BACK = "Put it back from a copy of the archive.";

  /**
   * A finished part.
   *
   * @param path its path in the store of the archive
   */
  public record Part(String path, PartSidecar sidecar) {}

  public ArchiveListing {
    parts = List.copyOf(parts);
    problems = List.copyOf(problems);
  }

  /** Looks at a folder of an archive, which need not exist. */
  public static ArchiveListing of(Archive archive, String folder) {
    return new Reader(archive, folder).read();
  }

  /** Records in all parts. */
  public long rows() {
    return parts.stream().mapToLong(part -> part.sidecar().rows()).sum();
  }

  /** Size of all Parquet files. */
  public long bytes() {
    return parts.stream().mapToLong(part -> part.sidecar().bytes()).sum();
  }

  private static final class Reader {
    private final Archive archive;
    private final ArtifactStore store;
    private final String folder;
    private final List<ArchiveProblem> problems = new ArrayList<>();
    private final Set<String> files = new HashSet<>();

    Reader(Archive archive, String folder) {
      this.archive = archive;
      this.store = archive.store();
      this.folder = folder;
      this.files.addAll(store.list(archive.path(folder)));
    }

    ArchiveListing read() {
      Optional<Manifest> manifest = manifest();
      // By partition and part, which is the order of the source.
      Map<Integer, Map<Integer, Part>> found = new TreeMap<>();
      Map<String, Manifest.Part> listed = manifest.map(this::listed).orElseGet(Map::of);
      Set<String> expected = new HashSet<>(listed.keySet());
      if (manifest.isEmpty()) {
        files.stream()
            .filter(file -> isPart(name(file)))
            .filter(file -> files.contains(PartSidecar.pathOf(file)))
            .forEach(expected::add);
      }
      for (String path : expected) {
        Matcher name = PART_NAME.matcher(name(path));
        if (name.matches()) {
          part(path, listed.get(path))
              .ifPresent(
                  part ->
                      found
                          .computeIfAbsent(Integer.valueOf(name.group(1)), key -> new TreeMap<>())
                          .put(Integer.valueOf(name.group(2)), part));
        }
      }
      findUnknown(expected, manifest.isPresent());
      found.forEach((partition, parts) -> checkOrder(parts, manifest.isPresent()));
      List<Part> parts = found.values().stream().flatMap(some -> some.values().stream()).toList();
      return new ArchiveListing(folder, manifest, parts, problems);
    }

    /** Spelled as a part is, so that no two names are one part. */
    private static boolean isPart(String name) {
      Matcher matcher = PART_NAME.matcher(name);
      return matcher.matches()
          && name.equals(
              "p%03d-%06d.parquet"
                  .formatted(Integer.valueOf(matcher.group(1)), Integer.valueOf(matcher.group(2))));
    }

    private static String name(String path) {
      return path.substring(path.lastIndexOf('/') + 1);
    }

    private Optional<Manifest> manifest() {
      String name = Archive.manifestName(folder);
      if (!archive.exists(name)) {
        long finished = files.stream().filter(file -> file.endsWith(".parquet")).count();
        problem(
            archive.path(name),
            store.describe(archive.path(name))
                + " is missing: this was not exported to its end, %d parts are there"
                    .formatted(finished),
            "Run the migration again to finish the export, or restore what is there with"
                + " --allow-incomplete.",
            true);
        return Optional.empty();
      }
      try {
        return Optional.of(archive.manifest(folder));
      } catch (StoreException e) {
        problem(archive.path(name), e.getMessage(), PUT_BACK, false);
        return Optional.empty();
      }
    }

    private Map<String, Manifest.Part> listed(Manifest manifest) {
      String file = archive.path(Archive.manifestName(folder));
      Map<String, Manifest.Part> listed = new HashMap<>();
      long rows = 0;
      long bytes = 0;
      for (Manifest.Part part : manifest.parts()) {
        rows += part.rows();
        bytes += part.bytes();
        String path = String.valueOf(part.path());
        if (!path.startsWith(folder + "/") || !isPart(path.substring(folder.length() + 1))) {
          problem(
              file,
              "%s lists '%s', which is not a part in %s/ such as %s/p000-000000.parquet"
                  .formatted(store.describe(file), shortened(path), folder, folder),
              "Do not use this manifest; put it back from a copy of the archive.",
              false);
        } else if (listed.put(archive.path(path), part) != null) {
          problem(file, "%s lists %s twice".formatted(store.describe(file), path), PUT_BACK, false);
        }
      }
      if (rows != manifest.rows() || bytes != manifest.bytes()) {
        problem(
            file,
            "%s: its parts have %d records and %d bytes, its totals are %d and %d"
                .formatted(store.describe(file), rows, bytes, manifest.rows(), manifest.bytes()),
            PUT_BACK,
            false);
      }
      return listed;
    }

    /** A part if it is finished, and as the manifest says where there is one. */
    private Optional<Part> part(String path, Manifest.Part listed) {
      for (String file : List.of(path, PartSidecar.pathOf(path))) {
        if (!files.contains(file)) {
          problem(
              file,
              store.describe(file)
                  + " is missing"
                  + (listed == null || !file.equals(path)
                      ? ""
                      : ", and %d records with it".formatted(listed.rows())),
              PUT_BACK,
              true);
          return Optional.empty();
        }
      }
      try {
        PartSidecar sidecar = PartReader.sidecar(store, path);
        if (listed != null
            && (sidecar.rows() != listed.rows()
                || sidecar.bytes() != listed.bytes()
                || !sidecar.checksum().equals(listed.checksum()))) {
          problem(
              path,
              "%s: its sidecar says %d records, %d bytes, %s; the manifest says %d, %d, %s"
                  .formatted(
                      store.describe(path),
                      sidecar.rows(),
                      sidecar.bytes(),
                      shortened(sidecar.checksum()),
                      listed.rows(),
                      listed.bytes(),
                      shortened(String.valueOf(listed.checksum()))),
              "Put it and its sidecar back from a copy of the archive.",
              false);
        }
        return Optional.of(new Part(path, sidecar));
      } catch (StoreException e) {
        problem(PartSidecar.pathOf(path), e.getMessage(), PUT_BACK, false);
        return Optional.empty();
      }
    }

    private void findUnknown(Set<String> expected, boolean complete) {
      for (String file : files.stream().sorted().toList()) {
        boolean sidecar = file.endsWith(".json");
        String part = sidecar ? file.substring(0, file.length() - ".json".length()) : file;
        if (expected.contains(part) || file.equals(archive.path(Archive.manifestName(folder)))) {
          continue;
        }
        if (isPart(name(part)) && !complete) {
          problem(
              file,
              store.describe(file)
                  + (sidecar ? " has no Parquet file beside it" : " has no sidecar beside it")
                  + ": this part was not finished",
              "Run the migration again to finish the export.",
              true);
        } else {
          problem(
              file,
              store.describe(file) + " is not in the manifest",
              "Move it out of this folder: programs that read all files here take it for data.",
              false);
        }
      }
    }

    /** Parts of a partition are numbered from 0, and each begins where the one before ends. */
    private void checkOrder(Map<Integer, Part> parts, boolean complete) {
      int next = 0;
      Part before = null;
      for (Map.Entry<Integer, Part> numbered : parts.entrySet()) {
        Part part = numbered.getValue();
        String start = part.sidecar().startCursor();
        if (numbered.getKey() != next) {
          if (!complete) {
            problem(
                part.path(),
                "%s has no part %d before it".formatted(store.describe(part.path()), next),
                PUT_BACK,
                true);
          }
        } else if (before != null
            && start != null
            && before.sidecar().endCursor() != null
            && !start.equals(before.sidecar().endCursor())) {
          problem(
              part.path(),
              "%s does not begin where the part before it ends"
                  .formatted(store.describe(part.path())),
              "Put both back from one copy of the archive.",
              false);
        }
        next = numbered.getKey() + 1;
        before = part;
      }
    }

    private static String shortened(String text) {
      return text.length() <= 100 ? text : text.substring(0, 100) + "...";
    }

    private void problem(String path, String message, String remedy, boolean absence) {
      problems.add(new ArchiveProblem(store.describe(path), message, remedy, absence));
    }
  }
}
