package io.vecferry.store.faiss;

import io.vecferry.plan.FailureClass;
import io.vecferry.plan.FieldMapping;
import io.vecferry.plan.Finding;
import io.vecferry.plan.NameSwitch;
import io.vecferry.record.ElementType;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.VectorKind;
import io.vecferry.store.BatchReader;
import io.vecferry.store.BatchWriter;
import io.vecferry.store.CollectionInfo;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.MappingRows;
import io.vecferry.store.Metric;
import io.vecferry.store.NameSwitcher;
import io.vecferry.store.Neighbours;
import io.vecferry.store.ReservedKeys;
import io.vecferry.store.SearchWidth;
import io.vecferry.store.SourceRange;
import io.vecferry.store.StoreException;
import io.vecferry.store.VectorFieldInfo;
import io.vecferry.store.VectorStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A FAISS index with its metadata, in files. */
final class FaissStore implements VectorStore {
  /** Of components that are kept as codes, for ranges up to one half. */
  private static final double CODES_DEVIATION = 1e-3;

  private final Path path;
  private final String indexName;
  private final String layout;
  private final boolean allowLossy;
  private final boolean target;
  private final MetadataColumns columns;
  private final FaissLoad load;
  private final NameSwitcher switcher;
  private FaissCollection collection;

  /**
   * @param layout what a target looks like
   * @param allowLossy whether vectors may be changed by the index that holds them
   * @param columns where a source has its metadata
   * @param target whether the index is searched with what it was built for; exactly otherwise
   */
  FaissStore(
      Path path,
      String indexName,
      String layout,
      boolean allowLossy,
      MetadataColumns columns,
      boolean target) {
    this.path = path;
    this.indexName = indexName;
    this.layout = layout;
    this.allowLossy = allowLossy;
    this.columns = columns;
    this.target = target;
    this.load = new FaissLoad(path, indexName);
    this.switcher = new NameSwitcher(new SwitchedFolders(indexName));
  }

  private synchronized FaissCollection collection() {
    if (collection == null) {
      collection =
          FaissCollection.open(FaissFiles.find(behindLinks(), indexName, columns.file()), columns);
    }
    return collection;
  }

  /** A link that moves while files are open must not mix the files of two folders. */
  private Path behindLinks() {
    try {
      Path real = path.toRealPath();
      return real.equals(SwitchedFolders.absolute(path)) ? path : real;
    } catch (NoSuchFileException e) {
      return path;
    } catch (IOException e) {
      throw FileErrors.of("reading", path, e);
    }
  }

  private synchronized void forget() {
    if (collection != null) {
      collection.close();
      collection = null;
    }
  }

  @Override
  public boolean exists() {
    try {
      return Files.isDirectory(path) ? !FaissLoad.empty(path) : Files.exists(path);
    } catch (IOException e) {
      throw FileErrors.of("reading", path, e);
    }
  }

  @Override
  public CollectionInfo describe() {
    Manifest manifest = Manifest.read(path);
    if (manifest != null && !manifest.finished()) {
      return new CollectionInfo(
          "FAISS file, " + manifest.layout() + " layout",
          path.toString(),
          List.of(
              new VectorFieldInfo(
                  manifest.fieldName(),
                  manifest.dimension(),
                  manifest.metric(),
                  manifest.metricArgument(),
                  manifest.indexType(),
                  Map.of())),
          EnumSet.noneOf(io.vecferry.record.IdKind.class),
          load.rowsWritten(),
          -1,
          Map.of("layout", manifest.layout(), "finished", "false"),
          "");
    }
    return collection().describe();
  }

  @Override
  public List<Finding> assess() {
    return collection().assess(allowLossy);
  }

  @Override
  public List<Finding> assessLoad(LoadSchema schema) {
    List<Finding> findings = new ArrayList<>();
    if (schema.vectors().size() != 1) {
      findings.add(
          Finding.blocking(
              "target",
              "a FAISS index holds one vector per record, the source has "
                  + schema.vectors().size()
                  + " vector fields",
              "Choose one field."));
      return findings;
    }
    VectorFieldInfo field = schema.vectors().get(0);
    if (field.kind() != VectorKind.DENSE) {
      findings.add(
          Finding.blocking(
              "target",
              "a FAISS index holds dense vectors, field '"
                  + field.name()
                  + "' of the source is "
                  + (field.kind() == VectorKind.SPARSE
                      ? "sparse"
                      : "of several vectors per record"),
              "Migrate to a store that has such vectors."));
      return findings;
    }
    if (field.element() != ElementType.FLOAT32) {
      findings.add(
          Finding.warning(
              "target",
              "the source keeps components as "
                  + field.element()
                  + "; the index gets the same numbers as 32-bit floats"
                  + (field.element() == ElementType.BIT ? ", one per bit" : ""),
              ""));
    }
    if (field.optional()) {
      findings.add(
          Finding.info(
              "target",
              "a FAISS index has no records without a vector; such records are rejects and count"
                  + " against import.maxRejects"));
    }
    boolean langChain = layout.equals(FaissFiles.LANGCHAIN);
    Path parent = path.toAbsolutePath().getParent();
    if (parent == null || !Files.isDirectory(parent)) {
      findings.add(
          Finding.blocking(
              "target.path",
              "the folder " + parent + " is missing",
              "Make it, or correct the path."));
    } else if (!Files.isWritable(parent)) {
      findings.add(
          Finding.blocking(
              "target.path",
              "the folder " + parent + " cannot be written by this user",
              "Allow it, or choose another path."));
    }
    if (field.metric() == Metric.COSINE) {
      findings.add(
          Finding.blocking(
              "target.metric",
              "FAISS has no cosine metric",
              "Use ip, which is the same for vectors of unit length."));
    } else if (field.metric() == Metric.HAMMING || field.metric() == Metric.JACCARD) {
      findings.add(
          Finding.blocking(
              "target.metric",
              "FAISS has no metric "
                  + field.metric().spelling()
                  + " for floats, and binary indexes are read but not written",
              "Choose a store that holds bits."));
    } else if (langChain && field.metric() != Metric.L2 && field.metric() != Metric.IP) {
      findings.add(
          Finding.warning(
              "target.metric",
              "LangChain reads an index with metric "
                  + field.metric().spelling()
                  + " but knows only l2 and ip for its own scores",
              ""));
    }
    if (field.dimension() < 1 || field.dimension() > 1 << 20) {
      findings.add(
          Finding.blocking(
              "target", "dimension " + field.dimension() + " is not between 1 and 1048576", ""));
    }
    IndexPlan.Parsed parsed = IndexPlan.parse(field.indexType(), field.indexParams());
    findings.addAll(parsed.problems());
    if (parsed.plan() != null) {
      findings.addAll(
          new IndexAssessment(
                  parsed.plan(),
                  schema,
                  langChain,
                  allowLossy,
                  Parallel.threads(),
                  Runtime.getRuntime().maxMemory())
              .findings());
    }
    if (Files.exists(path) && !Files.isDirectory(path)) {
      findings.add(
          Finding.blocking("target.path", path + " is a file", "Give the path of a folder."));
    }
    if (langChain) {
      findings.add(
          Finding.warning(
              "target.options.layout",
              "LangChain has only text ids, and no records without document or metadata: such"
                  + " records get text ids, \"\" and {} there; what they were is kept in metadata"
                  + " keys that start with "
                  + ReservedKeys.PREFIX
                  + " and in "
                  + Manifest.NAME
                  + ", and vecferry gives it back when it reads the folder",
              ""));
    }
    return findings;
  }

  @Override
  public List<FieldMapping> mapping(LoadSchema schema) {
    boolean langChain = layout.equals(FaissFiles.LANGCHAIN);
    VectorFieldInfo field = schema.vectors().get(0);
    String type = IndexPlan.parse(field.indexType(), field.indexParams()).plan().type().name();
    return new MappingRows(schema)
        .id(
            langChain ? "id in the docstore" : "id in the metadata file",
            langChain ? Set.of(IdKind.STRING) : EnumSet.allOf(IdKind.class),
            "as text; the kind is noted beside")
        .vectors(one -> "index file, " + type.toLowerCase(Locale.ROOT), deviation(schema))
        .document(langChain ? "page_content" : "document in the metadata file")
        .keys(
            key -> (langChain ? "metadata key " : "in the metadata file, ") + key.name(),
            key -> FieldMapping.EXACT)
        .rows();
  }

  @Override
  public double deviation(LoadSchema schema) {
    VectorFieldInfo field = schema.vectors().get(0);
    return IndexPlan.parse(field.indexType(), field.indexParams()).plan().type().codes()
        ? CODES_DEVIATION
        : 0;
  }

  @Override
  public List<SourceRange> split(int wanted) {
    return collection().split(wanted);
  }

  @Override
  public BatchReader read(SourceRange range, String cursor, int batchSize) {
    return collection().read(range, cursor, batchSize);
  }

  @Override
  public RecordBatch fetch(IdColumn ids) {
    return collection().fetch(ids);
  }

  @Override
  public Neighbours search(String field, float[] queries, int count, int k) {
    return search(field, queries, count, k, 0);
  }

  @Override
  public Optional<SearchWidth> searchWidth(String field, int k) {
    return target ? collection().searchWidth(k) : Optional.empty();
  }

  @Override
  public Neighbours search(String field, float[] queries, int count, int k, long width) {
    if (!field.equals(collection().fieldName())) {
      throw FileErrors.incompatible(
          "a FAISS index has one vector field, here '"
              + collection().fieldName()
              + "'; '"
              + field
              + "' is not there");
    }
    return collection().search(queries, count, k, target, Math.toIntExact(width));
  }

  @Override
  public void create(LoadSchema schema, LoadStamp stamp) {
    for (Finding finding : assessLoad(schema)) {
      // What is wrong with the folder itself, the load says with its own class of failure.
      if (finding.severity() == Finding.Severity.BLOCKING
          && !finding.subject().equals("target.path")) {
        throw FileErrors.incompatible(finding.toString());
      }
    }
    load.create(schema, stamp, layout);
  }

  @Override
  public boolean searchesExactly(String field) {
    // Of a load that is not finished too: its files cannot be read yet.
    Manifest manifest = target ? Manifest.read(path) : null;
    return manifest == null || !manifest.mayMiss();
  }

  @Override
  public Optional<LoadStamp> stamp() {
    return Optional.ofNullable(Manifest.read(path)).map(Manifest::stamp);
  }

  @Override
  public BatchWriter write(String part, LoadStamp stamp) {
    return load.write(part, stamp);
  }

  @Override
  public void finishLoad(List<String> parts, LoadStamp stamp) {
    load.finish(parts, stamp);
  }

  @Override
  public NameSwitch planSwitch(VectorStore loaded, LoadStamp stamp) {
    if (!(loaded instanceof FaissStore other)) {
      throw FileErrors.incompatible("only a FAISS load can get the name " + path);
    }
    String name = SwitchedFolders.absolute(path).toString();
    String load = SwitchedFolders.absolute(other.path).toString();
    if (Files.exists(path) && !Files.isDirectory(path)) {
      return new NameSwitch(
          name,
          load,
          name,
          "",
          NameSwitch.Gap.NONE,
          false,
          path + " is a file, and a load is a folder. Give the path of a folder.",
          Map.of());
    }
    return switcher.plan(name, load, stamp);
  }

  @Override
  public void switchTo(NameSwitch planned, LoadStamp stamp) {
    Manifest manifest = Manifest.read(Path.of(planned.load()));
    if (manifest != null && !manifest.finished()) {
      throw FileErrors.incompatible(
          planned.load() + " is not finished and cannot get the name " + planned.name());
    }
    switcher.switchTo(planned, stamp);
    forget();
  }

  @Override
  public void switchBack(NameSwitch planned, LoadStamp stamp) {
    switcher.switchBack(planned, stamp);
    forget();
  }

  @Override
  public boolean dropReplaced(NameSwitch planned, LoadStamp stamp) {
    return switcher.dropReplaced(planned, stamp);
  }

  @Override
  public void remove(IdColumn ids, LoadStamp stamp) {
    throw new StoreException(
        FailureClass.INCOMPATIBLE, "an index file cannot lose single records, only be built anew");
  }

  @Override
  public boolean drop(LoadStamp stamp) {
    boolean dropped = load.drop(stamp);
    forget();
    return dropped;
  }

  @Override
  public void close() {
    forget();
  }
}
