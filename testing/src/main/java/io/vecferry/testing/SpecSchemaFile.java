package io.vecferry.testing;

import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import com.networknt.schema.ValidationMessage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The published JSON Schema of specs, as an editor uses it. */
public final class SpecSchemaFile {
  /** From the folder of a module. */
  public static final Path PATH = Path.of("../docs/spec.schema.json");

  private final JsonSchema schema;

  private SpecSchemaFile(JsonSchema schema) {
    this.schema = schema;
  }

  /** The schema in the documentation. */
  public static SpecSchemaFile read() {
    try {
      return new SpecSchemaFile(
          JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V7)
              .getSchema(Files.readString(PATH)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What an editor underlines in a document. */
  public List<String> problems(JsonNode document) {
    return schema.validate(document).stream().map(ValidationMessage::getMessage).sorted().toList();
  }
}
