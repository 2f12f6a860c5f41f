package io.vecferry.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

@Command(
    name = "demo",
    footer = {"  vecferry demo", "  vecferry demo --target build/fortunes"},
    mixinStandardHelpOptions = true,
    description =
        "Migrates 2,975 sayings with real embeddings from a LangChain FAISS folder to a new FAISS"
            + " folder, and proves it.")
final class DemoCommand implements Callable<Integer> {
  @ParentCommand Vecferry root;

  @Option(
      names = "--target",
      paramLabel = "DIR",
      defaultValue = "vecferry-demo/fortunes",
      description = "Folder to make (default: ${DEFAULT-VALUE}).")
  Path target;

  @Override
  public Integer call() throws IOException {
    String home = System.getProperty("vecferry.home", ".");
    Path file = Path.of(home, "examples", "fortunes", "spec.yaml");
    JsonNode document = SpecFile.read(file);
    Path folder = target.toAbsolutePath().normalize();
    Files.createDirectories(folder.getParent());
    ((ObjectNode) document.get("target")).put("path", folder.toString());
    root.check(document, file);
    return new Follower(root, false, false).run(document);
  }
}
