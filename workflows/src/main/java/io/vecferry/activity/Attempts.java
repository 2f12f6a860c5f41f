package io.vecferry.activity;

/**
 * What was tried before a step was given up; the detail of the failure that says so.
 *
 * @param attempts attempts made
 * @param sinceMillis when the first one was asked for, in milliseconds since 1970
 */
public record Attempts(int attempts, long sinceMillis) {}
