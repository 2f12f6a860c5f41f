package io.vecferry.activity;

/**
 * What a step did, for people.
 *
 * @param rows records that it concerned
 * @param summary one sentence
 */
public record CheckResult(long rows, String summary) {}
