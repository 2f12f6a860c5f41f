package io.vecferry.client;

/**
 * A migration in a list.
 *
 * @param state {@code RUNNING}, {@code NEEDS_ATTENTION} or another state, how it ended, or {@code
 *     STOPPED} when nothing works on it
 * @param phase the earliest phase that is not done; empty where nobody knows
 * @param progress per cent of the work; null where nobody knows
 * @param source collection that is read; empty before planning has ended
 * @param target collection that is written; empty before planning has ended
 * @param startedMillis when it was started, in milliseconds since 1970; 0 where nobody knows
 */
public record MigrationSummary(
    String name,
    String state,
    String phase,
    Long progress,
    String source,
    String target,
    long startedMillis) {}
