package io.vecferry.store;

/**
 * A fixed range of a collection, decided once and read in order.
 *
 * @param start cursor of its first record, in the store's own spelling
 * @param end cursor behind its last record
 * @param rows number of records in it; an estimate when {@code exact} is false
 * @param exact whether {@code rows} is exact
 */
public record SourceRange(String start, String end, long rows, boolean exact) {}
