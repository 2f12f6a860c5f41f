package io.vecferry.store.faiss;

import io.vecferry.plan.FailureClass;
import io.vecferry.plan.NameSwitch;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.NameSwitcher;
import io.vecferry.store.StoreException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

/** What can be done with folders: they are renamed, and a symbolic link is an alias. */
final class SwitchedFolders implements NameSwitcher.Names {
  /** What a symbolic link says, among the details of a switch. */
  private static final String LINK = "link";

  /** Whether there was a folder without files, among the details of a switch. */
  private static final String EMPTY = "empty";

  private final String indexName;

  SwitchedFolders(String indexName) {
    this.indexName = indexName;
  }

  static Path absolute(Path path) {
    return path.toAbsolutePath().normalize();
  }

  @Override
  public Optional<NameSwitcher.Holder> find(String name) {
    Path path = Path.of(name);
    try {
      if (!Files.exists(path) && !Files.isSymbolicLink(path)) {
        return Optional.empty();
      }
      Path own =
          Files.isSymbolicLink(path)
              ? absolute(path.resolveSibling(Files.readSymbolicLink(path)))
              : path;
      if (!Files.isDirectory(own)) {
        throw FileErrors.incompatible(path + " is a link to " + own + ", which is no folder");
      }
      // A folder in which nothing is counts as a name that is free.
      if (own.equals(path) && FaissLoad.empty(path)) {
        return Optional.empty();
      }
      return Optional.of(
          new NameSwitcher.Holder(
              own.toString(),
              Files.getAttribute(own, "unix:ino").toString(),
              Optional.ofNullable(Manifest.read(own)).map(Manifest::stamp),
              List.of()));
    } catch (IOException e) {
      throw FileErrors.of("reading", path, e);
    }
  }

  @Override
  public long rows(String name) {
    try (FaissCollection collection = open(name)) {
      return collection.describe().rows();
    }
  }

  @Override
  public String fingerprint(String name) {
    try (FaissCollection collection = open(name)) {
      return collection.describe().fingerprint();
    }
  }

  private FaissCollection open(String name) {
    return FaissCollection.open(
        FaissFiles.find(Path.of(name), indexName, null), MetadataColumns.NONE);
  }

  @Override
  public Map<String, String> details(String name) {
    Path path = Path.of(name);
    try {
      if (Files.isSymbolicLink(path)) {
        return Map.of(LINK, Files.readSymbolicLink(path).toString());
      }
      return Files.isDirectory(path) && FaissLoad.empty(path) ? Map.of(EMPTY, "true") : Map.of();
    } catch (IOException e) {
      throw FileErrors.of("reading", path, e);
    }
  }

  @Override
  public String keptName(String name, LoadStamp stamp) {
    Path path = Path.of(name);
    CRC32C hash = new CRC32C();
    hash.update(stamp.loadId().getBytes(StandardCharsets.UTF_8));
    return path.resolveSibling(
            ".%s.before-%s-%08x".formatted(path.getFileName(), stamp.migration(), hash.getValue()))
        .toString();
  }

  @Override
  public void rename(String from, String to) {
    try {
      Files.move(Path.of(from), Path.of(to), StandardCopyOption.ATOMIC_MOVE);
      Durable.syncFolder(Path.of(to).getParent());
    } catch (IOException e) {
      throw FileErrors.of("renaming " + from + " to", Path.of(to), e);
    }
  }

  @Override
  public void point(NameSwitch planned, String collection) {
    Path link = Path.of(planned.name());
    Path text =
        collection.equals(planned.before())
            ? Path.of(planned.details().get(LINK))
            : link.getParent().relativize(Path.of(collection));
    try {
      Path temporary = Durable.temporary(link);
      try {
        Files.createSymbolicLink(temporary, text);
        Durable.move(temporary, link);
      } finally {
        Files.deleteIfExists(temporary);
      }
      Durable.syncFolder(link.getParent());
    } catch (IOException e) {
      throw FileErrors.of("pointing the link", link, e);
    }
  }

  /** Removes a folder with the files of an index; refuses when there is anything else in it. */
  @Override
  public void drop(String collection) {
    Path folder = Path.of(collection);
    Set<Path> ours = new HashSet<>();
    FaissFiles.find(folder, indexName, null).all().forEach(file -> ours.add(absolute(file)));
    ours.add(folder.resolve(Manifest.NAME));
    try (Stream<Path> files = Files.list(folder)) {
      List<Path> all = files.toList();
      List<String> foreign =
          all.stream()
              .filter(file -> !ours.contains(file))
              .map(file -> file.getFileName().toString())
              .sorted()
              .toList();
      if (!foreign.isEmpty()) {
        throw new StoreException(
            FailureClass.TARGET_CHANGED,
            folder
                + " has files that are no part of the index, nothing was deleted: "
                + String.join(", ", foreign));
      }
      for (Path file : all) {
        Files.deleteIfExists(file);
      }
      Files.deleteIfExists(folder);
      Durable.syncFolder(folder.getParent());
    } catch (IOException e) {
      throw FileErrors.of("deleting", folder, e);
    }
  }

  @Override
  public void settle(NameSwitch planned, boolean switched) {
    Path path = Path.of(planned.name());
    if (!switched && planned.details().containsKey(EMPTY) && !Files.exists(path)) {
      try {
        Files.createDirectory(path);
      } catch (IOException e) {
        throw FileErrors.of("making", path, e);
      }
    }
  }

  @Override
  public String betweenRenames() {
    return "between the two, who opens the path is told that it is not there, that its files do"
        + " not fit or that they were changed. Who has the files open goes on with the old ones. Without that moment: make the path a symbolic link to"
        + " the folder";
  }
}
