package io.vecferry.activity;

/**
 * Where the reports are.
 *
 * @param html path or address of the HTML report
 * @param json path or address of the JSON report
 */
public record ReportLocation(String html, String json) {}
