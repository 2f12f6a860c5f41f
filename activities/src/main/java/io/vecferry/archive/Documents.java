package io.vecferry.archive;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.io.IOException;

/** JSON documents in an archive. */
final class Documents {
  static final ObjectMapper MAPPER = new ObjectMapper();

  /** The manifest of some hundred thousand parts; a damaged size must not use up the memory. */
  private static final long LARGEST = 64L << 20;

  private Documents() {}

  static void write(ArtifactStore store, String path, ObjectMapper mapper, Object value) {
    try {
      store.writeBytes(path, mapper.writerWithDefaultPrettyPrinter().writeValueAsBytes(value));
    } catch (JsonProcessingException e) {
      throw new StoreException(
          FailureClass.BUG, "cannot write %s as JSON: %s".formatted(path, e.getMessage()), e);
    }
  }

  static <T> T read(ArtifactStore store, String path, ObjectMapper mapper, Class<T> type) {
    try {
      T value = mapper.readValue(bytes(store, path), type);
      if (value == null) {
        throw new IOException("it holds null");
      }
      return value;
    } catch (IOException e) {
      throw new StoreException(
          FailureClass.ARCHIVE_DAMAGED,
          "%s is not readable as %s: %s"
              .formatted(store.describe(path), type.getSimpleName(), e.getMessage()),
          e);
    }
  }

  private static byte[] bytes(ArtifactStore store, String path) throws IOException {
    try (ArtifactStore.ReadableArtifact artifact = store.open(path)) {
      if (artifact.size() > LARGEST) {
        throw new IOException(
            "it has %d bytes, at most %d are read".formatted(artifact.size(), LARGEST));
      }
      return artifact.readAll();
    }
  }
}
