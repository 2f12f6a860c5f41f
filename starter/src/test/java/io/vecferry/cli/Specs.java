package io.vecferry.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Spec files of tests: from the folder {@code source} to the folder {@code target} beside them. */
final class Specs {
  private Specs() {}

  /** A spec with these further lines. */
  static Path write(Path folder, String name, String more) {
    return writeText(
        folder.resolve("spec.yaml"),
        """
        name: %s
        source: {type: faiss, path: source}
        target: {type: faiss, path: target}
        quality: {sampleSize: 20, iterations: 1}
        %s
        """
            .formatted(name, more));
  }

  static Path writeText(Path file, String text) {
    try {
      return Files.writeString(file, text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
