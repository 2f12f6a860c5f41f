package io.vecferry.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.vecferry.plan.Finding;
import io.vecferry.spec.SpecReader;
import io.vecferry.spec.StoreSpec;
import io.vecferry.store.CollectionInfo;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import io.vecferry.store.VectorFieldInfo;
import io.vecferry.store.VectorStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

@Command(
    name = "inspect",
    footer = {"  vecferry inspect examples/fortunes/langchain", "  vecferry inspect products.yaml"},
    mixinStandardHelpOptions = true,
    description =
        "Looks at a collection: what it is, and what would stop or change a migration from it."
            + " Writes nothing.")
final class InspectCommand implements Callable<Integer> {
  @ParentCommand Vecferry root;

  @Parameters(
      paramLabel = "STORE",
      description = "A FAISS folder or file, or a spec, whose source is then looked at.")
  Path store;

  @Option(names = "--json", description = "Print JSON.")
  boolean json;

  @Override
  public Integer call() {
    String type = "faiss";
    StoreSettings settings = StoreSettings.of("source", "path", store.toAbsolutePath().toString());
    String fileName = store.getFileName() == null ? "" : store.getFileName().toString();
    if (Files.isRegularFile(store) && fileName.matches(".*\\.(ya?ml|json)")) {
      JsonNode document = SpecFile.read(store);
      root.check(document, store);
      StoreSpec source = root.connections().resolve(SpecReader.read(document).spec()).source();
      settings = new StoreSettings("source", source.settings());
      type = source.type();
    }
    try (VectorStore opened = Stores.get(type).open(settings)) {
      CollectionInfo info = opened.describe();
      List<Finding> findings = opened.assess();
      if (json) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("collection", info);
        all.put("findings", findings);
        System.out.println(MigrationCommand.json(all));
      } else {
        print(info, findings);
      }
      boolean blocked = findings.stream().anyMatch(f -> f.severity() == Finding.Severity.BLOCKING);
      return blocked ? ExitCode.WRONG_USAGE : ExitCode.OK;
    } catch (StoreException e) {
      throw new UserError(e.getMessage());
    }
  }

  private static void print(CollectionInfo info, List<Finding> findings) {
    System.out.println(info.store() + "  " + info.collection());
    System.out.println(
        String.format(
            Locale.ROOT,
            "  records: %,d, ids: %s, bytes: %,d",
            info.rows(),
            info.idKinds(),
            info.bytes()));
    for (VectorFieldInfo field : info.vectors()) {
      System.out.println(
          String.format(
              Locale.ROOT,
              "  vectors %s: %s, %s, %s %s",
              field.name().isEmpty() ? "(unnamed)" : field.name(),
              Shape.of(field.kind().name(), field.element().name(), field.dimension()),
              field.metric().spelling(),
              field.indexType(),
              field.indexParams().isEmpty() ? "" : field.indexParams()));
    }
    info.configuration().forEach((key, value) -> System.out.println("  " + key + ": " + value));
    findings.forEach(finding -> System.out.println("  " + finding.severity() + "  " + finding));
  }
}
