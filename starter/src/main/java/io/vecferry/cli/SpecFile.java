package io.vecferry.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.vecferry.archive.place.ArchiveRoot;
import io.vecferry.spec.SpecProblem;
import io.vecferry.spec.SpecReader;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/** Reads a spec from a YAML or JSON file. */
final class SpecFile {
  private static final long LARGEST = 1 << 20;

  private SpecFile() {}

  /**
   * The document in a file, whatever it says; relative {@code path} values and {@code
   * quality.queries} are taken from the file's own folder.
   */
  static JsonNode read(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new UserError(
          "There is no file " + file + ". Name a spec, for example examples/fortunes/spec.yaml.");
    }
    JsonNode document = document(file);
    Path folder = file.toAbsolutePath().getParent();
    for (String role : List.of("source", "target")) {
      // A path of a connection is relative to a folder of the worker.
      if (!document.path(role).hasNonNull("connection")) {
        resolve(document.path(role), "path", folder);
      }
    }
    resolve(document.path("quality"), "queries", folder);
    return document;
  }

  /** The document in a file, as it is. */
  static JsonNode document(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new UserError("There is no file " + file + ".");
    }
    try {
      if (Files.size(file) > LARGEST) {
        throw new UserError(
            file + " has " + Files.size(file) + " bytes; it may have at most " + LARGEST + ".");
      }
      return mapper(file).readTree(Files.readString(file));
    } catch (JsonProcessingException e) {
      String where =
          e.getLocation() == null
              ? ""
              : ", line "
                  + e.getLocation().getLineNr()
                  + ", column "
                  + e.getLocation().getColumnNr();
      throw new UserError(file + where + ": " + e.getOriginalMessage());
    } catch (CharacterCodingException e) {
      throw new UserError(file + " is not UTF-8 text. Save it as UTF-8.");
    } catch (IOException e) {
      throw new UserError(file + " cannot be read: " + e.getMessage());
    }
  }

  private static void resolve(JsonNode section, String key, Path folder) {
    if (section instanceof ObjectNode object
        && object.path(key).isTextual()
        && !ArchiveRoot.isS3(object.get(key).textValue())) {
      object.put(key, folder.resolve(object.get(key).textValue()).normalize().toString());
    }
  }

  /** The name in a document that was read without problems. */
  static String name(JsonNode document) {
    return SpecReader.read(document).spec().name();
  }

  /** Ends with all problems, if there are any. */
  static void require(List<SpecProblem> problems, Path file) {
    if (!problems.isEmpty()) {
      throw new UserError(
          file
              + (problems.size() == 1
                  ? " has 1 problem:\n  "
                  : " has " + problems.size() + " problems:\n  ")
              + problems.stream().map(SpecProblem::toString).collect(Collectors.joining("\n  ")),
          Guide.SPEC);
    }
  }

  private static ObjectMapper mapper(Path file) {
    ObjectMapper mapper = file.toString().endsWith(".json") ? new ObjectMapper() : new YAMLMapper();
    mapper
        .getFactory()
        .configure(StreamReadFeature.STRICT_DUPLICATE_DETECTION.mappedFeature(), true);
    return mapper;
  }
}
