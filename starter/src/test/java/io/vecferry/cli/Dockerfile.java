package io.vecferry.cli;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;

/**
 * The image of the worker, as far as it is text.
 *
 * @param instructions without comments and line ends in the middle
 */
record Dockerfile(List<String> instructions) {
  static Dockerfile read() throws IOException {
    String text = Files.readString(Cli.home().resolve("deploy/docker/Dockerfile"));
    return new Dockerfile(
        text.replaceAll("(?m)^#.*\n", "")
            .replaceAll("\\\\\n\\s*", " ")
            .lines()
            .filter(line -> !line.isBlank())
            .toList());
  }

  /** The rest of the instructions that begin so. */
  List<String> all(String beginning) {
    return instructions.stream()
        .filter(line -> line.startsWith(beginning + " "))
        .map(line -> line.substring(beginning.length() + 1).strip())
        .toList();
  }

  /** The words of the one instruction that begins so and has a list of words. */
  List<String> words(String beginning) throws IOException {
    String instruction = all(beginning).get(0);
    return new ObjectMapper()
        .readValue(
            instruction.substring(instruction.indexOf('[')), new TypeReference<List<String>>() {});
  }
}
