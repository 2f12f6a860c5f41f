package io.vecferry.store.faiss;

import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Which files a path stands for.
 *
 * @param path what the user wrote
 * @param layout {@code vecferry}, {@code langchain}, {@code llamaindex}, {@code file} (a list of
 *     metadata that the user named) or {@code bare}
 * @param index the FAISS index
 * @param metadata {@code meta.jsonl}, or the list that the user named, null where there is none
 * @param pickle LangChain's docstore, null where there is none
 * @param manifest of the folder, null where there is none
 */
record FaissFiles(
    Path path, String layout, Path index, Path metadata, Path pickle, Manifest manifest) {

  static final String VECFERRY = "vecferry";
  static final String LANGCHAIN = "langchain";
  static final String LLAMA_INDEX = "llamaindex";
  static final String FILE = "file";
  static final String METADATA = "meta.jsonl";

  /** The files that hold the records. */
  List<Path> all() {
    List<Path> all = new ArrayList<>(List.of(index));
    if (metadata != null) {
      all.add(metadata);
    }
    if (pickle != null) {
      all.add(pickle);
    }
    if (layout.equals(LLAMA_INDEX)) {
      for (String name :
          List.of(
              LlamaIndexReader.DOCSTORE, LlamaIndexReader.INDEX_STORE, LlamaIndexReader.ID_MAP)) {
        if (Files.exists(folder().resolve(name))) {
          all.add(folder().resolve(name));
        }
      }
    }
    return all;
  }

  Path folder() {
    return index.toAbsolutePath().getParent();
  }

  /**
   * Looks at what is there.
   *
   * @param indexName stem of the index file in a folder
   * @param metadata list of metadata that the user named, relative to the folder; null for none
   */
  static FaissFiles find(Path path, String indexName, String metadata) {
    FaissFiles found = find(path, indexName);
    if (metadata == null) {
      return found;
    }
    Path file = found.folder().resolve(metadata);
    if (!Files.isRegularFile(file)) {
      throw new StoreException(
          FailureClass.MISSING, "source.options.metadata: there is no file " + file);
    }
    return new FaissFiles(path, FILE, found.index(), file, null, null);
  }

  private static FaissFiles find(Path path, String indexName) {
    if (Files.isDirectory(path)) {
      return inFolder(path, path, indexName);
    }
    if (!Files.exists(path)) {
      throw new StoreException(FailureClass.MISSING, path + ": there is no such file or folder");
    }
    String name = path.getFileName().toString();
    Path folder = path.toAbsolutePath().getParent();
    if (name.endsWith(".faiss") && folder != null) {
      return inFolder(path, folder, name.substring(0, name.length() - ".faiss".length()));
    }
    if (LlamaIndexReader.INDEX_NAMES.contains(name) && isLlamaIndex(folder)) {
      return new FaissFiles(path, LLAMA_INDEX, path, null, null, null);
    }
    return new FaissFiles(path, "bare", path, null, null, null);
  }

  private static boolean isLlamaIndex(Path folder) {
    return Files.exists(folder.resolve(LlamaIndexReader.DOCSTORE))
        && (Files.exists(folder.resolve(LlamaIndexReader.INDEX_STORE))
            || Files.exists(folder.resolve(LlamaIndexReader.ID_MAP)));
  }

  private static FaissFiles inFolder(Path path, Path folder, String stem) {
    Manifest manifest = Manifest.read(folder);
    if (manifest != null && !manifest.finished()) {
      throw FileErrors.incompatible(
          folder
              + " is a load of migration "
              + manifest.stamp().migration()
              + " that is not finished");
    }
    Path index = folder.resolve(stem + ".faiss");
    if (!Files.exists(index)) {
      for (String name : LlamaIndexReader.INDEX_NAMES) {
        if (isLlamaIndex(folder) && Files.exists(folder.resolve(name))) {
          return new FaissFiles(path, LLAMA_INDEX, folder.resolve(name), null, null, null);
        }
      }
      throw noIndex(folder, index);
    }
    Path metadata = folder.resolve(METADATA);
    Path pickle = folder.resolve(stem + ".pkl");
    boolean hasMetadata = Files.exists(metadata);
    boolean hasPickle = Files.exists(pickle);
    if (manifest != null && manifest.files() != null) {
      for (Path file : List.of(metadata, pickle)) {
        if (manifest.files().containsKey(file.getFileName().toString()) && !Files.exists(file)) {
          throw new StoreException(
              FailureClass.MISSING,
              file
                  + " is not there, but "
                  + Manifest.NAME
                  + " says that ids, documents and metadata are in it; bring it back, or read "
                  + index.getFileName()
                  + " in a folder of its own, without them");
        }
      }
    }
    if (hasMetadata && hasPickle) {
      if (manifest == null) {
        throw FileErrors.incompatible(
            folder
                + " has both "
                + METADATA
                + " and "
                + pickle.getFileName()
                + "; move the one away that does not belong to the index");
      }
      hasMetadata = manifest.layout().equals(VECFERRY);
      hasPickle = !hasMetadata;
    }
    String layout = hasMetadata ? VECFERRY : hasPickle ? LANGCHAIN : "bare";
    return new FaissFiles(
        path, layout, index, hasMetadata ? metadata : null, hasPickle ? pickle : null, manifest);
  }

  private static StoreException noIndex(Path folder, Path index) {
    List<String> names = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder)) {
      files.map(file -> file.getFileName().toString()).sorted().limit(20).forEach(names::add);
    } catch (IOException e) {
      return FileErrors.of("reading", folder, e);
    }
    List<String> others = names.stream().filter(name -> name.endsWith(".faiss")).toList();
    String hint;
    if (!others.isEmpty()) {
      hint = "it has " + String.join(", ", others) + "; say which with options.indexName";
    } else if (names.contains("default__vector_store.json")
        || names.contains("vector_store.json")) {
      hint =
          "it looks like a LlamaIndex folder without "
              + (names.contains(LlamaIndexReader.DOCSTORE)
                  ? LlamaIndexReader.INDEX_STORE
                  : LlamaIndexReader.DOCSTORE);
    } else {
      hint = names.isEmpty() ? "it is empty" : "it has " + String.join(", ", names);
    }
    return new StoreException(
        FailureClass.MISSING, folder + " has no " + index.getFileName() + "; " + hint);
  }
}
