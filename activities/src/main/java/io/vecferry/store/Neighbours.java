package io.vecferry.store;

import io.vecferry.record.IdColumn;

/**
 * Answers to some queries. Answer {@code a} of query {@code q} is row {@code q * k + a}; nearest
 * first.
 *
 * @param k answers asked for per query
 * @param counts answers found per query; rows beyond are padding with an empty id
 * @param ids ids of the answers, {@code queries x k}
 * @param scores scores on the scale of {@link Metric}, {@code queries x k}
 */
public record Neighbours(int k, int[] counts, IdColumn ids, float[] scores) {}
