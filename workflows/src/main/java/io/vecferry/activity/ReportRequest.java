package io.vecferry.activity;

import io.vecferry.workflow.MigrationStatus;

/**
 * A report to be written.
 *
 * @param migration name of the migration
 * @param status the state at its end
 */
public record ReportRequest(String migration, MigrationStatus status) {}
