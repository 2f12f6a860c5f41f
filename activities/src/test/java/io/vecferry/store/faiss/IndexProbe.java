package io.vecferry.store.faiss;

import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** Reads whatever is in a file, and lets nothing but a proper refusal pass. */
final class IndexProbe {
  private static final Set<FailureClass> REFUSALS =
      EnumSet.of(
          FailureClass.BAD_RECORD,
          FailureClass.INCOMPATIBLE,
          FailureClass.MISSING,
          FailureClass.RESOURCE_EXHAUSTED);

  private IndexProbe() {}

  /**
   * Makes a file hold this content. A file that is cut to nothing before is brought to the disk
   * when it is closed, on some file systems, which takes longer than to read it here.
   */
  static void replace(Path file, byte[] content) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      ByteBuffer rest = ByteBuffer.wrap(content);
      while (rest.hasRemaining()) {
        channel.write(rest);
      }
      channel.truncate(content.length);
    }
  }

  /** Parses the content as the file and decodes the first of its vectors. */
  static void read(Path file, byte[] content, boolean inOrder) throws IOException {
    replace(file, content);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      IndexParser parser = new IndexParser(file, channel);
      Rows rows = parser.parse().rows();
      if (inOrder) {
        rows = rows.inOrder();
      }
      List<Path> paths =
          parser.listsFile() == null ? List.of(file) : List.of(file, parser.listsFile());
      try (IndexHandles handles = new IndexHandles(paths)) {
        Rows.Reader reader = rows.open(handles);
        int count = (int) Math.min(rows.count(), (1 << 18) / rows.dimension());
        reader.vectors(0, count, new float[count * rows.dimension()], 0);
        reader.labels(0, count, new long[count], 0);
      }
    } catch (StoreException e) {
      if (!REFUSALS.contains(e.failureClass()) || e.getMessage().isBlank()) {
        throw new AssertionError("refused with " + e.failureClass() + ": " + e.getMessage(), e);
      }
    }
  }
}
