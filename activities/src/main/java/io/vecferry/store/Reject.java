package io.vecferry.store;

/**
 * A record that could not be moved.
 *
 * @param id its id
 * @param reason why, with the offending field and value
 */
public record Reject(String id, String reason) {}
