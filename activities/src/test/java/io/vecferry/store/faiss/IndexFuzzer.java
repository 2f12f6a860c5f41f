package io.vecferry.store.faiss;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Entry of a fuzzer: any bytes as an index file. Run by {@link FuzzTest}. */
public final class IndexFuzzer {
  private static Path file;

  private IndexFuzzer() {}

  /** Fails when something else than a proper refusal comes out. */
  public static synchronized void fuzzerTestOneInput(byte[] content) throws IOException {
    if (file == null) {
      file = Files.createTempFile("fuzz", ".faiss");
      file.toFile().deleteOnExit();
    }
    IndexProbe.read(file, content, content.length % 2 == 0);
  }
}
