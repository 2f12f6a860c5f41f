package io.vecferry.store.faiss;

import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Entry of a fuzzer: any bytes as the pickle of a docstore. Run by {@link FuzzTest}. */
public final class PickleFuzzer {
  private static Path file;
  private static Path fragments;

  private PickleFuzzer() {}

  /** Fails when something else than a proper refusal comes out. */
  public static synchronized void fuzzerTestOneInput(byte[] content) throws IOException {
    if (file == null) {
      file = Files.createTempFile("fuzz", ".pkl");
      fragments = Files.createTempFile("fuzz", ".fragments");
      file.toFile().deleteOnExit();
      fragments.toFile().deleteOnExit();
    }
    IndexProbe.replace(file, content);
    try (FileChannel pickle = FileChannel.open(file, StandardOpenOption.READ);
        FileChannel spill =
            FileChannel.open(fragments, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      spill.truncate(0);
      PickleReader.Docstore docstore = PickleReader.read(file, pickle, spill);
      for (int i = 0; i < docstore.documents(); i++) {
        docstore.idOfDocument(i);
        docstore.copyFragment(i, new ByteArrayOutputStream());
        docstore.idOfLabel(i);
      }
    } catch (StoreException e) {
      if (e.failureClass() != FailureClass.BAD_RECORD
          && e.failureClass() != FailureClass.INCOMPATIBLE) {
        throw new AssertionError("refused with " + e.failureClass() + ": " + e.getMessage(), e);
      }
    }
  }
}
