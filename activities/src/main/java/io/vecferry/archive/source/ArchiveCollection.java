package io.vecferry.archive.source;

import io.vecferry.archive.Archive;
import io.vecferry.archive.ArchiveListing;
import io.vecferry.archive.ArchiveOrigin;
import io.vecferry.archive.ArchiveProblem;
import io.vecferry.archive.ArchiveSearch;
import io.vecferry.archive.PartReader;
import io.vecferry.archive.PartSchema;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.FieldMapping;
import io.vecferry.plan.Finding;
import io.vecferry.plan.NameSwitch;
import io.vecferry.plan.PlannedField;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.MultiVectors;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.SparseVectors;
import io.vecferry.record.TextColumn;
import io.vecferry.record.VectorColumn;
import io.vecferry.record.VectorKind;
import io.vecferry.search.ExactSearch;
import io.vecferry.store.BatchReader;
import io.vecferry.store.BatchWriter;
import io.vecferry.store.CollectionInfo;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.Neighbours;
import io.vecferry.store.SourceRange;
import io.vecferry.store.StoreException;
import io.vecferry.store.VectorFieldInfo;
import io.vecferry.store.VectorStore;
import io.vecferry.verify.ArchiveCheck;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The parts of an archive as a collection that can be read. It is described as what was archived,
 * so that a target can become like that. Lists the parts once; what is damaged later is found when
 * it is read.
 */
final class ArchiveCollection implements VectorStore {
  private static final int BLOCK_ROWS = 4096;
  private static final int NOT_FOUND = -1;

  private final Archive archive;
  private final String folder;
  private final String name;
  private final boolean allowIncomplete;
  private ArchiveListing listing;

  /**
   * @param folder {@link Archive#SOURCE} or {@link Archive#TARGET_BACKUP}
   * @param name the path as the user wrote it
   * @param allowIncomplete whether files may be missing
   */
  ArchiveCollection(Archive archive, String folder, String name, boolean allowIncomplete) {
    this.archive = archive;
    this.folder = folder;
    this.name = name;
    this.allowIncomplete = allowIncomplete;
  }

  @Override
  public boolean exists() {
    return archive.exists(Archive.manifestName(folder)) || !archive.parts(folder).isEmpty();
  }

  @Override
  public CollectionInfo describe() {
    ArchiveOrigin origin = ArchiveOrigin.read(archive, folder);
    PartSchema schema = schema();
    Map<String, String> configuration = new LinkedHashMap<>(origin.configuration());
    if (!origin.type().isEmpty()) {
      configuration.put(ArchiveOrigin.TYPE, origin.type());
    }
    return new CollectionInfo(
        origin.store().isEmpty() || origin.store().startsWith("archive of ")
            ? "archive"
            : "archive of " + origin.store(),
        name,
        schema.vectors().stream()
            .map(field -> fieldInfo(field, origin.fields().get(field.name())))
            .toList(),
        schema.idKinds(),
        listing().rows(),
        listing().bytes(),
        configuration,
        fingerprint());
  }

  /** A field with the index that it had in the archived collection. */
  private static VectorFieldInfo fieldInfo(PartSchema.VectorField field, PlannedField planned) {
    boolean known = planned != null && planned.indexType() != null && planned.indexParams() != null;
    return new VectorFieldInfo(
        field.name(),
        field.kind(),
        field.element(),
        field.dimension(),
        field.metric(),
        field.metricArgument(),
        known ? planned.indexType() : "",
        known ? planned.indexParams() : Map.of(),
        field.optional());
  }

  private PartSchema schema() {
    Optional<PartSchema> listed = listing().manifest().map(manifest -> manifest.schema());
    return listed.orElseGet(
        () -> {
          try (PartReader reader = PartReader.open(archive.store(), parts().get(0).path())) {
            return reader.schema();
          }
        });
  }

  private String fingerprint() {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (ArchiveListing.Part part : parts()) {
        String line =
            part.sidecar().rows()
                + " "
                + part.sidecar().bytes()
                + " "
                + part.sidecar().checksum()
                + "\n";
        digest.update(line.getBytes(StandardCharsets.UTF_8));
      }
      return HexFormat.of().formatHex(digest.digest(), 0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public List<Finding> assess() {
    listing();
    List<Finding> findings = new ArrayList<>();
    for (ArchiveProblem problem :
        ArchiveCheck.check(archive, folder, ArchiveCheck.Depth.FILES).problems()) {
      boolean allowed = problem.absence() && allowIncomplete;
      findings.add(
          allowed
              ? Finding.warning("source", problem.message() + ".", "")
              : Finding.blocking("source", problem.message() + ".", remedy(problem)));
    }
    return findings;
  }

  private static String remedy(ArchiveProblem problem) {
    return problem.remedy()
        + (problem.absence()
            ? " source." + ArchiveProvider.ALLOW_INCOMPLETE + " loads what is there."
            : "");
  }

  @Override
  public List<SourceRange> split(int wanted) {
    List<ArchiveListing.Part> parts = parts();
    long rows = listing().rows();
    List<SourceRange> ranges = new ArrayList<>();
    long inRange = 0;
    long done = 0;
    int first = 0;
    for (int part = 0; part < parts.size(); part++) {
      inRange += parts.get(part).sidecar().rows();
      done += parts.get(part).sidecar().rows();
      boolean full = done * wanted >= rows * (ranges.size() + 1L);
      if (part == parts.size() - 1 || (full && ranges.size() < wanted - 1)) {
        ranges.add(
            new SourceRange(
                new ArchivePosition(first, 0).toString(),
                new ArchivePosition(part + 1, 0).toString(),
                inRange,
                true));
        first = part + 1;
        inRange = 0;
      }
    }
    return List.copyOf(ranges);
  }

  @Override
  public BatchReader read(SourceRange range, String cursor, int batchSize) {
    return new ArchiveReader(
        archive.store(),
        parts().stream().map(ArchiveListing.Part::path).toList(),
        ArchivePosition.parse(cursor == null ? range.start() : cursor),
        ArchivePosition.parse(range.end()),
        batchSize);
  }

  /**
   * Reads the ids of all parts until all are found: the memory does not grow with the archive, the
   * time does.
   */
  @Override
  public RecordBatch fetch(IdColumn ids) {
    Map<ArchiveSearch.Id, Integer> positions = new HashMap<>();
    for (int row = 0; row < ids.rows(); row++) {
      positions.put(id(ids, row), NOT_FOUND);
    }
    List<RecordBatch> found = new ArrayList<>();
    int count = 0;
    for (ArchiveListing.Part part : parts()) {
      if (count == positions.size()) {
        break;
      }
      try (PartReader reader = PartReader.open(archive.store(), part.path())) {
        count = fetch(reader, positions, found, count);
      }
    }
    int[] order =
        IntStream.range(0, ids.rows())
            .map(row -> positions.get(id(ids, row)))
            .filter(position -> position != NOT_FOUND)
            .toArray();
    return found.isEmpty() ? noRecords() : RecordBatch.concat(found).select(order);
  }

  private static ArchiveSearch.Id id(IdColumn ids, int row) {
    return new ArchiveSearch.Id(ids.kind(row), ids.get(row));
  }

  /** Adds the records of a part that are wanted, and notes where they are in what was found. */
  private static int fetch(
      PartReader reader,
      Map<ArchiveSearch.Id, Integer> positions,
      List<RecordBatch> found,
      int countBefore) {
    int count = countBefore;
    List<Long> rows = new ArrayList<>();
    PartReader.Batches ids = reader.batches(0, BLOCK_ROWS, EnumSet.of(PartReader.Column.IDS));
    long first = 0;
    for (RecordBatch batch = ids.next(); batch != null; batch = ids.next()) {
      for (int row = 0; row < batch.rows(); row++) {
        if (positions.replace(id(batch.ids(), row), NOT_FOUND, count)) {
          rows.add(first + row);
          count++;
        }
      }
      first += batch.rows();
    }
    if (rows.isEmpty()) {
      return count;
    }
    first = rows.get(0);
    PartReader.Batches records =
        reader.batches(first, BLOCK_ROWS, EnumSet.allOf(PartReader.Column.class));
    int next = 0;
    while (next < rows.size()) {
      RecordBatch batch = records.next();
      int from = next;
      while (next < rows.size() && rows.get(next) < first + batch.rows()) {
        next++;
      }
      long start = first;
      found.add(
          batch.select(
              rows.subList(from, next).stream().mapToInt(row -> (int) (row - start)).toArray()));
      first += batch.rows();
    }
    return count;
  }

  private RecordBatch noRecords() {
    List<VectorColumn> vectors = new ArrayList<>();
    for (PartSchema.VectorField field : schema().vectors()) {
      vectors.add(
          switch (field.kind()) {
            case DENSE -> new DenseVectors(field.name(), field.dimension(), new float[0]);
            case SPARSE ->
                new SparseVectors(field.name(), new int[1], new int[0], new float[0], null);
            case MULTI ->
                new MultiVectors(field.name(), field.dimension(), new int[1], new float[0], null);
          });
    }
    return new RecordBatch(
        IdColumn.ofStrings(), vectors, TextColumn.allNull(0), TextColumn.allNull(0));
  }

  @Override
  public Neighbours search(String field, float[] queries, int count, int k) {
    PartSchema.VectorField searched =
        schema().vectors().stream()
            .filter(candidate -> candidate.name().equals(field))
            .filter(candidate -> candidate.kind() == VectorKind.DENSE)
            .findFirst()
            .orElseThrow(
                () ->
                    new StoreException(
                        FailureClass.INCOMPATIBLE,
                        name + " has no field of dense vectors '" + field + "'"));
    ArchiveSearch search =
        new ArchiveSearch(
            archive.store(), parts().stream().map(ArchiveListing.Part::path).toList(), searched);
    ExactSearch found = search.nearest(queries, count, k);
    Map<Long, ArchiveSearch.Id> ids = search.ids(found, count);
    int[] counts = new int[count];
    IdKind[] kinds = new IdKind[count * k];
    Arrays.fill(kinds, IdKind.STRING);
    float[] scores = new float[count * k];
    TextColumn.Builder texts = new TextColumn.Builder(count * k);
    for (int query = 0; query < count; query++) {
      long[] rows = found.rows(query);
      float[] scored = found.scores(query);
      counts[query] = rows.length;
      for (int answer = 0; answer < k; answer++) {
        if (answer < rows.length) {
          ArchiveSearch.Id id = ids.get(rows[answer]);
          texts.add(id.text());
          kinds[query * k + answer] = id.kind();
          scores[query * k + answer] = scored[answer];
        } else {
          texts.add("");
        }
      }
    }
    return new Neighbours(k, counts, new IdColumn(texts.build(), kinds), scores);
  }

  @Override
  public boolean searchesExactly(String field) {
    return true;
  }

  @Override
  public List<Finding> assessLoad(LoadSchema schema) {
    return List.of(
        Finding.blocking(
            "target.type",
            "an archive is only read.",
            "Every migration writes an archive of its own; choose another store."));
  }

  @Override
  public List<FieldMapping> mapping(LoadSchema schema) {
    throw new UnsupportedOperationException("an archive is only read");
  }

  @Override
  public void create(LoadSchema schema, LoadStamp stamp) {
    throw onlyRead();
  }

  @Override
  public Optional<LoadStamp> stamp() {
    return Optional.empty();
  }

  @Override
  public BatchWriter write(String part, LoadStamp stamp) {
    throw onlyRead();
  }

  @Override
  public void finishLoad(List<String> parts, LoadStamp stamp) {
    throw onlyRead();
  }

  @Override
  public NameSwitch planSwitch(VectorStore load, LoadStamp stamp) {
    throw onlyRead();
  }

  @Override
  public void switchTo(NameSwitch planned, LoadStamp stamp) {
    throw onlyRead();
  }

  @Override
  public void switchBack(NameSwitch planned, LoadStamp stamp) {
    throw onlyRead();
  }

  @Override
  public boolean dropReplaced(NameSwitch planned, LoadStamp stamp) {
    throw onlyRead();
  }

  @Override
  public void remove(IdColumn ids, LoadStamp stamp) {
    throw new StoreException(FailureClass.INCOMPATIBLE, name + " is an archive; it is kept");
  }

  @Override
  public boolean drop(LoadStamp stamp) {
    if (exists()) {
      throw new StoreException(FailureClass.TARGET_CHANGED, name + " is an archive; it is kept");
    }
    return false;
  }

  @Override
  public void close() {
    // Files are open only while they are read.
  }

  private StoreException onlyRead() {
    return new StoreException(FailureClass.INCOMPATIBLE, name + " is an archive; it is only read");
  }

  private List<ArchiveListing.Part> parts() {
    return listing().parts();
  }

  private synchronized ArchiveListing listing() {
    if (listing == null) {
      ArchiveListing found = ArchiveListing.of(archive, folder);
      if (found.manifest().isEmpty() && found.parts().isEmpty()) {
        throw new StoreException(
            FailureClass.MISSING,
            name
                + " is not an archive: it has neither "
                + Archive.manifestName(folder)
                + " nor finished parts in "
                + folder
                + "/."
                + found.problems().stream()
                    .filter(problem -> !problem.absence())
                    .map(problem -> " " + problem)
                    .collect(Collectors.joining()));
      }
      listing = found;
    }
    return listing;
  }
}
