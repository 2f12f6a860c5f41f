package io.vecferry.worker;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.temporal.api.common.v1.Payload;
import io.temporal.common.converter.DataConverter;
import io.temporal.payload.codec.PayloadCodec;
import io.temporal.payload.codec.PayloadCodecException;
import io.vecferry.plan.FailureClass;
import io.vecferry.store.Secrets;
import io.vecferry.store.StoreException;
import io.vecferry.workflow.Payloads;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Encrypts what travels through a Temporal service, with AES-256 in GCM. The first key encrypts,
 * all decrypt, so that keys can be replaced while migrations run. What was written without
 * encryption can always be read. Without keys it only says, where it meets something encrypted,
 * that keys are missing. Thread-safe.
 */
public final class PayloadEncryption implements PayloadCodec {
  /** Names the keys, as {@code 2026-11=env:KEY_B,2026-05=file:/run/secrets/key-a}. */
  public static final String VARIABLE = "VECFERRY_PAYLOAD_KEYS";

  private static final Logger LOG = LoggerFactory.getLogger(PayloadEncryption.class);
  private static final String ENCODING = "encoding";
  private static final ByteString ENCRYPTED = ByteString.copyFromUtf8("binary/encrypted");
  private static final String KEY_ID = "encryption-key-id";
  private static final String CIPHER = "encryption-cipher";
  private static final ByteString AES_GCM = ByteString.copyFromUtf8("AES/GCM/NoPadding");
  private static final Pattern ID = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");
  private static final int KEY_BYTES = 32;
  private static final int NONCE_BYTES = 12;
  private static final int TAG_BITS = 128;

  private final Map<String, SecretKeySpec> keys;
  private final SecureRandom random = new SecureRandom();
  private final Set<String> reported = ConcurrentHashMap.newKeySet();

  private PayloadEncryption(Map<String, SecretKeySpec> keys) {
    this.keys = keys;
  }

  /**
   * With the keys that the environment names; without any where it names none.
   *
   * @throws StoreException as {@link #of}
   */
  public static PayloadEncryption ofEnvironment() {
    return of(System.getenv(VARIABLE));
  }

  /**
   * With keys by reference.
   *
   * @param keys ids and references to secrets, separated by commas, the one that encrypts first;
   *     null or empty for none
   * @throws StoreException MISSING when a secret is not there, INCOMPATIBLE when it is no key; the
   *     message shows none
   */
  public static PayloadEncryption of(String keys) {
    Map<String, SecretKeySpec> read = new LinkedHashMap<>();
    if (keys != null && !keys.isBlank()) {
      for (String entry : keys.split(",")) {
        int separator = entry.indexOf('=');
        String id = separator < 0 ? "" : entry.substring(0, separator).strip();
        String reference = entry.substring(separator + 1).strip();
        if (!ID.matcher(id).matches() || !Secrets.isReference(reference)) {
          throw incompatible(
              VARIABLE
                  + " must be ids and references, as"
                  + " 2026-11=env:KEY_B,2026-05=file:/run/secrets/key-a. What stands there is not"
                  + " shown: it may be a key.");
        }
        if (read.put(id, key(id, Secrets.resolve(VARIABLE + ", key " + id, reference))) != null) {
          throw incompatible(
              VARIABLE + " names the key " + id + " twice. Each key needs an id of its own.");
        }
      }
    }
    return new PayloadEncryption(read);
  }

  private static StoreException incompatible(String message) {
    return new StoreException(FailureClass.INCOMPATIBLE, message);
  }

  private static SecretKeySpec key(String id, String text) {
    byte[] bytes;
    try {
      bytes = Base64.getDecoder().decode(text);
    } catch (IllegalArgumentException e) {
      bytes = new byte[0];
    }
    if (bytes.length != KEY_BYTES) {
      throw incompatible(
          VARIABLE
              + ", key "
              + id
              + ": must be 32 random bytes in base 64, as `openssl rand -base64 32` makes them.");
    }
    return new SecretKeySpec(bytes, "AES");
  }

  /** The converter that a worker and clients with these keys have to use. */
  public DataConverter converter() {
    return Payloads.converter(this, encrypts());
  }

  /** Whether anything is encrypted. */
  public boolean encrypts() {
    return !keys.isEmpty();
  }

  @Override
  public List<Payload> encode(List<Payload> payloads) {
    return encrypts() ? payloads.stream().map(this::encrypt).toList() : payloads;
  }

  @Override
  public List<Payload> decode(List<Payload> payloads) {
    return payloads.stream()
        .map(
            payload ->
                ENCRYPTED.equals(payload.getMetadataMap().get(ENCODING))
                    ? decrypt(payload)
                    : payload)
        .toList();
  }

  private Payload encrypt(Payload payload) {
    Map.Entry<String, SecretKeySpec> key = keys.entrySet().iterator().next();
    byte[] nonce = new byte[NONCE_BYTES];
    random.nextBytes(nonce);
    try {
      byte[] encrypted =
          cipher(Cipher.ENCRYPT_MODE, key.getKey(), key.getValue(), nonce)
              .doFinal(payload.toByteArray());
      return Payload.newBuilder()
          .putMetadata(ENCODING, ENCRYPTED)
          .putMetadata(CIPHER, AES_GCM)
          .putMetadata(KEY_ID, ByteString.copyFromUtf8(key.getKey()))
          .setData(ByteString.copyFrom(nonce).concat(ByteString.copyFrom(encrypted)))
          .build();
    } catch (GeneralSecurityException e) {
      throw new PayloadCodecException("A payload cannot be encrypted.", e);
    }
  }

  private Payload decrypt(Payload payload) {
    ByteString named = payload.getMetadataMap().get(KEY_ID);
    String id = named == null ? "" : named.toStringUtf8();
    SecretKeySpec key = keys.get(id);
    if (key == null) {
      throw failure(
          id,
          "Something on the Temporal service is encrypted with the key '"
              + id
              + "', which "
              + (keys.isEmpty()
                  ? "is not here: set " + VARIABLE + " as on the worker."
                  : "is none of those here ("
                      + String.join(", ", keys.keySet())
                      + "). Add it to "
                      + VARIABLE
                      + " behind the first."),
          null);
    }
    byte[] data = payload.getData().toByteArray();
    try {
      byte[] nonce = Arrays.copyOf(data, NONCE_BYTES);
      return Payload.parseFrom(
          cipher(Cipher.DECRYPT_MODE, id, key, nonce)
              .doFinal(data, NONCE_BYTES, Math.max(0, data.length - NONCE_BYTES)));
    } catch (GeneralSecurityException
        | IllegalArgumentException
        | InvalidProtocolBufferException e) {
      throw failure(
          id,
          "Something on the Temporal service cannot be decrypted with the key '"
              + id
              + "': it was encrypted with another key of this name, or changed. Give back the old"
              + " key its name in "
              + VARIABLE
              + ".",
          e);
    }
  }

  /** Logged, too: Temporal tries a task with a payload that it cannot read again without a word. */
  private PayloadCodecException failure(String id, String message, Exception cause) {
    if (reported.add(id)) {
      LOG.error("{}", message);
    }
    return new PayloadCodecException(message, cause);
  }

  private static Cipher cipher(int mode, String id, SecretKeySpec key, byte[] nonce)
      throws GeneralSecurityException {
    Cipher cipher = Cipher.getInstance(AES_GCM.toStringUtf8());
    cipher.init(mode, key, new GCMParameterSpec(TAG_BITS, nonce));
    cipher.updateAAD(id.getBytes(StandardCharsets.UTF_8));
    return cipher;
  }
}
