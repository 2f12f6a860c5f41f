package io.vecferry.store.faiss;

import io.vecferry.store.StoreOption;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.VectorStore;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;

/** FAISS index files: bare, in a LangChain folder, or with vecferry's own sidecar. */
public final class FaissProvider implements StoreProvider {

  @Override
  public String type() {
    return "faiss";
  }

  @Override
  public String description() {
    return "FAISS index files (every type that FAISS can reconstruct except additive quantizers), bare,"
        + " as a LangChain or LlamaIndex folder, or with a list of metadata; writes Flat, IDMap2, HNSW,"
        + " IVF and SQ8 indexes";
  }

  @Override
  public boolean removesRecords() {
    return false;
  }

  @Override
  public Snapshot snapshot() {
    return Snapshot.RESTING_FILES;
  }

  @Override
  public List<StoreOption> options() {
    return List.of(
        new StoreOption(
            "path",
            StoreOption.Kind.TEXT,
            true,
            List.of(),
            "",
            "Folder or index file; a target is always a folder."),
        new StoreOption(
            "options.layout",
            StoreOption.Kind.TEXT,
            false,
            FaissLoad.layouts(),
            FaissFiles.VECFERRY,
            "What a target folder looks like: index.faiss with meta.jsonl, or what LangChain loads."),
        new StoreOption(
            "options.allowLossy",
            StoreOption.Kind.BOOLEAN,
            false,
            List.of(),
            "false",
            "Whether an index, of the source or of the target, may keep its vectors in codes (SQ, PQ,"
                + " PCA, ...), of which only approximations can be read."),
        column(
            "options.metadata",
            "List of metadata beside a source index: .jsonl, .json, .csv, .tsv or .parquet."),
        column(
            "options.metadataKey",
            "Its column with the ids of the index; without it rows are matched by position."),
        column(
            "options.metadataId",
            "Its column that becomes the record's id; without it that is the index's id."),
        column("options.metadataDocument", "Its column that becomes the record's document."),
        new StoreOption(
            "options.indexName",
            StoreOption.Kind.TEXT,
            false,
            List.of(),
            "index",
            "Name of the index file in a folder, without .faiss."));
  }

  private static StoreOption column(String path, String description) {
    return new StoreOption(path, StoreOption.Kind.TEXT, false, List.of(), "", description);
  }

  @Override
  public StoreSettings loadSettings(StoreSettings settings, String migration) {
    return settings.with("path", FaissLoad.loadFolder(path(settings), migration).toString());
  }

  @Override
  public VectorStore open(StoreSettings settings) {
    String layout = settings.text("options.layout", FaissFiles.VECFERRY);
    if (!FaissLoad.layouts().contains(layout)) {
      throw FileErrors.incompatible(
          settings.role()
              + ".options.layout '"
              + layout
              + "' is not one of "
              + String.join(", ", FaissLoad.layouts()));
    }
    String indexName = settings.text("options.indexName", "index");
    if (indexName.isEmpty() || indexName.contains("/") || indexName.contains("\\")) {
      throw FileErrors.incompatible(
          settings.role() + ".options.indexName '" + indexName + "' is not a file name");
    }
    return new FaissStore(
        path(settings),
        indexName,
        layout,
        settings.flag("options.allowLossy", false),
        columns(settings),
        settings.role().equals("target"));
  }

  private static MetadataColumns columns(StoreSettings settings) {
    MetadataColumns columns =
        new MetadataColumns(
            settings.text("options.metadata").orElse(null),
            settings.text("options.metadataKey").orElse(null),
            settings.text("options.metadataId").orElse(null),
            settings.text("options.metadataDocument").orElse(null));
    if (columns.file() == null && !columns.equals(MetadataColumns.NONE)) {
      throw FileErrors.incompatible(
          settings.role()
              + ".options.metadataKey, metadataId and metadataDocument name columns of a file that "
              + settings.role()
              + ".options.metadata has to name");
    }
    return columns;
  }

  private static Path path(StoreSettings settings) {
    String text =
        settings
            .text("path")
            .filter(value -> !value.isBlank())
            .orElseThrow(
                () -> FileErrors.incompatible(settings.role() + ".path is required for FAISS"));
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      throw FileErrors.incompatible(settings.role() + ".path is not a path: " + e.getMessage());
    }
  }
}
