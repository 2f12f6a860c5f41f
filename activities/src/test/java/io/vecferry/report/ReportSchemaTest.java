package io.vecferry.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * The schema that is published says what reports are; {@code -Dvecferry.writeSchema=true} writes it
 * anew after a member was added.
 */
class ReportSchemaTest {
  private static final Path PUBLISHED = Path.of("../docs/report.schema.json");
  private static final ObjectMapper JSON = new ObjectMapper();

  private final List<String> problems = new ArrayList<>();

  @Test
  void reportsAreAsTheSchemaSays() throws IOException {
    JsonNode schema = ReportSchema.make();
    for (MigrationReport report :
        List.of(SampleReport.migrated(), SampleReport.rolledBack(), SampleReport.refused())) {
      check(schema, schema, JSON.readTree(new ReportWriter().toJson(report)), "report");
    }
    assertThat(problems).isEmpty();
  }

  @Test
  void whatIsNoReportIsFound() throws IOException {
    JsonNode schema = ReportSchema.make();
    String good = new ReportWriter().toJson(SampleReport.migrated());
    JsonNode bad =
        JSON.readTree(
            good.replaceFirst("\"formatVersion\" : 1", "\"formatVersion\" : \"1\"")
                .replaceFirst("\"MIGRATED\"", "\"MOVED\"")
                .replaceFirst("\"bitExact\"", "\"bitexact\""));
    check(schema, schema, bad, "report");
    assertThat(problems)
        .containsExactlyInAnyOrder(
            "report.formatVersion: \"1\" is no integer",
            "report.outcome: \"MOVED\" is none of the names",
            "report.importValidation: has no bitExact");
  }

  /** Whoever reads reports by the published schema can read all later ones. */
  @Test
  void publishedSchemaHolds() throws IOException {
    JsonNode now = ReportSchema.make();
    if (Boolean.getBoolean("vecferry.writeSchema")) {
      Files.writeString(PUBLISHED, new ReportWriter().jsonSchema());
    }
    kept(JSON.readTree(Files.readString(PUBLISHED)), now, "schema");
    assertThat(problems).isEmpty();
  }

  private void kept(JsonNode published, JsonNode now, String place) {
    if (published.isObject()) {
      published
          .fields()
          .forEachRemaining(
              field ->
                  kept(field.getValue(), now.path(field.getKey()), place + "." + field.getKey()));
    } else if (published.isArray()) {
      List<String> names = new ArrayList<>();
      now.forEach(name -> names.add(name.asText()));
      published.forEach(
          name -> {
            if (!names.contains(name.asText())) {
              problems.add(place + ": " + name + " is gone");
            }
          });
    } else if (!published.equals(now)) {
      problems.add(place + ": " + published + " has become " + now);
    }
  }

  /** Checks what schemas of reports use of JSON Schema. */
  private void check(JsonNode root, JsonNode schema, JsonNode value, String place) {
    if (schema.has("$ref")) {
      check(root, root.at(schema.path("$ref").asText().substring(1)), value, place);
      return;
    }
    String type = schema.path("type").asText();
    boolean right =
        switch (type) {
          case "object" -> value.isObject();
          case "array" -> value.isArray();
          case "string" -> value.isTextual();
          case "integer" -> value.isIntegralNumber();
          case "number" -> value.isNumber();
          case "boolean" -> value.isBoolean();
          default -> false;
        };
    if (!right) {
      problems.add(place + ": " + value + " is no " + type);
      return;
    }
    List<String> names = new ArrayList<>();
    schema.path("enum").forEach(name -> names.add(name.asText()));
    if (!names.isEmpty() && !names.contains(value.asText())) {
      problems.add(place + ": " + value + " is none of the names");
    }
    schema
        .path("required")
        .forEach(
            name -> {
              if (!value.has(name.asText())) {
                problems.add(place + ": has no " + name.asText());
              }
            });
    for (int i = 0; value.isArray() && i < value.size(); i++) {
      check(root, schema.path("items"), value.get(i), place + "[" + i + "]");
    }
    if (value.isObject()) {
      value
          .fields()
          .forEachRemaining(
              field -> {
                JsonNode member = schema.path("properties").path(field.getKey());
                JsonNode other =
                    member.isMissingNode() ? schema.path("additionalProperties") : member;
                if (!other.isMissingNode()) {
                  check(root, other, field.getValue(), place + "." + field.getKey());
                }
              });
    }
  }
}
