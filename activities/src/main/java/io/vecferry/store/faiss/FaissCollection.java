package io.vecferry.store.faiss;

import io.vecferry.plan.FailureClass;
import io.vecferry.plan.Finding;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.record.VectorKind;
import io.vecferry.search.ExactSearch;
import io.vecferry.store.BatchReader;
import io.vecferry.store.CollectionInfo;
import io.vecferry.store.Neighbours;
import io.vecferry.store.SearchWidth;
import io.vecferry.store.SourceRange;
import io.vecferry.store.StoreException;
import io.vecferry.store.VectorFieldInfo;
import java.io.IOException;
import java.lang.ref.SoftReference;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import java.util.zip.CRC32C;

/**
 * A finished index with what stands beside it, opened for reading. Thread-safe; every reader has
 * its own file handles.
 */
final class FaissCollection implements AutoCloseable {
  /** Files up to this size are summed up whole to recognise them, of others head and tail. */
  private static final long WHOLE_CHECKSUM = 64L << 20;

  private static final int FIRST_FEW = 5;
  private static final int REMEMBERED_POSITIONS = 1024;

  /** Ids of more records are not held in memory to look for duplicates: this many take 64 MB. */
  private static final long LARGEST_DUPLICATE_CHECK = 8_000_000;

  private static final long PARALLEL_SEARCH_FLOATS = 1L << 22;

  private final FaissFiles files;
  private final IndexFile index;
  private final Sidecar sidecar;
  private final Manifest manifest;
  private final Path temporary;
  private final Map<Path, Seen> seen;
  private final Map<IdKey, Position> positions =
      new LinkedHashMap<>(64, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<IdKey, Position> eldest) {
          return size() > REMEMBERED_POSITIONS;
        }
      };
  private Map<IdKey, Manifest.Segment> segments;
  private volatile IdIndex idIndex;
  private SoftReference<IndexSearch> built;
  private volatile Set<IdKind> knownKinds;

  private record Seen(long size, FileTime modified) {}

  private record IdKey(IdKind kind, String text) {}

  private record Position(long row, long offset) {}

  private FaissCollection(
      FaissFiles files,
      IndexFile index,
      Sidecar sidecar,
      Manifest manifest,
      Path temporary,
      Map<Path, Seen> seen) {
    this.files = files;
    this.index = index;
    this.sidecar = sidecar;
    this.manifest = manifest;
    this.temporary = temporary;
    this.seen = seen;
  }

  /** What the metadata is called in messages; null where there is none. */
  private static String beside(FaissFiles files) {
    return switch (files.layout()) {
      case FaissFiles.VECFERRY, FaissFiles.FILE -> files.metadata().toString();
      case FaissFiles.LANGCHAIN -> files.pickle().toString();
      case FaissFiles.LLAMA_INDEX -> files.folder().resolve(LlamaIndexReader.DOCSTORE).toString();
      default -> null;
    };
  }

  private static Path convert(
      FaissFiles files, MetadataColumns columns, IndexFile index, IdKind kind) {
    return switch (files.layout()) {
      case FaissFiles.LANGCHAIN -> LangChainReader.convert(files.pickle(), index, kind);
      case FaissFiles.LLAMA_INDEX -> LlamaIndexReader.convert(files.folder(), index);
      default -> MetadataFileReader.convert(files.metadata(), columns, index);
    };
  }

  static FaissCollection open(FaissFiles files, MetadataColumns columns) {
    Map<Path, Seen> seen = new LinkedHashMap<>();
    for (Path path : files.all()) {
      seen.put(path, look(path));
    }
    IndexFile index = IndexFile.open(files.index());
    for (Path path : index.paths()) {
      seen.computeIfAbsent(path, FaissCollection::look);
    }
    if (beside(files) != null) {
      index = index.inOrder();
    }
    Manifest manifest = null;
    try {
      if (files.manifest() != null && files.manifest().matches(files.folder())) {
        manifest = files.manifest();
      }
    } catch (IOException e) {
      throw FileErrors.of("reading", files.folder(), e);
    }
    String name = beside(files);
    Path temporary = null;
    Sidecar sidecar = null;
    if (files.layout().equals(FaissFiles.VECFERRY)) {
      sidecar = new Sidecar(files.metadata(), name, index.rows());
    } else if (name != null) {
      IndexFile lines = index;
      IdKind kind = manifest == null ? null : manifest.idKind();
      Object settings = files.layout().equals(FaissFiles.FILE) ? columns : kind;
      temporary =
          SpillCache.acquire(
              new SpillCache.Key(seen.toString(), Arrays.asList(files.layout(), settings)),
              () -> convert(files, columns, lines, kind));
      sidecar = new Sidecar(temporary, name, index.rows());
    }
    return new FaissCollection(files, index, sidecar, manifest, temporary, seen);
  }

  private static Seen look(Path path) {
    try {
      BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
      return new Seen(attributes.size(), attributes.lastModifiedTime());
    } catch (IOException e) {
      throw FileErrors.of("reading", path, e);
    }
  }

  private void requireUnchanged() {
    for (Map.Entry<Path, Seen> file : seen.entrySet()) {
      if (!look(file.getKey()).equals(file.getValue())) {
        throw new StoreException(
            FailureClass.SOURCE_CHANGED,
            file.getKey()
                + " was changed since it was opened; the migration needs a file that rests");
      }
    }
  }

  CollectionInfo describe() {
    Map<String, String> configuration = new LinkedHashMap<>();
    configuration.put("layout", files.layout());
    configuration.put("indexType", index.indexType());
    configuration.put("indexFile", files.index().getFileName() + " (" + index.size() + " bytes)");
    for (Path path : index.paths()) {
      if (!path.equals(files.index())) {
        configuration.put(
            "listsFile", path.getFileName() + " (" + seen.get(path).size() + " bytes)");
      }
    }
    Precision precision = index.precision();
    configuration.put("codec", precision.codec());
    if (precision.lossy()) {
      configuration.put("lossy", precision.loss());
    }
    if (index.countedRows() != index.rows()) {
      configuration.put("countedVectors", Long.toString(index.countedRows()));
    }
    for (Path path : files.all()) {
      if (!path.equals(files.index())) {
        configuration.merge(
            "metadataFile",
            path.getFileName() + " (" + seen.get(path).size() + " bytes)",
            (first, second) -> first + ", " + second);
      }
    }
    if (index.metricArgument() != 0) {
      configuration.put("metricArgument", Float.toString(index.metricArgument()));
    }
    if (manifest != null) {
      configuration.put("writtenBy", "vecferry, migration " + manifest.stamp().migration());
    }
    VectorFieldInfo field =
        new VectorFieldInfo(
            fieldName(),
            VectorKind.DENSE,
            precision.element(),
            index.dimension(),
            index.metric(),
            index.metricArgument(),
            index.indexType(),
            index.indexParams(),
            false);
    return new CollectionInfo(
        "FAISS file, " + files.layout() + " layout",
        files.path().toString(),
        List.of(field),
        idKinds(),
        index.rows(),
        seen.values().stream().mapToLong(Seen::size).sum(),
        configuration,
        fingerprint());
  }

  /** What records call the vector: nothing, unless this was loaded from a store with names. */
  String fieldName() {
    return manifest == null ? "" : manifest.fieldName();
  }

  private Set<IdKind> idKinds() {
    if (sidecar == null) {
      return EnumSet.of(IdKind.INT64);
    }
    if (manifest != null && manifest.idKind() != null) {
      return EnumSet.of(manifest.idKind());
    }
    if (knownKinds != null && !knownKinds.isEmpty()) {
      return knownKinds;
    }
    // The kinds of the first rows stand for all until assess() has read every row.
    EnumSet<IdKind> kinds = EnumSet.noneOf(IdKind.class);
    try (MetaReader reader = sidecar.reader(0, 0)) {
      for (int i = 0; i < 1000 && reader.next(); i++) {
        reader.parseId();
        kinds.add(reader.idKind());
      }
    } catch (IOException e) {
      throw FileErrors.of("reading", files.path(), e);
    }
    return kinds.isEmpty() ? EnumSet.of(IdKind.STRING) : kinds;
  }

  private String fingerprint() {
    StringBuilder text = new StringBuilder();
    ByteBuffer block = ByteBuffer.allocate(1 << 20);
    for (Map.Entry<Path, Seen> file : seen.entrySet()) {
      CRC32C checksum = new CRC32C();
      long size = file.getValue().size();
      try (FileChannel channel = FileChannel.open(file.getKey(), StandardOpenOption.READ)) {
        long[] places =
            size <= WHOLE_CHECKSUM
                ? LongStream.iterate(0, at -> at < size, at -> at + block.capacity()).toArray()
                : new long[] {0, size - block.capacity()};
        for (long from : places) {
          block.clear();
          while (block.hasRemaining() && channel.read(block, from + block.position()) > 0) {
            continue;
          }
          checksum.update(block.flip());
        }
      } catch (IOException e) {
        throw FileErrors.of("reading", file.getKey(), e);
      }
      text.append(text.isEmpty() ? "" : ";")
          .append(file.getKey().getFileName())
          .append(':')
          .append(size)
          .append(':')
          .append(file.getValue().modified().to(TimeUnit.NANOSECONDS))
          .append(':')
          .append(Long.toHexString(checksum.getValue()));
    }
    return text.toString();
  }

  List<SourceRange> split(int wanted) {
    requireUnchanged();
    long rows = index.rows();
    int parts = (int) Math.max(1, Math.min(wanted, rows));
    List<SourceRange> ranges = new ArrayList<>(parts);
    long first = 0;
    long firstOffset = 0;
    try (MetaReader reader = sidecar == null ? null : sidecar.reader(0, 0)) {
      for (int part = 0; part < parts; part++) {
        long end = Math.multiplyHigh(rows, part + 1L) == 0 ? rows * (part + 1L) / parts : rows;
        long endOffset = 0;
        if (reader != null) {
          sidecar.seek(reader, end);
          endOffset = reader.nextOffset();
        }
        ranges.add(
            new SourceRange(cursor(first, firstOffset), cursor(end, endOffset), end - first, true));
        first = end;
        firstOffset = endOffset;
      }
    } catch (IOException e) {
      throw FileErrors.of("reading", files.path(), e);
    }
    return ranges;
  }

  private static String cursor(long row, long offset) {
    return row + "@" + offset;
  }

  private Position position(String cursor) {
    int at = cursor.indexOf('@');
    try {
      long row = Long.parseLong(cursor.substring(0, Math.max(at, 0)));
      long offset = Long.parseLong(cursor.substring(at + 1));
      if (row >= 0 && row <= index.rows() && offset >= 0) {
        return new Position(row, offset);
      }
    } catch (NumberFormatException e) {
      // Reported below, like numbers that are out of range.
    }
    throw new StoreException(
        FailureClass.SOURCE_CHANGED,
        "the cursor '"
            + cursor
            + "' does not fit "
            + files.path()
            + " with "
            + index.rows()
            + " rows");
  }

  BatchReader read(SourceRange range, String cursor, int batchSize) {
    requireUnchanged();
    Position from = position(cursor == null ? range.start() : cursor);
    return new RangeReader(from, position(range.end()).row(), batchSize);
  }

  /** Reads consecutive rows. */
  private final class RangeReader implements BatchReader {
    private final long end;
    private final int batchSize;
    private final IndexFile.Reader vectors = index.reader();
    private final MetaReader lines;
    private final long[] labels;
    private long row;

    private RangeReader(Position from, long end, int batchSize) {
      this.row = from.row();
      this.end = end;
      this.batchSize = batchSize;
      this.lines = sidecar == null ? null : sidecar.reader(from.row(), from.offset());
      this.labels = new long[batchSize];
    }

    @Override
    public RecordBatch next() {
      int rows = (int) Math.min(batchSize, end - row);
      if (rows <= 0) {
        return null;
      }
      float[] values = new float[Math.multiplyExact(rows, index.dimension())];
      try {
        vectors.vectors(row, rows, values, 0);
        if (lines == null || index.labelled()) {
          vectors.labels(row, rows, labels);
        }
        RecordBatch batch = records(rows, values);
        row += rows;
        return batch;
      } catch (IOException e) {
        throw FileErrors.of("reading", files.path(), e);
      }
    }

    private RecordBatch records(int rows, float[] values) throws IOException {
      DenseVectors column = new DenseVectors(fieldName(), index.dimension(), values);
      if (lines == null) {
        return new RecordBatch(
            labelIds(labels, rows),
            List.of(column),
            TextColumn.allNull(rows),
            TextColumn.allNull(rows));
      }
      Columns columns = new Columns(rows);
      for (int i = 0; i < rows; i++) {
        if (!lines.next()) {
          throw sidecar.linesDiffer(lines.nextRow());
        }
        columns.add(lines);
        long label = index.labelled() ? labels[i] : row + i;
        if (lines.hasLabel() && lines.label() != label) {
          throw lines.bad(
              "it says faiss_id " + lines.label() + ", the index has " + label + " at this row");
        }
      }
      return columns.batch(column);
    }

    @Override
    public String cursor() {
      return FaissCollection.cursor(row, lines == null ? 0 : lines.nextOffset());
    }

    @Override
    public void close() {
      try {
        vectors.close();
        if (lines != null) {
          lines.close();
        }
      } catch (IOException e) {
        throw FileErrors.of("closing", files.path(), e);
      }
    }
  }

  private static IdColumn labelIds(long[] labels, int rows) {
    TextColumn.Builder texts = new TextColumn.Builder(rows);
    for (int i = 0; i < rows; i++) {
      texts.add(Long.toString(labels[i]));
    }
    return IdColumn.of(IdKind.INT64, texts.build());
  }

  /** Columns of a batch that are collected from lines. */
  private static final class Columns {
    private final TextColumn.Builder ids;
    private final TextColumn.Builder documents;
    private final TextColumn.Builder metadata;
    private final IdKind[] kinds;
    private boolean uniform = true;
    private int rows;

    private Columns(int expected) {
      ids = new TextColumn.Builder(expected);
      documents = new TextColumn.Builder(expected);
      metadata = new TextColumn.Builder(expected);
      kinds = new IdKind[expected];
    }

    private void add(MetaReader line) {
      line.parse(documents, metadata);
      addId(line);
    }

    private void addId(MetaReader line) {
      line.addId(ids);
      kinds[rows] = line.idKind();
      uniform &= kinds[rows] == kinds[0];
      rows++;
    }

    private IdColumn ids() {
      if (rows == 0) {
        return IdColumn.of(IdKind.STRING, ids.build());
      }
      return new IdColumn(
          ids.build(), uniform ? new IdKind[] {kinds[0]} : Arrays.copyOf(kinds, rows));
    }

    private RecordBatch batch(DenseVectors vectors) {
      return new RecordBatch(ids(), List.of(vectors), documents.build(), metadata.build());
    }
  }

  RecordBatch fetch(IdColumn ids) {
    requireUnchanged();
    try (IndexFile.Reader vectors = index.reader();
        MetaReader lines = sidecar == null ? null : sidecar.reader(0, 0)) {
      return sidecar == null ? fetchLabels(ids, vectors) : fetchLines(ids, vectors, lines);
    } catch (IOException e) {
      throw FileErrors.of("reading", files.path(), e);
    }
  }

  private RecordBatch fetchLabels(IdColumn ids, IndexFile.Reader vectors) throws IOException {
    long[] wanted = new long[ids.rows()];
    int asked = 0;
    for (int i = 0; i < ids.rows(); i++) {
      if (ids.kind(i) == IdKind.INT64) {
        try {
          wanted[asked] = Long.parseLong(ids.get(i));
          asked++;
        } catch (NumberFormatException e) {
          // No label is spelled like that.
        }
      }
    }
    long[] rows = new long[asked];
    long[] labels = new long[asked];
    int found = index.labelled() ? run(wanted, asked, rows, vectors) : 0;
    System.arraycopy(wanted, 0, labels, 0, found);
    for (int i = found; i < asked; i++) {
      long label = wanted[i];
      long row =
          index.labelled()
              ? ids().find(label, vectors)
              : label >= 0 && label < index.rows() ? label : -1;
      if (row >= 0) {
        rows[found] = row;
        labels[found++] = label;
      }
    }
    return new RecordBatch(
        labelIds(labels, found),
        List.of(vectors(rows, found, vectors)),
        TextColumn.allNull(found),
        TextColumn.allNull(found));
  }

  /**
   * Finds labels that stand one after the other in the file, as they are normally asked for: from
   * where an earlier fetch ended, or where a segment starts.
   *
   * @return how many of the first ones were found so
   */
  private int run(long[] wanted, int asked, long[] rows, IndexFile.Reader vectors)
      throws IOException {
    Position start = asked == 0 ? null : known(labelKey(wanted[0]));
    if (start == null) {
      return 0;
    }
    int count = (int) Math.min(asked + 1L, index.rows() - start.row());
    long[] there = new long[count];
    vectors.labels(start.row(), count, there);
    int same = 0;
    while (same < Math.min(asked, count) && there[same] == wanted[same]) {
      rows[same] = start.row() + same;
      same++;
    }
    if (same < count) {
      synchronized (this) {
        positions.put(labelKey(there[same]), new Position(start.row() + same, -1));
      }
    }
    return same;
  }

  private static IdKey labelKey(long label) {
    return new IdKey(IdKind.INT64, Long.toString(label));
  }

  private RecordBatch fetchLines(IdColumn ids, IndexFile.Reader vectors, MetaReader lines)
      throws IOException {
    long[] rows = new long[ids.rows()];
    Columns columns = new Columns(ids.rows());
    int found = 0;
    boolean ready = false;
    for (int i = 0; i < ids.rows(); i++) {
      // Rows are normally asked for in the order of the file: the next line is the wanted one.
      boolean here = ready && lines.nextRow() < index.rows() && lines.next();
      if (here) {
        lines.parseId();
        here = lines.idIs(ids.kind(i), ids.texts(), i);
      }
      if (!here && !(here = jump(ids, i, lines))) {
        long row = ids().find(ids, i, lines);
        ready = false;
        if (row < 0) {
          continue;
        }
      }
      ready = true;
      rows[found++] = lines.row();
      columns.add(lines);
    }
    if (ready) {
      rememberNext(lines);
    }
    return columns.batch(vectors(rows, found, vectors));
  }

  /** Goes to where an earlier fetch ended or a segment starts, if the wanted id stands there. */
  private boolean jump(IdColumn ids, int row, MetaReader lines) throws IOException {
    Position position = known(new IdKey(ids.kind(row), ids.get(row)));
    if (position == null) {
      return false;
    }
    if (position.offset() >= 0) {
      lines.seek(position.row(), position.offset());
    } else {
      sidecar.seek(lines, position.row());
    }
    if (!lines.next()) {
      return false;
    }
    lines.parseId();
    return lines.idIs(ids.kind(row), ids.texts(), row);
  }

  private synchronized Position known(IdKey id) throws IOException {
    if (segments == null) {
      segments = new HashMap<>();
      if (manifest != null) {
        for (Manifest.Segment segment : manifest.segments()) {
          if (segment.firstId() != null) {
            segments.putIfAbsent(new IdKey(segment.firstIdKind(), segment.firstId()), segment);
          }
        }
      }
      if (sidecar != null) {
        try (MetaReader first = sidecar.reader(0, 0)) {
          if (first.next()) {
            first.parseId();
            positions.put(new IdKey(first.idKind(), first.idText()), new Position(0, 0));
          }
        }
      }
    }
    Position position = positions.get(id);
    if (position == null && segments.containsKey(id)) {
      Manifest.Segment segment = segments.get(id);
      position = new Position(segment.firstRow(), segment.metaOffset());
    }
    return position;
  }

  private void rememberNext(MetaReader lines) throws IOException {
    if (lines.nextRow() >= index.rows()) {
      return;
    }
    Position position = new Position(lines.nextRow(), lines.nextOffset());
    if (lines.next()) {
      lines.parseId();
      synchronized (this) {
        positions.put(new IdKey(lines.idKind(), lines.idText()), position);
      }
    }
  }

  private IdIndex ids() {
    IdIndex known = idIndex;
    if (known == null) {
      synchronized (this) {
        if (idIndex == null) {
          idIndex = IdIndex.build(index, sidecar);
        }
        known = idIndex;
      }
    }
    return known;
  }

  /** Vectors of these rows; runs of consecutive rows are read at once. */
  private DenseVectors vectors(long[] rows, int count, IndexFile.Reader reader) {
    float[] values = new float[Math.multiplyExact(count, index.dimension())];
    for (int from = 0; from < count; ) {
      int to = from + 1;
      while (to < count && rows[to] == rows[to - 1] + 1) {
        to++;
      }
      reader.vectors(rows[from], to - from, values, from * index.dimension());
      from = to;
    }
    return new DenseVectors(fieldName(), index.dimension(), values);
  }

  /** The graph or the lists of the index; null where there are none, or not of vecferry's. */
  private synchronized IndexSearch built() {
    IndexPlan plan = manifest == null ? null : manifest.plan();
    if (plan == null || !BuiltIndex.isSearchable(plan.type())) {
      return null;
    }
    IndexSearch known = built == null ? null : built.get();
    if (known == null) {
      known =
          BuiltIndex.open(
              files.index(), plan, () -> rowReader(IndexFile.open(files.index()).reader()));
      built = new SoftReference<>(known);
    }
    return known;
  }

  /** What makes a search of the graph or the lists look at more. */
  Optional<SearchWidth> searchWidth(int k) {
    return Optional.ofNullable(built()).map(search -> search.width(k));
  }

  private static ListSearch.RowReader rowReader(IndexFile.Reader reader) {
    return new ListSearch.RowReader() {
      @Override
      public void read(long row, int count, float[] target) {
        reader.vectors(row, count, target, 0);
      }

      @Override
      public void close() {
        reader.close();
      }
    };
  }

  /**
   * The nearest records.
   *
   * @param asBuilt whether to search with the graph or the lists of an index that vecferry wrote,
   *     as FAISS would; otherwise every vector is compared
   * @param width how far the graph or the lists are searched, 0 for what the index says
   */
  Neighbours search(float[] queries, int count, int k, boolean asBuilt, int width) {
    requireUnchanged();
    if (queries.length != Math.multiplyExact(count, index.dimension())) {
      throw FileErrors.incompatible(
          "queries have "
              + queries.length
              + " components, "
              + count
              + " of dimension "
              + index.dimension()
              + " were expected");
    }
    IndexSearch built = asBuilt ? built() : null;
    if (built != null) {
      IndexSearch wide = width > 0 ? built.wide(width) : built;
      IndexSearch.Found found = wide.search(queries, count, k);
      if (built instanceof ListSearch) {
        placeRows(found.rows());
      }
      return neighbours(found, count, k);
    }
    long rows = index.rows();
    boolean parallel = rows * index.dimension() >= PARALLEL_SEARCH_FLOATS;
    long middle = parallel ? rows / 2 : rows;
    ExactSearch search;
    if (parallel) {
      CompletableFuture<ExactSearch> second =
          CompletableFuture.supplyAsync(
              () -> scan(queries, count, k, middle, rows), FaissCollection::inOwnThread);
      try {
        search = scan(queries, count, k, 0, middle);
        search.merge(join(second));
      } finally {
        second.exceptionally(error -> null).join();
      }
    } else {
      search = scan(queries, count, k, 0, rows);
    }
    IndexSearch.Found found = new IndexSearch.Found(new long[count][], new float[count][]);
    for (int query = 0; query < count; query++) {
      found.rows()[query] = search.rows(query);
      found.scores()[query] = search.scores(query);
    }
    return neighbours(found, count, k);
  }

  /** Turns rows of the lists into rows in the order of their ids, in which they are read here. */
  private void placeRows(long[][] answers) {
    long[] label = new long[1];
    try (IndexFile.Reader lists = IndexFile.open(files.index()).reader();
        IndexFile.Reader ordered = index.reader()) {
      for (long[] rows : answers) {
        for (int i = 0; i < rows.length; i++) {
          lists.labels(rows[i], 1, label);
          rows[i] = rowOf(label[0], ordered);
        }
      }
    }
  }

  private long rowOf(long label, IndexFile.Reader ordered) {
    long[] found = new long[1];
    long low = 0;
    long high = index.rows() - 1;
    // Most lists have the numbers of the rows as ids.
    long row = Math.max(low, Math.min(high, label));
    while (low < high) {
      ordered.labels(row, 1, found);
      if (found[0] == label) {
        return row;
      }
      if (found[0] < label) {
        low = row + 1;
      } else {
        high = row - 1;
      }
      row = low + high >>> 1;
    }
    return low;
  }

  private ExactSearch scan(float[] queries, int count, int k, long from, long to) {
    ExactSearch search =
        new ExactSearch(
            index.metric(), index.metricArgument(), index.dimension(), queries, count, k);
    int block = (int) Math.max(1, Math.min(to - from, (1 << 18) / index.dimension()));
    float[] values = new float[block * index.dimension()];
    try (IndexFile.Reader reader = index.reader()) {
      for (long row = from; row < to; row += block) {
        int rows = (int) Math.min(block, to - row);
        reader.vectors(row, rows, values, 0);
        search.offer(values, 0, rows, row);
      }
    }
    return search;
  }

  private Neighbours neighbours(IndexSearch.Found answer, int count, int k) {
    int[] counts = new int[count];
    float[] scores = new float[Math.multiplyExact(count, k)];
    long[] answers = new long[count * k];
    Arrays.fill(answers, -1);
    TreeMap<Long, IdKey> needed = new TreeMap<>();
    for (int query = 0; query < count; query++) {
      long[] rows = answer.rows()[query];
      float[] found = answer.scores()[query];
      counts[query] = rows.length;
      System.arraycopy(rows, 0, answers, query * k, rows.length);
      System.arraycopy(found, 0, scores, query * k, rows.length);
      for (long row : rows) {
        needed.put(row, null);
      }
    }
    try (IndexFile.Reader reader = index.reader();
        MetaReader lines = sidecar == null ? null : sidecar.reader(0, 0)) {
      long[] label = new long[1];
      for (Map.Entry<Long, IdKey> entry : needed.entrySet()) {
        if (lines == null) {
          reader.labels(entry.getKey(), 1, label);
          entry.setValue(new IdKey(IdKind.INT64, Long.toString(label[0])));
        } else {
          sidecar.seek(lines, entry.getKey());
          if (!lines.next()) {
            throw sidecar.linesDiffer(lines.nextRow());
          }
          lines.parseId();
          entry.setValue(new IdKey(lines.idKind(), lines.idText()));
        }
      }
    } catch (IOException e) {
      throw FileErrors.of("reading", files.path(), e);
    }
    TextColumn.Builder texts = new TextColumn.Builder(answers.length);
    IdKind[] kinds = new IdKind[answers.length];
    for (int i = 0; i < answers.length; i++) {
      IdKey id = answers[i] < 0 ? null : needed.get(answers[i]);
      texts.add(id == null ? "" : id.text());
      kinds[i] = id == null ? IdKind.STRING : id.kind();
    }
    IdColumn ids =
        kinds.length == 0
            ? IdColumn.of(IdKind.STRING, texts.build())
            : new IdColumn(texts.build(), kinds);
    return new Neighbours(k, counts, ids, scores);
  }

  private static <T> T join(CompletableFuture<T> future) {
    try {
      return future.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw e;
    }
  }

  /** Not in the common pool: HTTP clients of other stores need its few threads to go on. */
  private static void inOwnThread(Runnable work) {
    new Thread(work, "faiss-scan").start();
  }

  /**
   * @param allowLossy whether vectors that are only near the original ones are wanted
   */
  List<Finding> assess(boolean allowLossy) {
    requireUnchanged();
    CompletableFuture<List<Finding>> vectors =
        CompletableFuture.supplyAsync(this::assessVectors, FaissCollection::inOwnThread);
    List<Finding> findings = new ArrayList<>();
    try {
      findings.addAll(assessIds());
    } finally {
      vectors.exceptionally(error -> List.of()).join();
    }
    findings.addAll(join(vectors));
    findings.addAll(assessPrecision(allowLossy));
    Finding documents = sidecar == null ? HaystackFolder.finding(files.index()) : null;
    if (documents != null) {
      findings.add(documents);
    }
    if (files.manifest() != null && manifest == null) {
      findings.add(
          Finding.warning(
              files.folder().resolve(Manifest.NAME).toString(),
              "the files were changed after vecferry wrote them, their manifest is not used",
              ""));
    }
    requireUnchanged();
    return findings;
  }

  private List<Finding> assessPrecision(boolean allowLossy) {
    List<Finding> findings = new ArrayList<>();
    String subject = files.index().toString();
    Precision precision = index.precision();
    if (precision.lossy()) {
      String what =
          "the index "
              + index.indexType()
              + " keeps vectors as "
              + precision.codec()
              + ": "
              + precision.loss()
              + ". What is migrated are the vectors that FAISS itself reconstructs, not the"
              + " original ones.";
      findings.add(
          allowLossy
              ? Finding.warning(subject, what, "")
              : Finding.blocking(
                  subject,
                  what,
                  "Migrate from the original vectors, or accept this with"
                      + " source.options.allowLossy: true."));
    }
    if (index.countedRows() != index.rows()) {
      findings.add(
          Finding.warning(
              subject,
              "the index counts "
                  + index.countedRows()
                  + " vectors, its lists hold "
                  + index.rows()
                  + "; FAISS counts a vector that is not finite and keeps it in no list",
              "Only what is in the lists is migrated."));
    }
    return findings;
  }

  private List<Finding> assessVectors() {
    int dimension = index.dimension();
    int block = (int) Math.max(1, Math.min(Math.max(1, index.rows()), (1 << 16) / dimension));
    float[] values = new float[block * dimension];
    List<String> bad = new ArrayList<>();
    long badRows = 0;
    long unit = 0;
    long zero = 0;
    double smallest = Double.POSITIVE_INFINITY;
    double largest = 0;
    try (IndexFile.Reader reader = index.reader();
        MetaReader lines = sidecar == null ? null : sidecar.reader(0, 0)) {
      for (long row = 0; row < index.rows(); row += block) {
        int rows = (int) Math.min(block, index.rows() - row);
        reader.vectors(row, rows, values, 0);
        for (int r = 0; r < rows; r++) {
          double square = squaredNorm(values, r * dimension, dimension);
          if (!Double.isFinite(square)) {
            badRows++;
            if (bad.size() < FIRST_FEW) {
              bad.add(describeBad(values, r, row + r, reader, lines));
            }
            continue;
          }
          double norm = Math.sqrt(square);
          smallest = Math.min(smallest, norm);
          largest = Math.max(largest, norm);
          if (square == 0) {
            zero++;
          } else if (Math.abs(norm - 1) <= 1e-4) {
            unit++;
          }
        }
      }
    } catch (IOException e) {
      throw FileErrors.of("reading", files.index(), e);
    }
    String subject = files.index().toString();
    List<Finding> findings = new ArrayList<>();
    if (badRows > 0) {
      findings.add(
          Finding.blocking(
              subject,
              badRows
                  + " of "
                  + index.rows()
                  + " vectors are not finite: "
                  + String.join(", ", bad)
                  + (badRows > bad.size() ? ", ..." : ""),
              "Remove or repair these vectors."));
    }
    if (index.rows() > badRows) {
      findings.add(
          Finding.info(
              subject,
              String.format(
                  Locale.ROOT,
                  "norms from %.6g to %.6g; %d of %d vectors have unit length, %d are zero",
                  smallest,
                  largest,
                  unit,
                  index.rows(),
                  zero)));
    }
    return findings;
  }

  /** Four sums side by side, so that the processor need not wait for each addition. */
  private static double squaredNorm(float[] values, int start, int dimension) {
    double first = 0;
    double second = 0;
    double third = 0;
    double fourth = 0;
    int i = start;
    int end = start + dimension;
    for (; i + 3 < end; i += 4) {
      first += (double) values[i] * values[i];
      second += (double) values[i + 1] * values[i + 1];
      third += (double) values[i + 2] * values[i + 2];
      fourth += (double) values[i + 3] * values[i + 3];
    }
    for (; i < end; i++) {
      first += (double) values[i] * values[i];
    }
    return first + second + (third + fourth);
  }

  private String describeBad(
      float[] values, int at, long row, IndexFile.Reader reader, MetaReader lines)
      throws IOException {
    int dimension = index.dimension();
    int component = 0;
    while (Float.isFinite(values[at * dimension + component])) {
      component++;
    }
    String id;
    if (lines == null) {
      long[] label = new long[1];
      reader.labels(row, 1, label);
      id = Long.toString(label[0]);
    } else {
      id = idOrUnknown(row, lines);
    }
    return "id "
        + id
        + " (row "
        + row
        + ", component "
        + component
        + " is "
        + values[at * dimension + component]
        + ")";
  }

  private String idOrUnknown(long row, MetaReader lines) throws IOException {
    try {
      sidecar.seek(lines, row);
      lines.next();
      lines.parseId();
      return "'" + lines.idText() + "'";
    } catch (StoreException e) {
      // That the lines are damaged is a finding of its own; the row number still helps here.
      return "unknown";
    }
  }

  private List<Finding> assessIds() {
    if (sidecar == null && !index.labelled()) {
      return List.of();
    }
    List<Finding> findings = new ArrayList<>();
    boolean few = index.rows() <= LARGEST_DUPLICATE_CHECK;
    long[] hashes = new long[few ? (int) index.rows() : 0];
    Mismatches mismatches = new Mismatches();
    IdKind[] kinds = new IdKind[IdKind.values().length];
    long lines =
        eachId(
            (row, hash, reader) -> {
              if (few) {
                hashes[row] = hash;
              }
              if (reader != null) {
                kinds[reader.idKind().ordinal()] = reader.idKind();
              }
            },
            mismatches);
    knownKinds = Arrays.stream(kinds).filter(Objects::nonNull).collect(Collectors.toSet());
    if (lines != index.rows()) {
      findings.add(
          Finding.blocking(
              sidecar.name(),
              sidecar.name()
                  + " has "
                  + lines
                  + " lines, the index has "
                  + index.rows()
                  + " vectors",
              "Write one line per vector, in the order of the index."));
      return findings;
    }
    if (mismatches.count > 0) {
      findings.add(
          Finding.blocking(
              sidecar.name(),
              mismatches.count
                  + " lines say another faiss_id than the index has at that row: "
                  + String.join(", ", mismatches.first),
              "Write the lines in the order of the index."));
    }
    String duplicates = few ? duplicates(hashes) : null;
    if (!few) {
      findings.add(
          Finding.info(
              files.path().toString(),
              "more than "
                  + LARGEST_DUPLICATE_CHECK
                  + " records: duplicate ids are looked for when the export is validated"));
    }
    if (duplicates != null) {
      findings.add(
          Finding.blocking(
              files.path().toString(), duplicates, "Give every record an id of its own."));
    }
    return findings;
  }

  private static final class Mismatches {
    private long count;
    private final List<String> first = new ArrayList<>();
  }

  private interface IdVisitor {
    /** The reader is null where ids are labels of the index. */
    void visit(int row, long hash, MetaReader reader);
  }

  /** Visits all ids; returns the number of lines, of which only those with a vector are visited. */
  private long eachId(IdVisitor visitor, Mismatches mismatches) {
    int block = 4096;
    long[] labels = new long[block];
    long lines = 0;
    try (IndexFile.Reader vectors = index.reader();
        MetaReader reader = sidecar == null ? null : sidecar.reader(0, 0)) {
      for (long row = 0; row < index.rows(); row += block) {
        int rows = (int) Math.min(block, index.rows() - row);
        vectors.labels(row, rows, labels);
        for (int i = 0; i < rows; i++) {
          if (reader == null) {
            visitor.visit((int) row + i, IdHash.ofLabel(labels[i]), null);
            lines++;
            continue;
          }
          if (!reader.next()) {
            return lines;
          }
          lines++;
          reader.parseId();
          if (reader.hasLabel() && reader.label() != labels[i] && mismatches != null) {
            mismatches.count++;
            if (mismatches.first.size() < FIRST_FEW) {
              mismatches.first.add(
                  "line " + (row + i + 1) + " says " + reader.label() + ", the index " + labels[i]);
            }
          }
          visitor.visit((int) row + i, reader.idHash(), reader);
        }
      }
      while (reader != null && reader.next()) {
        lines++;
      }
      return lines;
    } catch (IOException e) {
      throw FileErrors.of("reading", files.path(), e);
    }
  }

  /** What to say about ids that are there twice, or null. Equal hashes are compared exactly. */
  private String duplicates(long[] hashes) {
    Arrays.parallelSort(hashes);
    long[] suspects = new long[16];
    int count = 0;
    long repeated = 0;
    for (int i = 1; i < hashes.length; i++) {
      if (hashes[i] == hashes[i - 1]) {
        repeated++;
        if ((count == 0 || suspects[count - 1] != hashes[i]) && count < 1000) {
          if (count == suspects.length) {
            suspects = Arrays.copyOf(suspects, count * 2);
          }
          suspects[count++] = hashes[i];
        }
      }
    }
    if (count == 0) {
      return null;
    }
    long[] wanted = Arrays.copyOf(suspects, count);
    Map<IdKey, Integer> firstRows = new LinkedHashMap<>();
    Set<String> named = new LinkedHashSet<>();
    long[] labels = new long[1];
    try (IndexFile.Reader vectors = index.reader()) {
      eachId(
          (row, hash, reader) -> {
            if (Arrays.binarySearch(wanted, hash) < 0 || named.size() >= FIRST_FEW) {
              return;
            }
            IdKey id;
            if (reader == null) {
              vectors.labels(row, 1, labels);
              id = new IdKey(IdKind.INT64, Long.toString(labels[0]));
            } else {
              id = new IdKey(reader.idKind(), reader.idText());
            }
            Integer first = firstRows.putIfAbsent(id, row);
            if (first != null) {
              named.add("'" + id.text() + "' (rows " + first + " and " + row + ")");
            }
          },
          null);
    }
    return named.isEmpty()
        ? null
        : "about "
            + repeated
            + " rows have an id that an earlier row has: "
            + String.join(", ", named);
  }

  @Override
  public void close() {
    if (temporary != null) {
      SpillCache.release(temporary);
    }
  }
}
