package io.vecferry.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.temporal.api.common.v1.Payload;
import io.temporal.payload.codec.PayloadCodecException;
import io.vecferry.store.StoreException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PayloadEncryptionTest {
  private static final Payload PLAIN =
      Payload.newBuilder()
          .putMetadata("encoding", ByteString.copyFromUtf8("json/plain"))
          .setData(ByteString.copyFromUtf8("{\"path\":\"/data/products\"}"))
          .build();

  @TempDir Path folder;

  /** A reference to a key that is made of a number. */
  private String key(int number) {
    byte[] key = new byte[32];
    Arrays.fill(key, (byte) number);
    return file(Base64.getEncoder().encodeToString(key));
  }

  private String file(String text) {
    try {
      return "file:" + Files.writeString(folder.resolve("key-" + text.hashCode()), text + "\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Payload one(List<Payload> payloads) {
    assertThat(payloads).hasSize(1);
    return payloads.get(0);
  }

  @Test
  void whatIsEncryptedCanBeReadWithTheKeyOnly() {
    PayloadEncryption codec = PayloadEncryption.of("a=" + key(1));
    Payload first = one(codec.encode(List.of(PLAIN)));
    Payload second = one(codec.encode(List.of(PLAIN)));

    assertThat(first.toByteString().toStringUtf8())
        .contains("binary/encrypted", "encryption-key-id")
        .doesNotContain("json/plain", "products");
    assertThat(second.getData()).as("the same text looks different").isNotEqualTo(first.getData());
    assertThat(codec.decode(List.of(first, second))).containsExactly(PLAIN, PLAIN);
  }

  @Test
  void keysAreReplacedOneAfterTheOther() {
    Payload old = one(PayloadEncryption.of("a=" + key(1)).encode(List.of(PLAIN)));
    PayloadEncryption both = PayloadEncryption.of("b=" + key(2) + ", a=" + key(1));
    Payload fresh = one(both.encode(List.of(PLAIN)));

    assertThat(fresh.getMetadataMap().get("encryption-key-id").toStringUtf8()).isEqualTo("b");
    assertThat(both.decode(List.of(old, fresh, PLAIN))).containsExactly(PLAIN, PLAIN, PLAIN);
    assertThatThrownBy(() -> PayloadEncryption.of("b=" + key(2)).decode(List.of(old)))
        .isInstanceOf(PayloadCodecException.class)
        .hasMessage(
            "Something on the Temporal service is encrypted with the key 'a', which is none of"
                + " those here (b). Add it to VECFERRY_PAYLOAD_KEYS behind the first.");
  }

  @Test
  void withoutKeysNothingChangesAndWhatIsEncryptedSaysSo() {
    PayloadEncryption none = PayloadEncryption.of(null);
    Payload encrypted = one(PayloadEncryption.of("a=" + key(1)).encode(List.of(PLAIN)));

    assertThat(none.encode(List.of(PLAIN))).containsExactly(PLAIN);
    assertThat(none.decode(List.of(PLAIN))).containsExactly(PLAIN);
    assertThatThrownBy(() -> none.decode(List.of(encrypted)))
        .hasMessageContaining("key 'a', which is not here: set VECFERRY_PAYLOAD_KEYS");
  }

  @Test
  void anotherKeyOfTheNameAndEveryChangeAreNoticed() {
    Payload encrypted = one(PayloadEncryption.of("a=" + key(1)).encode(List.of(PLAIN)));
    assertThatThrownBy(() -> PayloadEncryption.of("a=" + key(2)).decode(List.of(encrypted)))
        .isInstanceOf(PayloadCodecException.class)
        .hasMessageContaining("cannot be decrypted with the key 'a'");

    PayloadEncryption both = PayloadEncryption.of("a=" + key(1) + ",b=" + key(1));
    Payload renamed =
        encrypted.toBuilder()
            .putMetadata("encryption-key-id", ByteString.copyFromUtf8("b"))
            .build();
    byte[] bytes = encrypted.getData().toByteArray();
    bytes[bytes.length - 1] ^= 1;
    Payload changed = encrypted.toBuilder().setData(ByteString.copyFrom(bytes)).build();
    Payload cut = encrypted.toBuilder().setData(encrypted.getData().substring(0, 5)).build();
    for (Payload wrong : List.of(renamed, changed, cut)) {
      assertThatThrownBy(() -> both.decode(List.of(wrong)))
          .isInstanceOf(PayloadCodecException.class);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "c2VjcmV0LWtleQ== | must be ids and references",
        "a=c2VjcmV0LWtleQ== | must be ids and references",
        "a=FILE | key a: must be 32 random bytes in base 64",
        "a=KEY,a=KEY | names the key a twice",
        "a=env:NOT_SET_ANYWHERE | NOT_SET_ANYWHERE is not set"
      })
  void wrongKeysAreRefusedAndNotShown(String keys, String problem) {
    assertThatThrownBy(
            () ->
                PayloadEncryption.of(
                    keys.replace("FILE", file("c2VjcmV0LWtleQ==")).replace("KEY", key(1))))
        .isInstanceOf(StoreException.class)
        .hasMessageContaining("VECFERRY_PAYLOAD_KEYS")
        .hasMessageContaining(problem)
        .hasMessageNotContaining("c2VjcmV0");
  }
}
