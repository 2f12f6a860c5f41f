package io.vecferry.store.faiss;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.store.BatchWriter;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.LoadStamp;
import io.vecferry.store.Reject;
import io.vecferry.store.StoreException;
import io.vecferry.store.VectorFieldInfo;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * A folder that is being loaded. Parts are written side by side as segments; a small file names the
 * attempt that counts and is replaced atomically, so attempts may overlap and repeat. Finishing
 * puts the segments together under temporary names, renames the results, and writes the manifest
 * last; it can be killed and repeated at any point.
 */
final class FaissLoad {
  private static final String SEGMENTS = "segments";
  private static final String VECTORS = ".vectors";
  private static final String LABELS = ".ids";
  private static final String LINES = ".jsonl";
  private static final String POINTER = ".json";
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path folder;
  private final String indexName;

  FaissLoad(Path folder, String indexName) {
    this.folder = folder;
    this.indexName = indexName;
  }

  /**
   * What one attempt at a part wrote.
   *
   * @param idsOnly whether its records have neither document nor metadata
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  @JsonIgnoreProperties(ignoreUnknown = true)
  record Pointer(
      String part,
      String attempt,
      long rows,
      Set<IdKind> idKinds,
      String firstId,
      IdKind firstIdKind,
      long vectorBytes,
      long lineBytes,
      boolean idsOnly) {}

  void create(LoadSchema schema, LoadStamp stamp, String layout) {
    VectorFieldInfo field = schema.vectors().get(0);
    Path parent = folder.toAbsolutePath().getParent();
    if (parent == null || !Files.isDirectory(parent)) {
      throw new StoreException(
          FailureClass.MISSING,
          "the folder "
              + parent
              + ", in which "
              + folder.getFileName()
              + " is to be made, is missing");
    }
    try {
      try {
        Files.createDirectory(folder);
        Durable.syncFolder(parent);
      } catch (FileAlreadyExistsException e) {
        Manifest manifest = Manifest.read(folder);
        if (manifest != null) {
          require(manifest, stamp);
          return;
        }
        if (!empty(folder)) {
          throw new StoreException(
              FailureClass.TARGET_CHANGED, folder + " is there and was not made by vecferry", e);
        }
      }
      new Manifest(
              Manifest.FORMAT,
              Manifest.VERSION,
              stamp,
              layout,
              field.name().isEmpty() ? null : field.name(),
              field.dimension(),
              field.metric(),
              field.metricArgument(),
              field.indexType() == null ? "" : field.indexType(),
              field.indexParams(),
              false,
              0,
              null,
              List.of(),
              Map.of())
          .write(folder);
    } catch (IOException e) {
      throw FileErrors.of("creating", folder, e);
    }
  }

  /** Whether nothing but leftovers of an interrupted {@link #create} is in the folder. */
  static boolean empty(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.allMatch(
          file -> {
            String name = file.getFileName().toString();
            return name.startsWith(Manifest.NAME + ".") && name.endsWith(Durable.TEMPORARY);
          });
    }
  }

  /** Rows of all parts that are written so far. */
  long rowsWritten() {
    long rows = 0;
    try (Stream<Path> files = Files.list(folder.resolve(SEGMENTS))) {
      for (Path file : files.filter(path -> path.toString().endsWith(POINTER)).toList()) {
        rows += JSON.readValue(file.toFile(), Pointer.class).rows();
      }
      return rows;
    } catch (NoSuchFileException e) {
      return 0;
    } catch (IOException e) {
      throw FileErrors.of("reading", folder, e);
    }
  }

  /** The index to write; what was asked for has been checked when the load was created. */
  private static IndexPlan plan(Manifest manifest) {
    IndexPlan.Parsed parsed = IndexPlan.parse(manifest.indexType(), manifest.indexParams());
    if (!parsed.problems().isEmpty()) {
      throw FileErrors.incompatible(parsed.problems().get(0).toString());
    }
    return parsed.plan();
  }

  private Manifest require(Manifest manifest, LoadStamp stamp) {
    if (manifest == null) {
      throw new StoreException(
          Files.exists(folder) ? FailureClass.TARGET_CHANGED : FailureClass.MISSING,
          folder + " was not created by this migration");
    }
    if (!manifest.stamp().equals(stamp)) {
      throw new StoreException(
          FailureClass.TARGET_CHANGED,
          folder
              + " belongs to load "
              + manifest.stamp().loadId()
              + " of migration "
              + manifest.stamp().migration()
              + ", not to load "
              + stamp.loadId()
              + " of "
              + stamp.migration());
    }
    return manifest;
  }

  BatchWriter write(String part, LoadStamp stamp) {
    Manifest manifest = require(Manifest.read(folder), stamp);
    if (manifest.finished()) {
      throw new StoreException(
          FailureClass.TARGET_CHANGED,
          folder + " is finished; part " + part + " cannot be written any more");
    }
    try {
      Files.createDirectories(folder.resolve(SEGMENTS));
      return new SegmentWriter(part, manifest);
    } catch (IOException e) {
      throw FileErrors.of("writing", folder, e);
    }
  }

  private Path segment(String part, String suffix) {
    return folder.resolve(SEGMENTS).resolve(fileName(part) + suffix);
  }

  /** A file name for any part name: everything unusual is spelled as its code. */
  private static String fileName(String part) {
    StringBuilder name = new StringBuilder(part.length());
    for (byte value : part.getBytes(StandardCharsets.UTF_8)) {
      boolean plain =
          value >= 'a' && value <= 'z'
              || value >= 'A' && value <= 'Z'
              || value >= '0' && value <= '9'
              || value == '-'
              || value == '_';
      name.append(plain ? String.valueOf((char) value) : String.format("%%%02x", value & 0xff));
    }
    return name.toString();
  }

  private final class SegmentWriter implements BatchWriter {
    private final String part;
    private final Manifest manifest;
    private final String attempt = UUID.randomUUID().toString();
    private final FileChannel vectors;
    private final OutputStream labels;
    private final OutputStream lines;
    private final ByteBuffer block = IndexFile.scratch(1 << 18);
    private final byte[] labelBytes = new byte[8];
    private final Set<IdKind> idKinds = new TreeSet<>();
    private final List<Reject> rejects = new ArrayList<>();
    private final boolean integersOnly;
    private String firstId;
    private IdKind firstIdKind;
    private long rows;
    private long offered;
    private long lineBytes;
    private boolean integers = true;
    private boolean idsOnly = true;
    private boolean finished;
    private boolean closed;

    private SegmentWriter(String part, Manifest manifest) throws IOException {
      this.part = part;
      this.manifest = manifest;
      this.integersOnly = plan(manifest).type() == IndexPlan.Type.LABELLED_FLAT;
      this.vectors = open(VECTORS);
      this.labels = new BufferedOutputStream(Channels.newOutputStream(open(LABELS)), 1 << 14);
      this.lines = new BufferedOutputStream(Channels.newOutputStream(open(LINES)), 1 << 18);
    }

    private FileChannel open(String suffix) throws IOException {
      return FileChannel.open(
          segment(part, "." + attempt + suffix),
          StandardOpenOption.CREATE_NEW,
          StandardOpenOption.WRITE);
    }

    @Override
    public void write(RecordBatch batch) {
      DenseVectors column = batch.onlyVectors();
      if (column.dimension() != manifest.dimension()) {
        throw FileErrors.bad(
            "vectors of dimension "
                + column.dimension()
                + " do not fit "
                + folder
                + ", which has dimension "
                + manifest.dimension());
      }
      int[] good = new int[batch.rows()];
      int count = 0;
      for (int row = 0; row < batch.rows(); row++) {
        String problem = problem(batch, column, row);
        if (problem == null) {
          good[count++] = row;
        } else {
          rejects.add(new Reject(batch.ids().get(row), problem));
        }
      }
      try {
        writeVectors(column, good, count);
        for (int i = 0; i < count; i++) {
          writeLine(batch, good[i]);
        }
      } catch (IOException e) {
        throw FileErrors.of("writing", folder, e);
      }
      rows += count;
      offered += batch.rows();
    }

    private String problem(RecordBatch batch, DenseVectors column, int row) {
      if (column.isNull(row)) {
        return "the record has no vector, and a FAISS index has none without one";
      }
      int from = row * column.dimension();
      float probe = 0;
      for (int i = from; i < from + column.dimension(); i++) {
        // Zero times a finite value is zero; anything else makes the sum NaN.
        probe += column.values()[i] * 0f;
      }
      if (Float.isNaN(probe)) {
        int component = 0;
        while (Float.isFinite(column.values()[from + component])) {
          component++;
        }
        return "the vector is not finite: component "
            + component
            + " is "
            + column.values()[from + component];
      }
      if (integersOnly && batch.ids().kind(row) != IdKind.INT64) {
        return "the id is "
            + batch.ids().kind(row)
            + ", but index type IDMap2,Flat takes only signed 64-bit integers";
      }
      return null;
    }

    private void writeVectors(DenseVectors column, int[] good, int count) throws IOException {
      int dimension = column.dimension();
      for (int i = 0; i < count; ) {
        int to = i + 1;
        while (to < count && good[to] == good[to - 1] + 1) {
          to++;
        }
        int at = good[i] * dimension;
        int left = (to - i) * dimension;
        while (left > 0) {
          int floats = Math.min(left, block.capacity() / 4);
          block.clear();
          block.asFloatBuffer().put(column.values(), at, floats);
          block.limit(floats * 4);
          Durable.writeFully(vectors, block);
          at += floats;
          left -= floats;
        }
        i = to;
      }
    }

    private void writeLine(RecordBatch batch, int row) throws IOException {
      IdKind kind = batch.ids().kind(row);
      TextColumn ids = batch.ids().texts();
      if (firstIdKind == null) {
        firstIdKind = kind;
        firstId = ids.get(row);
      }
      idKinds.add(kind);
      if (kind == IdKind.INT64) {
        if (integers) {
          ByteBuffer.wrap(labelBytes)
              .order(ByteOrder.LITTLE_ENDIAN)
              .putLong(Long.parseLong(ids.get(row)));
          labels.write(labelBytes);
        }
        line("{\"id\":");
        lines.write(ids.bytes(), ids.start(row), ids.length(row));
        lineBytes += ids.length(row);
      } else {
        integers = false;
        line("{\"id\":");
        lineBytes += JsonText.write(ids.bytes(), ids.start(row), ids.length(row), lines);
        if (kind != IdKind.STRING) {
          line(kind == IdKind.UUID ? ",\"idKind\":\"uuid\"" : ",\"idKind\":\"uint64\"");
        }
      }
      TextColumn documents = batch.documents();
      if (!documents.isNull(row)) {
        idsOnly = false;
        line(",\"document\":");
        lineBytes +=
            JsonText.write(documents.bytes(), documents.start(row), documents.length(row), lines);
      }
      TextColumn metadata = batch.metadata();
      if (!metadata.isNull(row)) {
        idsOnly = false;
        line(",\"metadata\":");
        lines.write(metadata.bytes(), metadata.start(row), metadata.length(row));
        lineBytes += metadata.length(row);
      }
      line("}\n");
    }

    private void line(String ascii) throws IOException {
      lines.write(ascii.getBytes(StandardCharsets.US_ASCII));
      lineBytes += ascii.length();
    }

    @Override
    public long acknowledged() {
      return offered;
    }

    @Override
    public List<Reject> finish() {
      if (finished) {
        return List.copyOf(rejects);
      }
      try {
        long vectorBytes = vectors.position();
        closeFiles();
        if (!integers) {
          Files.deleteIfExists(segment(part, "." + attempt + LABELS));
        }
        Path pointer = segment(part, POINTER);
        Pointer before = readPointer(part);
        Durable.replace(
            pointer,
            JSON.writeValueAsBytes(
                new Pointer(
                    part,
                    attempt,
                    rows,
                    idKinds,
                    firstId,
                    firstIdKind,
                    vectorBytes,
                    lineBytes,
                    idsOnly)));
        finished = true;
        if (before != null && !before.attempt().equals(attempt)) {
          deleteAttempt(part, before.attempt());
        }
        return List.copyOf(rejects);
      } catch (IOException e) {
        throw FileErrors.of("writing part " + part + " of", folder, e);
      }
    }

    private void closeFiles() throws IOException {
      if (!closed) {
        closed = true;
        vectors.close();
        labels.close();
        lines.close();
      }
    }

    @Override
    public void close() {
      try {
        closeFiles();
        if (!finished) {
          deleteAttempt(part, attempt);
        }
      } catch (IOException e) {
        throw FileErrors.of("closing part " + part + " of", folder, e);
      }
    }
  }

  private void deleteAttempt(String part, String attempt) throws IOException {
    for (String suffix : List.of(VECTORS, LABELS, LINES)) {
      Files.deleteIfExists(segment(part, "." + attempt + suffix));
    }
  }

  private Pointer readPointer(String part) throws IOException {
    try {
      return JSON.readValue(Files.readAllBytes(segment(part, POINTER)), Pointer.class);
    } catch (NoSuchFileException e) {
      return null;
    }
  }

  void finish(List<String> parts, LoadStamp stamp) {
    Manifest manifest = require(Manifest.read(folder), stamp);
    try {
      if (!manifest.finished()) {
        try {
          assemble(manifest, parts);
        } catch (NoSuchFileException e) {
          // Another attempt may have finished meanwhile and deleted the segments.
          Manifest now = require(Manifest.read(folder), stamp);
          if (!now.finished()) {
            throw e;
          }
        }
      }
      cleanUp();
    } catch (IOException e) {
      throw FileErrors.of("finishing", folder, e);
    }
  }

  private void assemble(Manifest manifest, List<String> parts) throws IOException {
    List<Pointer> pointers = new ArrayList<>(parts.size());
    Set<IdKind> kinds = new TreeSet<>();
    long rows = 0;
    for (String part : parts) {
      Pointer pointer = readPointer(part);
      if (pointer == null) {
        throw new StoreException(
            require(Manifest.read(folder), manifest.stamp()).finished()
                ? FailureClass.TRANSIENT
                : FailureClass.MISSING,
            "part " + part + " was not written to " + folder);
      }
      pointers.add(pointer);
      kinds.addAll(pointer.idKinds());
      rows = Math.addExact(rows, pointer.rows());
    }
    boolean langChain = manifest.layout().equals(FaissFiles.LANGCHAIN);
    IndexPlan plan = plan(manifest);
    boolean labelled =
        !langChain
            && plan.type() != IndexPlan.Type.FLAT
            && (kinds.equals(Set.of(IdKind.INT64)) || plan.type() == IndexPlan.Type.LABELLED_FLAT);
    IndexBuild build =
        new IndexBuild(
            plan,
            manifest.dimension(),
            manifest.metric(),
            manifest.metricArgument(),
            pointers.stream()
                .map(
                    pointer ->
                        new SegmentRows.Part(
                            data(pointer, VECTORS), data(pointer, LABELS), pointer.rows()))
                .toList(),
            labelled,
            Parallel.threads());
    Path index = folder.resolve(indexName + ".faiss");
    Path metadata = folder.resolve(langChain ? indexName + ".pkl" : FaissFiles.METADATA);
    Map<String, Manifest.FileSum> sums = new LinkedHashMap<>();
    sums.put(index.getFileName().toString(), publish(index, build::write));
    int[] places = langChain ? null : build.places();
    // Ids that the index holds itself need no lines beside it.
    boolean lines = !labelled || !pointers.stream().allMatch(Pointer::idsOnly);
    if (lines) {
      sums.put(
          metadata.getFileName().toString(),
          publish(
              metadata,
              (output, channel) -> {
                if (langChain) {
                  writePickle(output, pointers, kinds.size() > 1);
                } else if (places != null) {
                  List<Path> files = pointers.stream().map(part -> data(part, LINES)).toList();
                  new LinePlacer(files, places).write(output, channel);
                } else {
                  for (Pointer pointer : pointers) {
                    output.copy(data(pointer, LINES), pointer.lineBytes());
                  }
                }
              }));
    }
    List<Manifest.Segment> segments = new ArrayList<>(pointers.size());
    long firstRow = 0;
    long metaOffset = 0;
    for (Pointer pointer : pointers) {
      segments.add(
          new Manifest.Segment(
              pointer.part(),
              firstRow,
              pointer.rows(),
              langChain || !lines ? -1 : metaOffset,
              pointer.firstId(),
              pointer.firstIdKind()));
      firstRow += pointer.rows();
      metaOffset += pointer.lineBytes();
    }
    new Manifest(
            Manifest.FORMAT,
            Manifest.VERSION,
            manifest.stamp(),
            manifest.layout(),
            manifest.vectorName(),
            manifest.dimension(),
            manifest.metric(),
            manifest.metricArgument(),
            plan.factoryName(rows, labelled),
            plan.parameters(rows),
            true,
            rows,
            kinds.size() == 1 ? kinds.iterator().next() : null,
            // The rows of a part may have come into many places.
            places == null ? segments : List.of(),
            sums)
        .write(folder);
  }

  private Path data(Pointer pointer, String suffix) {
    return segment(pointer.part(), "." + pointer.attempt() + suffix);
  }

  private interface Content {
    /** The channel is for content that is not written from its start to its end. */
    void write(SummedOutput output, FileChannel channel) throws IOException;
  }

  /** Writes a file completely before it gets its name. */
  private static Manifest.FileSum publish(Path file, Content content) throws IOException {
    Path temporary = Durable.temporary(file);
    try {
      SummedOutput output;
      try (FileChannel channel =
          FileChannel.open(
              temporary,
              StandardOpenOption.CREATE_NEW,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE)) {
        output = new SummedOutput(channel);
        content.write(output, channel);
        output.flush();
        channel.force(true);
      }
      Durable.move(temporary, file);
      return output.sum();
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private void writePickle(SummedOutput output, List<Pointer> pointers, boolean markKinds)
      throws IOException {
    PickleWriter pickle = new PickleWriter(output);
    Set<String> mixed = markKinds ? new HashSet<>() : null;
    for (Pointer pointer : pointers) {
      try (MetaReader lines = lines(pointer)) {
        while (lines.next()) {
          TextColumn.Builder documents = new TextColumn.Builder(1);
          TextColumn.Builder metadata = new TextColumn.Builder(1);
          lines.parse(documents, metadata);
          String id = lines.idText();
          if (mixed != null && !mixed.add(id)) {
            throw FileErrors.bad(
                "the ids '"
                    + id
                    + "' of two kinds become one id in a LangChain docstore, which knows only texts");
          }
          pickle.document(
              id, lines.idKind(), markKinds, documents.build().get(0), metadata.build().get(0));
        }
      }
    }
    pickle.endDocuments();
    long row = 0;
    for (Pointer pointer : pointers) {
      try (MetaReader lines = lines(pointer)) {
        while (lines.next()) {
          lines.parseId();
          pickle.row(row++, lines.idText());
        }
      }
    }
    pickle.end();
  }

  private MetaReader lines(Pointer pointer) throws IOException {
    Path path = data(pointer, LINES);
    return new MetaReader(FileChannel.open(path, StandardOpenOption.READ), path.toString(), 0, 0);
  }

  /** Deletes segments and what killed attempts left behind. */
  private void cleanUp() throws IOException {
    deleteFolder(folder.resolve(SEGMENTS));
    for (Path file : list(folder)) {
      if (file.getFileName().toString().endsWith(Durable.TEMPORARY)) {
        Files.deleteIfExists(file);
      }
    }
    Durable.syncFolder(folder);
  }

  private static List<Path> list(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.toList();
    } catch (NoSuchFileException e) {
      return List.of();
    }
  }

  private static void deleteFolder(Path folder) throws IOException {
    for (Path file : list(folder)) {
      Files.deleteIfExists(file);
    }
    Files.deleteIfExists(folder);
  }

  /** Removes the folder if it carries the stamp; the stamp goes last, so it can be repeated. */
  boolean drop(LoadStamp stamp) {
    if (!Files.exists(folder)) {
      return false;
    }
    Manifest manifest = require(Manifest.read(folder), stamp);
    Set<String> ours =
        Set.of(
            indexName + ".faiss", indexName + ".pkl", FaissFiles.METADATA, SEGMENTS, Manifest.NAME);
    try {
      List<String> foreign =
          list(folder).stream()
              .map(file -> file.getFileName().toString())
              .filter(name -> !ours.contains(name) && !name.endsWith(Durable.TEMPORARY))
              .sorted()
              .toList();
      if (!foreign.isEmpty()) {
        throw new StoreException(
            FailureClass.TARGET_CHANGED,
            folder
                + " has files that migration "
                + manifest.stamp().migration()
                + " did not make, nothing was deleted: "
                + String.join(", ", foreign));
      }
      deleteFolder(folder.resolve(SEGMENTS));
      for (Path file : list(folder)) {
        if (!file.getFileName().toString().equals(Manifest.NAME)) {
          Files.deleteIfExists(file);
        }
      }
      Files.deleteIfExists(folder.resolve(Manifest.NAME));
      Files.deleteIfExists(folder);
      Durable.syncFolder(folder.toAbsolutePath().getParent());
      return true;
    } catch (IOException e) {
      throw FileErrors.of("deleting", folder, e);
    }
  }

  /** Names of the layouts that can be written. */
  static List<String> layouts() {
    return Arrays.asList(FaissFiles.VECFERRY, FaissFiles.LANGCHAIN);
  }

  /** Where a load of a migration into a path is prepared. */
  static Path loadFolder(Path path, String migration) {
    Path absolute = path.toAbsolutePath().normalize();
    String name = absolute.getFileName() == null ? "index" : absolute.getFileName().toString();
    return absolute.resolveSibling("." + name + ".loading-" + migration);
  }
}
