package io.vecferry.activity;

/**
 * How fast a step on a part may go.
 *
 * @param batchSize records per request; 0 for what the spec says
 * @param rowsPerSecond records per second at most; 0 for no limit
 */
public record Pace(int batchSize, double rowsPerSecond) {}
