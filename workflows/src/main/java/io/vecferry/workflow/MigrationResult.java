package io.vecferry.workflow;

/**
 * The end of a migration.
 *
 * @param verdict the outcome in one sentence
 * @param rows records of the source
 * @param htmlReport where the report for people is
 * @param jsonReport where the same is for programs
 */
public record MigrationResult(
    String migration,
    Outcome outcome,
    String verdict,
    long rows,
    String htmlReport,
    String jsonReport) {}
