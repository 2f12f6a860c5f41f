package io.vecferry.phase;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.vecferry.archive.Archive;
import io.vecferry.archive.ArtifactStore;
import io.vecferry.verify.Difference;
import io.vecferry.workflow.Payloads;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/**
 * Writes every difference between archive and target into the archive, a line of JSON for each. A
 * file is there only while there are differences.
 */
final class DifferenceLog implements Consumer<Difference>, AutoCloseable {
  static final String FOLDER = "differences";

  private final Archive archive;
  private final String path;
  private ArtifactStore.WritableArtifact file;

  /**
   * @param subject name of the part, or what else was compared
   */
  DifferenceLog(Archive archive, String subject) {
    this.archive = archive;
    this.path = path(archive, subject);
  }

  @Override
  public void accept(Difference difference) {
    if (file == null) {
      file = archive.store().create(path);
    }
    try {
      byte[] line =
          (Payloads.MAPPER.writeValueAsString(difference) + "\n").getBytes(StandardCharsets.UTF_8);
      file.write(line, 0, line.length);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Publishes the file, or removes that of an earlier comparison when nothing differs any more. */
  void finish() {
    if (file == null) {
      archive.store().delete(path);
    } else {
      file.publish();
    }
  }

  private static String path(Archive archive, String subject) {
    return archive.path(FOLDER + "/" + subject + ".jsonl");
  }

  /** Where the differences of a subject are, for a person. */
  static String place(Archive archive, String subject) {
    return archive.store().describe(path(archive, subject));
  }

  @Override
  public void close() {
    if (file != null) {
      file.close();
    }
  }
}
