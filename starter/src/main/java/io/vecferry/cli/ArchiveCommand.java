package io.vecferry.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vecferry.archive.Archive;
import io.vecferry.archive.ArchiveProblem;
import io.vecferry.archive.place.ArchiveRoot;
import io.vecferry.store.StoreException;
import io.vecferry.verify.ArchiveCheck;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

@Command(
    name = "archive",
    footer = "  vecferry archive verify vecferry-archive/products",
    mixinStandardHelpOptions = true,
    description = "Works on the archive of a migration.",
    subcommands = {ArchiveCommand.Verify.class, ArchiveCommand.Restore.class})
final class ArchiveCommand {
  @ParentCommand Vecferry root;

  /** The folder of an archive that there is; what is wrong with one in S3 shows when it is read. */
  private static ArchiveRoot existing(String folder) {
    ArchiveRoot place = ArchiveRoot.of(folder);
    if (place.parent().isEmpty() || !place.folder().map(Files::isDirectory).orElse(true)) {
      throw new UserError("There is no folder " + folder + ".");
    }
    return place;
  }

  @Command(
      name = "verify",
      footer = "  vecferry archive verify vecferry-archive/products",
      mixinStandardHelpOptions = true,
      description =
          "Reads a whole archive and compares it with its manifest: files, checksums, counts,"
              + " schema, every record.")
  static final class Verify implements Callable<Integer> {
    @Parameters(paramLabel = "DIR", description = "Folder of one migration.")
    String folder;

    @Option(names = "--json", description = "Print JSON.")
    boolean json;

    @Override
    public Integer call() {
      try {
        ArchiveRoot place = existing(folder);
        return verify(Archive.find(place.parent().orElseThrow().store(), place.name()));
      } catch (StoreException e) {
        throw new UserError(e.getMessage());
      }
    }

    private int verify(Archive archive) {
      if (!archive.exists(Archive.MANIFEST)
          && archive.store().list(archive.path(Archive.SOURCE)).isEmpty()) {
        throw new UserError(
            folder
                + " is not the archive of a migration: it has neither "
                + Archive.MANIFEST
                + " nor anything in "
                + Archive.SOURCE
                + "/.");
      }
      ArchiveCheck.Result source =
          ArchiveCheck.check(archive, Archive.SOURCE, ArchiveCheck.Depth.RECORDS);
      List<ArchiveProblem> problems = new ArrayList<>(source.problems());
      if (!archive.store().list(archive.path(Archive.TARGET_BACKUP)).isEmpty()) {
        problems.addAll(
            ArchiveCheck.check(archive, Archive.TARGET_BACKUP, ArchiveCheck.Depth.RECORDS)
                .problems());
      }
      if (json) {
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("archive", folder);
        result.put("whole", problems.isEmpty());
        result.put("rows", source.listing().rows());
        result.put("parts", source.listing().parts().size());
        result.put("bytes", source.listing().bytes());
        result.put("problems", problems);
        System.out.println(MigrationCommand.json(result));
        return problems.isEmpty() ? ExitCode.OK : ExitCode.WRONG_USAGE;
      }
      if (!problems.isEmpty()) {
        throw new UserError(
            "The archive is not whole:\n  "
                + problems.stream()
                    .map(ArchiveProblem::toString)
                    .collect(Collectors.joining("\n  ")));
      }
      System.out.println(
          String.format(
              Locale.ROOT,
              "The archive is whole: %,d records in %,d parts, %,d bytes.",
              source.listing().rows(),
              source.listing().parts().size(),
              source.listing().bytes()));
      return ExitCode.OK;
    }
  }

  @Command(
      name = "restore",
      footer = "  vecferry archive restore vecferry-archive/products restore.yaml",
      mixinStandardHelpOptions = true,
      description = {
        "Loads an archive into any store: a migration with the archive as its source, proved like"
            + " every other.",
        "The spec needs a name of its own and a target; a source in it is not used."
      })
  static final class Restore implements Callable<Integer> {
    @ParentCommand ArchiveCommand parent;

    @Parameters(
        index = "0",
        paramLabel = "DIR",
        description = "Folder of one migration, or its target-backup folder.")
    String folder;

    @Parameters(index = "1", paramLabel = "SPEC", description = "Spec, YAML or JSON.")
    Path file;

    @Option(
        names = "--allow-incomplete",
        description = "Load what is there when files are missing; damaged ones never are loaded.")
    boolean allowIncomplete;

    @Option(
        names = "--wait",
        description = "Stay when the migration needs attention, until somebody decides.")
    boolean wait;

    @Option(names = "--json", description = "Print the result as JSON.")
    boolean json;

    @Override
    public Integer call() throws IOException {
      ArchiveRoot place = existing(folder);
      JsonNode document = SpecFile.read(file);
      if (document instanceof ObjectNode spec) {
        if (spec.has("source")) {
          System.err.println("The source in " + file + " is not used; " + folder + " is loaded.");
        }
        ObjectNode source = spec.putObject("source");
        source.put("type", "archive").put("path", place.toString());
        if (allowIncomplete) {
          source.putObject("options").put("allowIncomplete", true);
        }
      }
      parent.root.check(document, file);
      ArchiveRoot own = parent.root.archiveRoot.resolve(SpecFile.name(document));
      if (place.toString().equals(own.toString()) || own.contains(place.toString())) {
        throw new UserError(
            file
                + ": name \""
                + SpecFile.name(document)
                + "\" is that of the archive itself. A restore writes an archive of its own; choose"
                + " another name, for example "
                + SpecFile.name(document)
                + "-restored.");
      }
      return new Follower(parent.root, wait, json).run(document);
    }
  }
}
