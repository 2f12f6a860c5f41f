package io.vecferry.archive;

import java.util.List;
import java.util.Map;

/**
 * What a complete archive holds; written last, so an archive without it is not complete.
 *
 * @param formatVersion version of the layout, {@link PartSidecar#FORMAT_VERSION}
 * @param migration name of the migration
 * @param rows number of records in all parts
 * @param bytes size of all Parquet files
 * @param parts all parts, in the order of the source
 * @param schema what the records look like
 * @param source what the records were read from, for people, in display order
 */
public record Manifest(
    int formatVersion,
    String migration,
    long rows,
    long bytes,
    List<Part> parts,
    PartSchema schema,
    Map<String, String> source) {

  public Manifest {
    parts = List.copyOf(parts);
  }

  /**
   * One part.
   *
   * @param path its path below the migration's folder
   */
  public record Part(String path, long rows, long bytes, String checksum) {}

  /** The manifest of these parts. */
  public static Manifest of(
      String migration, List<PartSidecar> sidecars, PartSchema schema, Map<String, String> source) {
    List<Part> parts =
        sidecars.stream()
            .map(
                sidecar ->
                    new Part(
                        inArchive(sidecar.part()),
                        sidecar.rows(),
                        sidecar.bytes(),
                        sidecar.checksum()))
            .toList();
    return new Manifest(
        PartSidecar.FORMAT_VERSION,
        migration,
        parts.stream().mapToLong(Part::rows).sum(),
        parts.stream().mapToLong(Part::bytes).sum(),
        parts,
        schema,
        source);
  }

  /** A part is a file in a folder of the archive, wherever that is. */
  private static String inArchive(String path) {
    int folder = path.lastIndexOf('/', path.lastIndexOf('/') - 1);
    return path.substring(folder + 1);
  }
}
