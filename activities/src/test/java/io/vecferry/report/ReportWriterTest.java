package io.vecferry.report;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.plan.FieldMapping;
import io.vecferry.plan.Finding;
import io.vecferry.plan.Forecast;
import io.vecferry.report.MigrationReport.Counts;
import io.vecferry.report.MigrationReport.Difference;
import io.vecferry.report.MigrationReport.ImportValidation;
import io.vecferry.report.MigrationReport.Outcome;
import io.vecferry.report.MigrationReport.Phase;
import io.vecferry.report.MigrationReport.RejectedRecord;
import io.vecferry.report.MigrationReport.Rejects;
import io.vecferry.report.MigrationReport.ResourceSample;
import io.vecferry.report.MigrationReport.Side;
import io.vecferry.report.MigrationReport.ThroughputSample;
import io.vecferry.report.MigrationReport.VectorField;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

final class ReportWriterTest {
  private final ReportWriter writer = new ReportWriter();

  @Test
  void samplesAreWellFormedAndSelfContained() throws Exception {
    for (MigrationReport report :
        List.of(SampleReport.migrated(), SampleReport.rolledBack(), SampleReport.refused())) {
      String html = writer.toHtml(report);
      Document document = parse(html);
      assertThat(document.getElementsByTagName("h1").getLength()).isEqualTo(1);
      assertThat(document.getElementsByTagName("script").getLength()).isZero();
      assertThat(document.getElementsByTagName("link").getLength()).isZero();
      assertThat(html)
          .doesNotContain("url(")
          .doesNotContain("@import")
          .doesNotContain(" src=")
          .doesNotContain("href=\"http");
    }
  }

  @Test
  void everyPictureHasANameAndEveryTableHeadItsScope() throws Exception {
    Document document = parse(writer.toHtml(SampleReport.migrated()));
    Set<String> ids = new HashSet<>();
    for (Element element : elements(document, "*")) {
      if (element.hasAttribute("id")) {
        assertThat(ids.add(element.getAttribute("id")))
            .as("id %s is unique", element.getAttribute("id"))
            .isTrue();
      }
    }
    for (Element svg : elements(document, "svg")) {
      boolean named = svg.hasAttribute("aria-label") || svg.hasAttribute("aria-labelledby");
      boolean partOfAnother = ((Element) svg.getParentNode()).getTagName().equals("svg");
      assertThat(named || partOfAnother || svg.getAttribute("aria-hidden").equals("true")).isTrue();
      if (svg.hasAttribute("aria-labelledby")) {
        assertThat(ids).contains(svg.getAttribute("aria-labelledby").split(" "));
      }
    }
    for (Element head : elements(document, "th")) {
      assertThat(head.getAttribute("scope")).isNotEmpty();
    }
    for (Element anchor : elements(document, "a")) {
      assertThat(ids).contains(anchor.getAttribute("href").substring(1));
    }
  }

  @ParameterizedTest
  @EnumSource(Outcome.class)
  void aReportWithNothingButAnOutcomeIsStillAPage(Outcome outcome) throws Exception {
    MigrationReport report = minimal("bare", outcome, null);
    String html = writer.toHtml(report);
    parse(html);
    assertThat(html)
        .contains("<h1>")
        .doesNotContain("<table")
        .doesNotContain("<nav")
        .doesNotContain("null");
    assertThat(writer.toMarkdown(report)).startsWith("# Migration bare: ").doesNotContain("null");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"><script>alert(1)</script>",
        "'><img src=x onerror=alert(1)>",
        "</style></pre></code></details><svg onload=alert(1)>",
        "]]><!-- -->&amp;&#0;",
        "\u0000\u0007\u001b[31m\u202egnp.exe\ud800 \uffff",
        "| a | b |\n# heading [x](javascript:alert(1)) `code`"
      })
  void hostileValuesStayText(String value) throws Exception {
    String html = writer.toHtml(hostile(value));
    Document document = parse(html);
    assertThat(document.getElementsByTagName("script").getLength()).isZero();
    assertThat(document.getElementsByTagName("img").getLength()).isZero();
    for (Element element : elements(document, "*")) {
      assertThat(element.hasAttribute("onload") || element.hasAttribute("onerror")).isFalse();
    }
    assertThat(html).doesNotContain("\u202e").doesNotContain("\u0000");
    if (value.startsWith("\"")) {
      assertThat(html).contains("&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;");
      assertThat(document.getElementById("differences")).isNull();
      assertThat(document.getDocumentElement().getTextContent()).contains(value);
    }
    String markdown = writer.toMarkdown(hostile(value));
    assertThat(markdown)
        .doesNotContain("<script")
        .doesNotContain("<img")
        .doesNotContainPattern("(?<!\\\\)\\]\\(")
        .doesNotContain("\n# heading");
  }

  @Test
  void whatABetterRecallCostsIsAPicture() {
    assertThat(writer.toHtml(SampleReport.rolledBack()))
        .contains("Recall@10 against the time of a query (ms)")
        .contains("all queries in one request");
    assertThat(Axis.shareFrom(0.9811).marks())
        .extracting(Axis.Mark::label)
        .containsExactly("98\u202f%", "98.5\u202f%", "99\u202f%", "99.5\u202f%", "100\u202f%");
    assertThat(Axis.shareFrom(0).minimum()).isZero();
    assertThat(Axis.shareFrom(1).minimum()).isLessThan(1);
  }

  @Test
  void aHundredThousandDifferencesAreCutWithANote() throws Exception {
    List<Difference> differences =
        IntStream.range(0, 100_000)
            .mapToObj(i -> new Difference("id-" + i, "vector", "embedding", "0.1", "0.2"))
            .toList();
    String html =
        writer.toHtml(
            minimal(
                "many",
                Outcome.NEEDS_ATTENTION,
                new ImportValidation(
                    "full",
                    0.001,
                    200_000,
                    100_000,
                    0,
                    0,
                    0,
                    Map.of("vector", 100_000L),
                    0.1,
                    differences,
                    null,
                    0,
                    "archive/differences")));
    parse(html);
    assertThat(html).contains("id-199").doesNotContain("id-200<");
    assertThat(html).contains("The first 200 of 100\u202f000 are shown");
  }

  @Test
  void noReportIsLargerThanItsLimit() throws Exception {
    String value = "\"".repeat(50_000);
    String html = writer.toHtml(hostile(value));
    parse(html);
    assertThat(html.getBytes(StandardCharsets.UTF_8).length)
        .isLessThan(ReportWriter.LARGEST_HTML_BYTES);
  }

  @Test
  void longSamplesAreThinnedOut() throws Exception {
    MigrationReport sample = SampleReport.migrated();
    List<ResourceSample> resources =
        IntStream.range(0, 500_000)
            .mapToObj(i -> new ResourceSample(i * 1000L, i % 400, -1, i, i))
            .toList();
    List<ThroughputSample> throughput =
        IntStream.range(0, 500_000)
            .mapToObj(i -> new ThroughputSample(i * 1000L, "EXPORT", i * 10L))
            .toList();
    MigrationReport report =
        MigrationReport.builder("long", Outcome.MIGRATED, "")
            .times(sample.startedMillis(), sample.finishedMillis())
            .resourceSamples(resources)
            .throughputSamples(throughput)
            .build();
    String html = writer.toHtml(report);
    parse(html);
    assertThat(html.length()).isLessThan(60_000);
    assertThat(html).contains("Rows per second").contains("Worker CPU");
  }

  @Test
  void jsonReadsBackEqualAndIsStable() {
    for (MigrationReport report :
        List.of(SampleReport.migrated(), SampleReport.rolledBack(), SampleReport.refused())) {
      String json = writer.toJson(report);
      MigrationReport back = writer.fromJson(json);
      assertThat(back).isEqualTo(report);
      assertThat(writer.toJson(back)).isEqualTo(json);
      assertThat(writer.toHtml(back)).isEqualTo(writer.toHtml(report));
    }
    assertThat(writer.toJson(SampleReport.refused())).doesNotContain("importValidation");
  }

  @Test
  void aRowThatDiffersInTwoWaysIsOneRow() {
    ImportValidation validation =
        new ImportValidation(
            "full",
            0.001,
            100,
            90,
            5,
            0,
            0,
            Map.of("vector", 5L, "metadata", 3L),
            0.1,
            List.of(),
            null,
            0,
            null);
    assertThat(HtmlReport.different(validation)).isEqualTo(100 - 90 - 5);
  }

  @Test
  void unknownMembersArePassedOver() {
    String json = writer.toJson(SampleReport.refused()).replaceFirst("\\{", "{ \"later\" : 1,");
    assertThat(writer.fromJson(json)).isEqualTo(SampleReport.refused());
  }

  @Test
  void theVerdictIsInWordsAndNotOnlyInColour() {
    assertThat(writer.toHtml(SampleReport.migrated())).contains("<h1>Migrated and proved</h1>");
    assertThat(writer.toHtml(SampleReport.rolledBack()))
        .contains("<h1>Rolled back, previous state restored</h1>");
    assertThat(writer.toMarkdown(SampleReport.rolledBack()))
        .contains("| Missing / extra | 204 / 0 |");
  }

  @Test
  void itIsSaidWhatRequestsWereLike() {
    String words =
        "milvus: %s records/s with %s records in a request, 8 requests at once"
            .formatted(Format.count(4_200), Format.count(3_000));
    assertThat(writer.toHtml(SampleReport.migrated())).contains(words);
    assertThat(writer.toMarkdown(SampleReport.migrated())).contains(words);
  }

  @Test
  void whatWasNotProvedIsNotSaidToBe() {
    assertThat(writer.toHtml(migrated("a fault in one record would be found", 0, 0)))
        .contains("<h1>Migrated, and a sample proved</h1>")
        .contains("a sample was compared: a fault in one record would be found");
    assertThat(writer.toHtml(migrated(null, 5, 2)))
        .contains("<h1>Migrated, with differences that were allowed</h1>")
        .contains("5 records may be missing, extra or different")
        .contains("All are in archive/differences");
    assertThat(writer.toHtml(migrated(null, 5, 0))).contains("<h1>Migrated and proved</h1>");
  }

  private static MigrationReport migrated(String sample, long allowed, long missing) {
    List<Difference> first =
        missing == 0 ? List.of() : List.of(new Difference("a", "MISSING", "", "present", "absent"));
    return minimal(
        "m",
        Outcome.MIGRATED,
        new ImportValidation(
            "full",
            0.0,
            9,
            9,
            0,
            missing,
            0,
            Map.of(),
            0.0,
            first,
            sample,
            allowed,
            missing == 0 ? null : "archive/differences"));
  }

  private static MigrationReport minimal(
      String name, Outcome outcome, ImportValidation validation) {
    return MigrationReport.builder(name, outcome, "").importValidation(validation).build();
  }

  private static MigrationReport hostile(String value) {
    Side side =
        new Side(
            value,
            value,
            Collections.nCopies(
                500, new VectorField(value, value, value, 3, value, value, Map.of(value, value))),
            1,
            1,
            Map.of(value, value));
    return new MigrationReport(
        1,
        value,
        Outcome.NEEDS_ATTENTION,
        value,
        1,
        2,
        side,
        side,
        Collections.nCopies(500, new Phase(value, value, 1, 2, 3, 4, value, null)),
        new Counts(1, 1, 1, 1),
        Collections.nCopies(500, Finding.warning(value, value, value)),
        new MigrationReport.Plan(
            1,
            new Forecast(
                null,
                List.of(),
                Collections.nCopies(500, value),
                List.of(new Forecast.Need(value, 2, 1, false))),
            Collections.nCopies(500, value),
            List.of(value),
            Collections.nCopies(500, new FieldMapping(value, value, value))),
        null,
        new ImportValidation(
            value, 0.1, 1, 0, 0, 1, 0, Map.of(value, 1L), 0.1, List.of(), value, 1, value),
        null,
        new Rejects(1, Collections.nCopies(500, new RejectedRecord(value, value)), value),
        Collections.nCopies(500, new MigrationReport.OperatorAction(1, value, value, value, value)),
        Collections.nCopies(500, new MigrationReport.RollbackStep(value, value, value)),
        null,
        null,
        null,
        Map.of(value, value),
        value,
        value);
  }

  /**
   * Fails when the page is not well-formed; the document type is the one line that XML would spell
   * differently.
   */
  private static Document parse(String html) throws Exception {
    assertThat(html).startsWith("<!DOCTYPE html>\n");
    DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
    // Newer JDKs take a document of more than 100,000 characters for an attack.
    factory.setAttribute("jdk.xml.maxGeneralEntitySizeLimit", "0");
    factory.setAttribute("jdk.xml.totalEntitySizeLimit", "0");
    factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
    byte[] xml = html.substring("<!DOCTYPE html>\n".length()).getBytes(StandardCharsets.UTF_8);
    return factory.newDocumentBuilder().parse(new ByteArrayInputStream(xml));
  }

  private static List<Element> elements(Document document, String name) {
    NodeList nodes = document.getElementsByTagName(name);
    return IntStream.range(0, nodes.getLength()).mapToObj(i -> (Element) nodes.item(i)).toList();
  }
}
