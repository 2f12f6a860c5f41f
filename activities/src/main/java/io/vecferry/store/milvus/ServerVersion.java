package io.vecferry.store.milvus;

import io.milvus.grpc.DataType;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Version of a server, and what servers of that version can do. Decided by the version and not by
 * trying: Milvus 2.3 accepts schemas with things it does not know and drops them.
 *
 * @param text version as people write it, as {@code 2.3.5}
 * @param lite whether it is Milvus Lite, which numbers its versions differently and implements a
 *     part of the protocol only
 */
record ServerVersion(String text, int major, int minor, int patch, boolean lite) {
  private static final Pattern NUMBER =
      Pattern.compile("(\\d{1,4})\\.(\\d{1,4})(?:\\.(\\d{1,4}))?");
  private static final String LITE = "milvus_lite";

  /** The version that a server says; {@code v2.3.5-lite} is not Milvus Lite. */
  static ServerVersion parse(String said) {
    boolean lite = said.startsWith(LITE);
    Matcher number = NUMBER.matcher(said);
    if (!number.find()) {
      // A server that does not say its version is taken for the oldest that is supported.
      return new ServerVersion(said.isEmpty() ? "of unknown version" : said, 2, 3, 0, lite);
    }
    return new ServerVersion(
        number.group(),
        Integer.parseInt(number.group(1)),
        Integer.parseInt(number.group(2)),
        number.group(3) == null ? 0 : Integer.parseInt(number.group(3)),
        lite);
  }

  /** Name of the product with its version. */
  String product() {
    return (lite ? "Milvus Lite " : "Milvus ") + text;
  }

  private boolean atLeast(int wantedMinor) {
    return major > 2 || (major == 2 && minor >= wantedMinor);
  }

  /** Whether it is one of the versions that vecferry was made for. */
  boolean known() {
    return lite ? major <= 3 : major == 2 && minor >= 3 && minor <= 6;
  }

  /** Whether filters may have placeholders whose values come beside them. */
  boolean hasTemplates() {
    return !lite && atLeast(5);
  }

  /** Whether pages come in the order of the key only when a query says that it iterates. */
  boolean ordersOnRequest() {
    return lite || atLeast(4);
  }

  /** Whether the server hands out timestamps that reads can be bound to. */
  boolean hasTimestamps() {
    return !lite;
  }

  /** Whether scalar fields may be null. */
  boolean hasNullableFields() {
    return lite || atLeast(5);
  }

  /** Whether fields may be computed from others, as for full text search. */
  boolean hasFunctions() {
    return lite || atLeast(5);
  }

  /** Most vector fields of a collection. */
  int mostVectorFields() {
    return lite || !atLeast(4) ? 1 : 4;
  }

  /** Fewest components of a dense vector. */
  int smallestDimension() {
    return lite || !atLeast(4) ? 1 : 2;
  }

  /** Whether upsert replaces a row as a whole; Milvus Lite keeps what the new row does not name. */
  boolean upsertReplaces() {
    return !lite;
  }

  /**
   * Whether upsert puts a row into the partition of its partition key. Until 2.3.10 it goes by
   * another field, and filters on the key do not find the row.
   */
  boolean upsertFollowsPartitionKey() {
    return lite || atLeast(4) || (minor == 3 && patch >= 10);
  }

  /** Whether JSON comes back spelled as it was written. */
  boolean keepsJsonText() {
    return !lite;
  }

  /** Whether a field of type JSON takes every JSON value, and not objects only. */
  boolean takesAnyJson() {
    return !lite && atLeast(4);
  }

  /** Whether a collection keeps the text that describes it. */
  boolean keepsDescription() {
    return !lite;
  }

  /** Whether a vector field may have this type. */
  boolean hasVectors(DataType type) {
    return switch (type) {
      case FloatVector -> true;
      case BinaryVector -> !lite;
      // 2.3 takes half floats, but a search finds none of them.
      case Float16Vector, BFloat16Vector -> !lite && atLeast(4);
      case SparseFloatVector -> lite || atLeast(4);
      case Int8Vector -> !lite && atLeast(6);
      default -> false;
    };
  }

  /** Whether a scalar field may have this type. */
  boolean hasScalars(DataType type) {
    return switch (type) {
      case Bool, Int8, Int16, Int32, Int64, Float, Double, VarChar, JSON, Array -> true;
      default -> false;
    };
  }
}
