package io.vecferry.store;

import io.vecferry.plan.FailureClass;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;

/** References to secrets, which are the only form in which a secret occurs in a spec. */
public final class Secrets {
  private static final Pattern REFERENCE = Pattern.compile("env:[A-Za-z_][A-Za-z0-9_]*|file:/.+");
  private static final long LARGEST_FILE = 64 << 10;

  private Secrets() {}

  /** Whether a text is a reference and not, by mistake, a secret. */
  public static boolean isReference(String text) {
    return REFERENCE.matcher(text).matches();
  }

  static String resolve(String field, String reference) {
    if (!isReference(reference)) {
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
