package io.vecferry.store;

import io.vecferry.record.IdKind;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What an opened store says about its collection.
 *
 * @param store type and flavour with version, as {@code FAISS file, LangChain folder}
 * @param collection the collection's name or path
 * @param vectors its vector fields
 * @param idKinds kinds of ids that it holds
 * @param rows number of records
 * @param bytes size of the data where it is visible, -1 where not
 * @param configuration everything else worth keeping: settings, layout, sizes, in display order
 * @param fingerprint changes when the content changes, as far as the store can tell; empty where it
 *     cannot. What each store notices stands in docs/error-handling.md
 */
public record CollectionInfo(
    String store,
    String collection,
    List<VectorFieldInfo> vectors,
    Set<IdKind> idKinds,
    long rows,
    long bytes,
    Map<String, String> configuration,
    String fingerprint) {}
