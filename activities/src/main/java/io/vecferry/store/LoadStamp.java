package io.vecferry.store;

/**
 * Marks a collection as made by one migration, so that rollback never destroys anything else.
 *
 * @param migration name of the migration
 * @param loadId identifies this load among several of the same migration
 */
public record LoadStamp(String migration, String loadId) {}
