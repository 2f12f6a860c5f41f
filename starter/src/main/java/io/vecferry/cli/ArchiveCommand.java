package io.vecferry.cli;

import io.vecferry.archive.Archive;
import io.vecferry.archive.LocalArtifactStore;
import io.vecferry.archive.Manifest;
import io.vecferry.store.StoreException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
    name = "archive",
    mixinStandardHelpOptions = true,
    description = "Works on the archive of a migration.",
    subcommands = ArchiveCommand.Verify.class)
final class ArchiveCommand {

  @Command(
      name = "verify",
      mixinStandardHelpOptions = true,
      description =
          "Reads a whole archive and compares it with its manifest: checksums, counts, schema, every record.")
  static final class Verify implements Callable<Integer> {
    @Parameters(paramLabel = "DIR", description = "Folder of one migration.")
    Path folder;

    @Override
    public Integer call() {
      Path absolute = folder.toAbsolutePath().normalize();
      if (!Files.isDirectory(absolute)) {
        throw new UserError("There is no folder " + folder + ".");
      }
      try {
        Archive archive =
            new Archive(
                new LocalArtifactStore(absolute.getParent()), absolute.getFileName().toString());
        List<String> problems = archive.verify();
        if (!problems.isEmpty()) {
          throw new UserError("The archive is not whole:\n  " + String.join("\n  ", problems));
        }
        Manifest manifest = archive.manifest();
        System.out.println(
            String.format(
                Locale.ROOT,
                "The archive is whole: %,d records in %,d parts, %,d bytes.",
                manifest.rows(),
                manifest.parts().size(),
                manifest.bytes()));
        return ExitCode.OK;
      } catch (StoreException e) {
        throw new UserError(e.getMessage());
      }
    }
  }
}
