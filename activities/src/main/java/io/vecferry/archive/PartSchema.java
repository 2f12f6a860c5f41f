package io.vecferry.archive;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.vecferry.record.ElementType;
import io.vecferry.record.IdKind;
import io.vecferry.record.VectorKind;
import io.vecferry.store.Metric;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;

/**
 * What the records of all parts of one archive look like.
 *
 * @param vectors the vector fields, in the order of the columns
 * @param idKinds the kinds of ids that may occur
 */
public record PartSchema(List<VectorField> vectors, Set<IdKind> idKinds) {
  private static final Set<String> RESERVED = Set.of("id", "id_kind", "document", "metadata");

  /**
   * A vector field.
   *
   * @param name its name; empty where the store has one vector without a name
   * @param kind its shape
   * @param element how the store keeps its components; the archive keeps floats
   * @param dimension components of each vector; 0 for sparse ones
   * @param metric how its vectors are compared
   * @param metricArgument argument of the metric, 0 where there is none
   * @param optional whether a record may have no dense vector in it; the column is nullable then,
   *     as those of other kinds always are
   */
  public record VectorField(
      String name,
      VectorKind kind,
      ElementType element,
      int dimension,
      Metric metric,
      float metricArgument,
      @JsonInclude(JsonInclude.Include.NON_DEFAULT) boolean optional) {
    public VectorField {
      if (dimension < 1 && kind != VectorKind.SPARSE) {
        throw new IllegalArgumentException("dimension of '" + name + "' is " + dimension);
      }
    }

    /** A field of dense 32-bit floats that every record has. */
    public VectorField(String name, int dimension, Metric metric, float metricArgument) {
      this(name, VectorKind.DENSE, ElementType.FLOAT32, dimension, metric, metricArgument, false);
    }

    /** Name of its Parquet column. */
    public String column() {
      return name.isEmpty() ? "vector" : RESERVED.contains(name) ? "vector_" + name : name;
    }

    /** Part of fingerprints, so that a field that no record lacks must stay as it is. */
    @Override
    public String toString() {
      return "VectorField[name=%s, kind=%s, element=%s, dimension=%d, metric=%s, metricArgument=%s%s]"
          .formatted(
              name,
              kind,
              element,
              dimension,
              metric,
              metricArgument,
              optional ? ", optional=true" : "");
    }
  }

  public PartSchema {
    vectors = List.copyOf(vectors);
    if (idKinds.isEmpty()) {
      throw new IllegalArgumentException("a schema needs a kind of id");
    }
    // In one order, so that a part that is written twice is the same file.
    idKinds = Collections.unmodifiableSet(EnumSet.copyOf(idKinds));
    Set<String> columns = new HashSet<>();
    for (VectorField field : vectors) {
      if (!columns.add(field.column())) {
        throw new IllegalArgumentException("two vector fields need the column " + field.column());
      }
    }
  }

  /** One vector field without a name, and ids of one kind. */
  public static PartSchema of(IdKind idKind, int dimension, Metric metric) {
    return new PartSchema(List.of(new VectorField("", dimension, metric, 0)), Set.of(idKind));
  }

  /** Whether each record has to carry its own kind of id. */
  public boolean hasMixedIds() {
    return idKinds.size() > 1;
  }

  /** Changes whenever the schema does. */
  public String fingerprint() {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256")
              .digest((vectors + " " + EnumSet.copyOf(idKinds)).getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
