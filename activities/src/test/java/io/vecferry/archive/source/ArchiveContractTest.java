package io.vecferry.archive.source;

import io.vecferry.archive.Archive;
import io.vecferry.archive.LocalArtifactStore;
import io.vecferry.archive.Manifest;
import io.vecferry.archive.PartSchema;
import io.vecferry.archive.PartSidecar;
import io.vecferry.archive.PartWriter;
import io.vecferry.plan.FieldMapping;
import io.vecferry.plan.Finding;
import io.vecferry.plan.NameSwitch;
import io.vecferry.record.IdColumn;
import io.vecferry.record.RecordBatch;
import io.vecferry.store.BatchReader;
import io.vecferry.store.BatchWriter;
import io.vecferry.store.CollectionInfo;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.MemoryStore;
import io.vecferry.store.NameSwitcher;
import io.vecferry.store.Neighbours;
import io.vecferry.store.SourceRange;
import io.vecferry.store.StoreContractTest;
import io.vecferry.store.StoreOption;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import io.vecferry.store.VectorStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;

/**
 * An archive is read like every other collection. What loads it here is the store of other tests,
 * whose records become an archive of small parts when they are published.
 */
class ArchiveContractTest extends StoreContractTest {
  private static final String NAME = "archived";

  @TempDir Path folder;

  @AfterEach
  @Override
  protected void clear() {
    MemoryStore.forget(NAME);
  }

  @Override
  protected StoreProvider provider() {
    return new ExportingProvider(folder.resolve(NAME));
  }

  @Override
  protected StoreSettings settings() {
    return StoreSettings.of("target", "collection", NAME);
  }

  private record ExportingProvider(Path archive) implements StoreProvider {
    @Override
    public String type() {
      return "exporting";
    }

    @Override
    public String description() {
      return "";
    }

    @Override
    public List<StoreOption> options() {
      return List.of();
    }

    @Override
    public StoreSettings loadSettings(StoreSettings settings, String migration) {
      return Stores.get("memory").loadSettings(settings, migration);
    }

    @Override
    public VectorStore open(StoreSettings settings) {
      VectorStore loaded = Stores.get("memory").open(settings);
      return settings.text("collection").orElseThrow().equals(NAME)
          ? new Exporting(loaded, archive)
          : loaded;
    }
  }

  /** Reads the archive; everything that changes the collection is done to the other store. */
  private static final class Exporting implements VectorStore {
    private static final int PART_ROWS = 60;

    private final VectorStore loaded;
    private final Path folder;
    private final VectorStore archived;

    Exporting(VectorStore loaded, Path folder) {
      this.loaded = loaded;
      this.folder = folder;
      this.archived =
          new ArchiveProvider().open(StoreSettings.of("source", "path", folder.toString()));
    }

    private void export() {
      Archive archive = new Archive(new LocalArtifactStore(folder.getParent()), NAME);
      CollectionInfo info = loaded.describe();
      PartSchema schema =
          new PartSchema(
              info.vectors().stream()
                  .map(
                      field ->
                          new PartSchema.VectorField(
                              field.name(), field.dimension(), field.metric(), 0))
                  .toList(),
              info.idKinds());
      List<PartSidecar> sidecars = new ArrayList<>();
      int partition = 0;
      for (SourceRange range : loaded.split(1)) {
        int part = 0;
        try (BatchReader reader = loaded.read(range, null, PART_ROWS)) {
          for (RecordBatch batch = reader.next(); batch != null; batch = reader.next()) {
            String path = archive.partPath(Archive.SOURCE, partition, part);
            try (PartWriter writer = new PartWriter(archive.store(), path, schema)) {
              writer.append(batch);
              sidecars.add(writer.finish("" + part, "" + (part + 1), false, "", null));
            }
            part++;
          }
        }
        partition++;
      }
      archive.writeManifest(Manifest.of(NAME, sidecars, schema, Map.of()));
      try {
        Files.writeString(folder.resolve(Archive.SPEC), "{\"source\":{\"type\":\"memory\"}}");
        Files.writeString(folder.resolve(Archive.PLAN), "{}");
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public boolean exists() {
      return archived.exists();
    }

    @Override
    public CollectionInfo describe() {
      return archived.describe();
    }

    @Override
    public List<Finding> assess() {
      return archived.assess();
    }

    @Override
    public List<Finding> assessLoad(LoadSchema schema) {
      return loaded.assessLoad(schema);
    }

    @Override
    public List<FieldMapping> mapping(LoadSchema schema) {
      return loaded.mapping(schema);
    }

    @Override
    public List<SourceRange> split(int wanted) {
      return archived.split(wanted);
    }

    @Override
    public BatchReader read(SourceRange range, String cursor, int batchSize) {
      return archived.read(range, cursor, batchSize);
    }

    @Override
    public RecordBatch fetch(IdColumn ids) {
      return archived.fetch(ids);
    }

    @Override
    public Neighbours search(String field, float[] queries, int count, int k) {
      return archived.search(field, queries, count, k);
    }

    @Override
    public boolean searchesExactly(String field) {
      return archived.searchesExactly(field);
    }

    @Override
    public void create(LoadSchema schema, LoadStamp stamp) {
      loaded.create(schema, stamp);
    }

    @Override
    public Optional<LoadStamp> stamp() {
      return loaded.stamp();
    }

    @Override
    public BatchWriter write(String part, LoadStamp stamp) {
      return loaded.write(part, stamp);
    }

    @Override
    public void remove(IdColumn ids, LoadStamp stamp) {
      loaded.remove(ids, stamp);
    }

    @Override
    public void finishLoad(List<String> parts, LoadStamp stamp) {
      loaded.finishLoad(parts, stamp);
      exportAnew();
    }

    /** An archive is not replaced, it is made once. */
    @Override
    public NameSwitch planSwitch(VectorStore load, LoadStamp stamp) {
      NameSwitch planned = loaded.planSwitch(load, stamp);
      return new NameSwitch(
          planned.name(),
          planned.load(),
          planned.before(),
          planned.kept(),
          planned.gap(),
          planned.before().isEmpty(),
          planned.words(),
          planned.details());
    }

    @Override
    public void switchTo(NameSwitch planned, LoadStamp stamp) {
      NameSwitcher.requirePossible(planned);
      loaded.switchTo(planned, stamp);
      exportAnew();
    }

    @Override
    public void switchBack(NameSwitch planned, LoadStamp stamp) {
      loaded.switchBack(planned, stamp);
      exportAnew();
    }

    @Override
    public boolean dropReplaced(NameSwitch planned, LoadStamp stamp) {
      return loaded.dropReplaced(planned, stamp);
    }

    private void exportAnew() {
      LocalArtifactStore store = new LocalArtifactStore(folder.getParent());
      store.list(NAME).forEach(store::delete);
      if (loaded.exists()) {
        export();
      }
    }

    @Override
    public boolean drop(LoadStamp stamp) {
      boolean dropped = loaded.drop(stamp);
      exportAnew();
      return dropped;
    }

    @Override
    public void close() {
      archived.close();
      loaded.close();
    }
  }
}
