package io.vecferry.store;

import io.vecferry.plan.FailureClass;
import io.vecferry.spec.SpecValues;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** References to secrets, which are the only form in which a secret occurs in a spec. */
public final class Secrets {
  private static final long LARGEST_FILE = 64 << 10;

  private Secrets() {}

  /**
   * The secret that a reference means, read now and on this machine.
   *
   * @param field where the reference stands, for messages
   * @throws StoreException MISSING when the variable or file is not there
   */
  public static String resolve(String field, String reference) {
    if (!SpecValues.isSecretReference(reference)) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE,
          field + " must be env:NAME or file:/path; a secret itself has no place in a spec.");
    }
    String place = reference.substring(reference.indexOf(':') + 1);
    if (reference.startsWith("env:")) {
      String value = System.getenv(place);
      if (value == null || value.isEmpty()) {
        throw new StoreException(
            FailureClass.MISSING,
            field + ": the environment variable " + place + " is not set on this worker.");
      }
      return value;
    }
    try {
      Path file = Path.of(place);
      if (Files.size(file) > LARGEST_FILE) {
        throw new StoreException(
            FailureClass.INCOMPATIBLE,
            field + ": the file " + place + " is too large for a secret.");
      }
      return Files.readString(file, StandardCharsets.UTF_8).strip();
    } catch (IOException e) {
      throw new StoreException(
          FailureClass.MISSING,
          field + ": the file " + place + " cannot be read on this worker: " + e,
          e);
    }
  }
}
