package io.vecferry.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vecferry.plan.FailureClass;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SecretsTest {
  @TempDir Path folder;

  private final String secret = "s+cret/" + UUID.randomUUID();

  private StoreSettings settings(String path, String text) throws IOException {
    Path file = Files.writeString(folder.resolve("secret"), text + "\n");
    return StoreSettings.of("source", path, "file:" + file);
  }

  @Test
  void whatWasReadIsInNoMessage() throws IOException {
    assertThat(settings("auth.apiKey", secret).secret("auth.apiKey")).contains(secret);
    String encoded = Base64.getEncoder().encodeToString(secret.getBytes(StandardCharsets.UTF_8));
    RuntimeException refused =
        new IllegalStateException("401", new IllegalArgumentException("no user has " + secret));

    StoreException failure =
        new StoreException(
            FailureClass.PERMISSION, "refused: " + secret + ", sent as " + encoded, refused);

    assertThat(failure)
        .hasMessageMatching("refused: \\(a secret\\), sent as \\(a secret\\)=*")
        .hasStackTraceContaining("no user has (a secret)")
        .hasStackTraceContaining("whatWasReadIsInNoMessage");
    assertThatThrownBy(
            () -> {
              throw failure;
            })
        .satisfies(thrown -> assertThat(thrown.getCause()).hasMessageContaining("401"));
  }

  @Test
  void aCauseThatShowsNothingStaysWhatItIs() throws IOException {
    assertThat(settings("auth.apiKey", secret).secret("auth.apiKey")).contains(secret);
    IOException cause = new IOException("connection reset");
    assertThat(new StoreException(FailureClass.TRANSIENT, "gone", cause)).hasCause(cause);
  }

  @Test
  void namesOfUsersAreShown() throws IOException {
    String user = "user-" + UUID.randomUUID();
    assertThat(settings("auth.username", user).secret("auth.username")).contains(user);
    assertThat(Secrets.hidden("is unauthorized for user " + user)).endsWith(user);
  }

  /** Stands for a vault; on the class path of tests. */
  public static final class Riddles implements SecretProvider {
    @Override
    public String scheme() {
      return "riddle";
    }

    @Override
    public String read(String place) throws IOException {
      if (place.equals("none")) {
        throw new IOException("there is no riddle of that name");
      }
      return "answer-to-" + place;
    }
  }

  @Test
  void otherPlacesCanBeAdded() {
    assertThat(StoreSettings.of("source", "auth.token", "riddle:sphinx").secret("auth.token"))
        .contains("answer-to-sphinx");
    assertThat(Secrets.hidden("it is answer-to-sphinx.")).isEqualTo("it is (a secret).");
    assertThat(Secrets.isReference("riddle:")).isFalse();
    assertThat(Secrets.isReference("vault:a")).isFalse();
    assertThatThrownBy(
            () -> StoreSettings.of("source", "auth.token", "riddle:none").secret("auth.token"))
        .hasMessage(
            "source.auth.token: riddle does not give none: there is no riddle of that name");
  }

  @Test
  void aSecretIsNoReference() {
    assertThatThrownBy(
            () -> StoreSettings.of("target", "auth.apiKey", secret).secret("auth.apiKey"))
        .hasMessageContaining("target.auth.apiKey must be env:NAME or file:/path")
        .hasMessageNotContaining(secret);
  }
}
