/**
 * The report of one migration: plain data, and its HTML, JSON and Markdown forms. Knows nothing of
 * stores, archives or Temporal; whoever ran the migration fills in a {@link
 * io.vecferry.report.MigrationReport}.
 */
package io.vecferry.report;
