package io.vecferry.report;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/**
 * Turns a report into files. The same report always gives the same text. Thread-safe; keeps
 * nothing, reads no clock and writes no file.
 */
public final class ReportWriter {
  /** No HTML report is larger, in bytes of UTF-8. */
  public static final int LARGEST_HTML_BYTES = 2_000_000;

  private static final HtmlReport.Limits LIMITS = new HtmlReport.Limits(200, 300);

  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .serializationInclusion(JsonInclude.Include.NON_NULL)
          .build();

  private final String styleSheet;

  public ReportWriter() {
    try (InputStream resource = ReportWriter.class.getResourceAsStream("report.css")) {
      styleSheet = new String(resource.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * One self-contained page: no script, no request to anywhere, light and dark, for screens from
   * 320 pixels and for paper. Long tables and values are cut, and say so, so that the page stays
   * below {@link #LARGEST_HTML_BYTES}.
   */
  public String toHtml(MigrationReport report) {
    HtmlReport.Limits limits = LIMITS;
    String html = new HtmlReport(report, limits, styleSheet).render();
    while (html.getBytes(StandardCharsets.UTF_8).length >= LARGEST_HTML_BYTES) {
      limits = limits.half();
      html = new HtmlReport(report, limits, styleSheet).render();
    }
    return html;
  }

  /** The JSON Schema of {@link #toJson}. */
  public String jsonSchema() {
    return ReportSchema.make().toPrettyString() + "\n";
  }

  /** Pretty JSON in a stable order of keys; parts that are null are left out. */
  public String toJson(MigrationReport report) {
    try {
      return JSON.writeValueAsString(report) + "\n";
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Reads what {@link #toJson} wrote; members this version does not know are passed over.
   *
   * @throws UncheckedIOException if the text is not such a report
   */
  public MigrationReport fromJson(String json) {
    try {
      return JSON.readValue(json, MigrationReport.class);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A short record for a wiki or a ticket. */
  public String toMarkdown(MigrationReport report) {
    return MarkdownReport.render(report);
  }
}
