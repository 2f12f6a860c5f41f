package io.vecferry.store.qdrant;

import io.vecferry.record.IdKind;
import io.vecferry.store.LoadNote;
import java.util.Set;
import java.util.UUID;

/**
 * Puts ids of records into ids of points, which are unsigned 64-bit integers and UUIDs only, and
 * takes them back. A UUID stays what it is, and so do whole numbers of the one kind that the
 * collection has its numbers for; every other id becomes a version 5 UUID, and the original goes
 * into the payload. Different ids, also of the same text and different kinds, never meet in one
 * point.
 *
 * <p>Stateless apart from what the collection holds; the same mapping in every process.
 */
final class IdMapping {
  /**
   * Namespace of text ids: other tools find a point by the version 5 UUID of the text in it. Never
   * to be changed.
   */
  static final UUID TEXTS = UUID.fromString("5f1d0c7e-3b1e-5a0c-9c59-6d1f6d7e2a41");

  /** Namespaces of numbers that the point cannot have as a number. Never to be changed. */
  private static final UUID SIGNED = UUID.fromString("8a0c2b54-60d1-5b57-8f0e-0f3f5d0a9b13");

  private static final UUID UNSIGNED = UUID.fromString("c3e4d7aa-9a0b-5d5e-a6a6-2b7c4f1d8e65");

  /** What is spelled like no UUID of its own kind is kept as a text of that kind. */
  private static final UUID UUIDS = UUID.fromString("21b7f0de-7c3d-5f0a-b8c4-94e2c5a7d036");

  private final LoadNote note;
  private final IdKind numbers;

  /**
   * An id as a point has it.
   *
   * @param key id of the point
   * @param keepsText whether the original text goes into the payload
   * @param keepsKind whether its kind does too
   */
  record Mapped(PointKey key, boolean keepsText, boolean keepsKind) {}

  /**
   * @param note what the load noted; null for a collection that vecferry did not make
   */
  IdMapping(LoadNote note) {
    this.note = note;
    Set<IdKind> kinds = note == null ? Set.of() : note.idKinds();
    this.numbers =
        kinds.contains(IdKind.INT64) && !kinds.contains(IdKind.UINT64)
            ? IdKind.INT64
            : IdKind.UINT64;
  }

  /** The kind of ids that points with a number have. */
  IdKind numbers() {
    return numbers;
  }

  Mapped map(IdKind kind, String text) {
    PointKey key = ownKey(kind, text);
    if (key != null) {
      return new Mapped(key, false, false);
    }
    return new Mapped(
        PointKey.hashOf(namespace(kind), text), true, note == null || note.kindOf(text) != kind);
  }

  /**
   * The kind of a point's original id.
   *
   * @param text the original, from the payload; null when the point has its own id
   * @param kind its kind, from the payload; null when it was not kept
   */
  IdKind kindOf(PointKey key, String text, IdKind kind) {
    if (text == null) {
      return key.isUuid()
          ? IdKind.UUID
          : isOwn(IdKind.INT64, key.low()) ? IdKind.INT64 : IdKind.UINT64;
    }
    if (kind != null) {
      return kind;
    }
    return note == null ? IdKind.STRING : note.kindOf(text);
  }

  private PointKey ownKey(IdKind kind, String text) {
    return switch (kind) {
      case UUID -> uuid(text);
      case INT64, UINT64 -> number(kind, text);
      case STRING -> null;
    };
  }

  /** The key of a UUID that is spelled as servers spell it; otherwise null. */
  private static PointKey uuid(String text) {
    if (text.length() != 36) {
      return null;
    }
    try {
      PointKey key = PointKey.of(UUID.fromString(text));
      return key.toString().equals(text) ? key : null;
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  /** The key of a number without leading zeros that a point may have; otherwise null. */
  private PointKey number(IdKind kind, String text) {
    try {
      long number = Long.parseUnsignedLong(text);
      return isOwn(kind, number) && Long.toUnsignedString(number).equals(text)
          ? PointKey.ofNumber(number)
          : null;
    } catch (NumberFormatException e) {
      return null;
    }
  }

  /** Numbers that both kinds have belong to one of them. */
  private boolean isOwn(IdKind kind, long number) {
    return kind == IdKind.INT64
        ? numbers == IdKind.INT64 && number >= 0
        : numbers == IdKind.UINT64 || number < 0;
  }

  private static UUID namespace(IdKind kind) {
    return switch (kind) {
      case STRING -> TEXTS;
      case INT64 -> SIGNED;
      case UINT64 -> UNSIGNED;
      case UUID -> UUIDS;
    };
  }
}
