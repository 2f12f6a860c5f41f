package io.vecferry.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** What is in a folder: names, and of files content and time. */
final class Snapshot {
  private Snapshot() {}

  /** A file or folder; {@code hash} is of the content, 0 for a folder. */
  record Entry(boolean folder, long bytes, int hash, FileTime changed) {}

  /** Everything below a folder whose path, relative to it, matches. */
  static Map<String, Entry> of(Path folder, String pattern) {
    Map<String, Entry> entries = new TreeMap<>();
    if (!Files.exists(folder)) {
      return entries;
    }
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path path : files.toList()) {
        String name = folder.relativize(path).toString();
        if (name.matches(pattern)) {
          boolean isFolder = Files.isDirectory(path);
          byte[] content = isFolder ? new byte[0] : Files.readAllBytes(path);
          FileTime changed = isFolder ? FileTime.fromMillis(0) : Files.getLastModifiedTime(path);
          entries.put(name, new Entry(isFolder, content.length, Arrays.hashCode(content), changed));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return entries;
  }

  static Map<String, Entry> of(Path folder) {
    return of(folder, ".*");
  }

  /** How many files there are below a folder whose path ends so; 0 when it is not there. */
  static long count(Path folder, String ending) {
    if (!Files.isDirectory(folder)) {
      return 0;
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(ending) && !name.startsWith("."))
          .count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
