package io.vecferry.archive;

/**
 * Something that is wrong with an archive.
 *
 * @param file the file, as it is found on this machine
 * @param message what is wrong with it; names the file
 * @param remedy what to do about it
 * @param absence whether records are missing, and nothing that is there is damaged
 */
public record ArchiveProblem(String file, String message, String remedy, boolean absence) {

  /** One line. */
  @Override
  public String toString() {
    return (message + ". " + remedy).replaceAll("\\s+", " ");
  }
}
