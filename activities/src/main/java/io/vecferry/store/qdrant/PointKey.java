package io.vecferry.store.qdrant;

import io.qdrant.client.grpc.Common.PointId;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.UUID;

/**
 * Id of a point. Points are in the order of their ids: all numbers, unsigned, and behind them all
 * UUIDs, byte by byte.
 *
 * @param isUuid whether it is a UUID and not a number
 * @param high upper half of a UUID; 0 for a number
 * @param low lower half of a UUID, or the number, unsigned
 */
record PointKey(boolean isUuid, long high, long low) implements Comparable<PointKey> {
  static final PointKey FIRST = new PointKey(false, 0, 0);
  static final PointKey FIRST_UUID = new PointKey(true, 0, 0);

  private static final int UUID_LENGTH = 36;

  static PointKey ofNumber(long unsigned) {
    return new PointKey(false, 0, unsigned);
  }

  static PointKey of(UUID uuid) {
    return new PointKey(true, uuid.getMostSignificantBits(), uuid.getLeastSignificantBits());
  }

  /** The id in a message; servers spell a UUID as 36 characters in lower case. */
  static PointKey of(PointId id) {
    return id.hasUuid() ? of(UUID.fromString(id.getUuid())) : ofNumber(id.getNum());
  }

  /** The id that {@link #toString} spells. */
  static PointKey parse(String text) {
    return text.length() == UUID_LENGTH
        ? of(UUID.fromString(text))
        : ofNumber(Long.parseUnsignedLong(text));
  }

  /**
   * Version 5 UUID of a text: the same for the same text everywhere and for ever.
   *
   * @param namespace keeps texts of different meaning apart
   */
  static PointKey hashOf(UUID namespace, byte[] text, int start, int length) {
    MessageDigest digest = sha1();
    ByteBuffer prefix = ByteBuffer.allocate(16);
    prefix.putLong(namespace.getMostSignificantBits()).putLong(namespace.getLeastSignificantBits());
    digest.update(prefix.array());
    digest.update(text, start, length);
    ByteBuffer hash = ByteBuffer.wrap(digest.digest());
    long high = (hash.getLong() & ~0xf000L) | 0x5000L;
    long low = (hash.getLong() & 0x3fffffffffffffffL) | 0x8000000000000000L;
    return new PointKey(true, high, low);
  }

  static PointKey hashOf(UUID namespace, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return hashOf(namespace, bytes, 0, bytes.length);
  }

  PointId toPointId() {
    return isUuid
        ? PointId.newBuilder().setUuid(toString()).build()
        : PointId.newBuilder().setNum(low).build();
  }

  @Override
  public int compareTo(PointKey other) {
    if (isUuid != other.isUuid) {
      return isUuid ? 1 : -1;
    }
    int upper = Long.compareUnsigned(high, other.high);
    return upper != 0 ? upper : Long.compareUnsigned(low, other.low);
  }

  /** Decimal digits, or the 36 characters of a UUID in lower case. */
  @Override
  public String toString() {
    return isUuid ? new UUID(high, low).toString() : Long.toUnsignedString(low);
  }

  private static MessageDigest sha1() {
    try {
      return MessageDigest.getInstance("SHA-1");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
