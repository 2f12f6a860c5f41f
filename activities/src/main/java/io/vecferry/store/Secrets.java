package io.vecferry.store;

import io.vecferry.plan.FailureClass;
import io.vecferry.spec.SpecValues;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * References to secrets, which are the only form in which a secret occurs in a spec; and the
 * secrets that this process has read, so that no message shows them. Servers and gateways put what
 * they refuse into their answers.
 */
public final class Secrets {
  private static final List<SecretProvider> PROVIDERS =
      ServiceLoader.load(SecretProvider.class, Secrets.class.getClassLoader()).stream()
          .map(ServiceLoader.Provider::get)
          .toList();

  private static final long LARGEST_FILE = 64 << 10;

  /** A shorter one is part of common words, and what is left of them tells it. */
  private static final int SHORTEST = 8;

  private static final String INSTEAD = "(a secret)";

  /** The longest first: one may be a part of another. Replaced as a whole. */
  private static volatile List<String> known = List.of();

  private Secrets() {}

  /** Whether a text is a reference and not, by mistake, a secret. */
  public static boolean isReference(String text) {
    return SpecValues.isSecretReference(text) || provider(text).isPresent();
  }

  /** What references look like on this machine, for messages. */
  public static String forms() {
    return Stream.concat(
            Stream.of("env:NAME", "file:/path"),
            PROVIDERS.stream().map(provider -> provider.scheme() + ":PLACE"))
        .collect(Collectors.joining(" or "));
  }

  private static Optional<SecretProvider> provider(String reference) {
    return PROVIDERS.stream()
        .filter(provider -> reference.startsWith(provider.scheme() + ":"))
        .filter(provider -> reference.length() > provider.scheme().length() + 1)
        .findFirst();
  }

  /**
   * The secret that a reference names, read now and on this machine. From now on it is hidden.
   *
   * @param field where the reference stands, for messages
   * @throws StoreException INCOMPATIBLE when it is no reference, MISSING when there is nothing
   */
  public static String resolve(String field, String reference) {
    String secret = read(field, reference);
    hide(secret);
    return secret;
  }

  /** {@link #resolve} for the name of a user, which messages may show. */
  public static String read(String field, String reference) {
    if (!isReference(reference)) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE,
          field + " must be " + forms() + "; a secret itself has no place in a spec.");
    }
    String place = reference.substring(reference.indexOf(':') + 1);
    Optional<SecretProvider> provider = provider(reference);
    if (provider.isPresent()) {
      return ask(field, provider.get(), place);
    }
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

  private static String ask(String field, SecretProvider provider, String place) {
    try {
      return provider.read(place);
    } catch (IOException e) {
      throw new StoreException(
          FailureClass.MISSING,
          field + ": " + provider.scheme() + " does not give " + place + ": " + e.getMessage(),
          e);
    }
  }

  /** Keeps a text out of messages, as it is and in the forms in which it is sent. */
  public static synchronized void hide(String secret) {
    if (secret.length() < SHORTEST || known.contains(secret)) {
      return;
    }
    byte[] bytes = secret.getBytes(StandardCharsets.UTF_8);
    known =
        Stream.concat(
                known.stream(),
                Stream.of(
                    secret,
                    Base64.getEncoder().withoutPadding().encodeToString(bytes),
                    URLEncoder.encode(secret, StandardCharsets.UTF_8)))
            .distinct()
            .sorted(Comparator.comparingInt(String::length).reversed())
            .toList();
  }

  /** A text without the secrets that this process has read; null for null. */
  public static String hidden(String text) {
    String shown = text;
    if (text != null) {
      for (String secret : known) {
        shown = shown.replace(secret, INSTEAD);
      }
    }
    return shown;
  }

  /** An exception that shows no secret, nor do those behind it: the same one where that is so. */
  public static Throwable hidden(Throwable failure) {
    for (Throwable link = failure; link != null; link = link.getCause()) {
      String text = link.toString();
      if (!text.equals(hidden(text))) {
        return copyWithoutSecrets(failure);
      }
    }
    return failure;
  }

  private static Throwable copyWithoutSecrets(Throwable failure) {
    Throwable cause = failure.getCause();
    RuntimeException copy =
        new RuntimeException(
            hidden(failure.toString()), cause == null ? null : copyWithoutSecrets(cause));
    copy.setStackTrace(failure.getStackTrace());
    return copy;
  }
}
