package io.vecferry.store;

import io.vecferry.plan.RecordProfile;
import io.vecferry.record.IdKind;
import io.vecferry.record.VectorKind;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a collection to be loaded should look like.
 *
 * @param vectors its vector fields with metric and index
 * @param idKinds kinds of ids that will come
 * @param sourceStore display name of where the records come from
 * @param rows number of records expected
 * @param profile what the records are like, as far as planning has looked
 * @param configuration what the source says in {@link CollectionInfo#configuration()}, when it is a
 *     store of the same type as the target, which then can set up the same; otherwise empty
 * @param sourceVectors the vector fields as the source has them, whose indexes a target may follow
 *     where the spec does not ask for one; empty where they are not known
 */
public record LoadSchema(
    List<VectorFieldInfo> vectors,
    Set<IdKind> idKinds,
    String sourceStore,
    long rows,
    RecordProfile profile,
    Map<String, String> configuration,
    List<VectorFieldInfo> sourceVectors) {

  /** A schema of records that nobody has looked at. */
  public LoadSchema(
      List<VectorFieldInfo> vectors, Set<IdKind> idKinds, String sourceStore, long rows) {
    this(vectors, idKinds, sourceStore, rows, RecordProfile.EMPTY, Map.of(), List.of());
  }

  /** What its dense vectors take in memory, in bytes. */
  public long vectorBytes() {
    return rows
        * vectors.stream()
            .filter(field -> field.kind() == VectorKind.DENSE)
            .mapToLong(field -> (long) field.dimension() * Float.BYTES)
            .sum();
  }
}
