package io.vecferry.store.faiss;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.vecferry.record.IdKind;
import io.vecferry.record.MetadataJson;
import io.vecferry.record.TextColumn;
import io.vecferry.store.StoreException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;

/**
 * Reads a {@code meta.jsonl} line by line from any line start. A line is {@code
 * {"faiss_id":n,"id":..,"idKind":..,"document":..,"metadata":{..}}}; everything but {@code id} is
 * optional. Memory: one window, which grows to the longest line. Not thread-safe.
 */
final class MetaReader implements AutoCloseable {
  private static final int WINDOW = 1 << 18;
  private static final int LONGEST_LINE = 1 << 30;

  private final FileChannel channel;
  private final String name;
  private byte[] window = new byte[WINDOW];
  private int start;
  private int end;
  private long windowOffset;
  private long nextRow;

  private int lineStart;
  private int lineEnd;
  private long lineOffset;

  private byte[] idBytes;
  private int idStart;
  private int idLength;
  private IdKind idKind;
  private boolean hasLabel;
  private long label;

  /**
   * Reads the lines of the window one after the other: a parser for each line would cost more than
   * the line.
   */
  private JsonParser parser;

  private JsonFactory parserFactory;
  private int parserBase;
  private int parserAt = -1;

  private final Output output = new Output();
  private JsonGenerator generator;

  /**
   * @param channel the file; closed with this reader
   * @param name what to call the file in messages
   * @param row row number of the line at {@code offset}
   */
  MetaReader(FileChannel channel, String name, long row, long offset) {
    this.channel = channel;
    this.name = name;
    seek(row, offset);
  }

  /** Goes to another line start. */
  void seek(long row, long offset) {
    if (offset >= windowOffset && offset <= windowOffset + end) {
      start = (int) (offset - windowOffset);
    } else {
      forgetParser();
      windowOffset = offset;
      start = 0;
      end = 0;
    }
    nextRow = row;
  }

  /** Row number of the line that {@link #next} goes to. */
  long nextRow() {
    return nextRow;
  }

  /** Position of the line that {@link #next} goes to. */
  long nextOffset() {
    return windowOffset + start;
  }

  /** Goes to the next line; false at the end of the file. */
  boolean next() throws IOException {
    int scanned = start;
    while (true) {
      for (int i = scanned; i < end; i++) {
        if (window[i] == '\n') {
          take(i, i + 1);
          return true;
        }
      }
      scanned = end - start;
      if (!fill()) {
        if (start == end) {
          return false;
        }
        take(end, end);
        return true;
      }
      scanned += start;
    }
  }

  private void take(int lineEnds, int nextStarts) {
    lineStart = start;
    lineEnd = lineEnds;
    lineOffset = windowOffset + start;
    start = nextStarts;
    nextRow++;
  }

  private boolean fill() throws IOException {
    forgetParser();
    if (start > 0) {
      System.arraycopy(window, start, window, 0, end - start);
      windowOffset += start;
      end -= start;
      start = 0;
    }
    if (end == window.length) {
      if (window.length >= LONGEST_LINE) {
        throw bad("the line is longer than " + LONGEST_LINE + " bytes");
      }
      window = Arrays.copyOf(window, window.length * 2);
    }
    int read = channel.read(ByteBuffer.wrap(window, end, window.length - end), windowOffset + end);
    if (read <= 0) {
      return false;
    }
    end += read;
    return true;
  }

  /** Position of the current line. */
  long lineOffset() {
    return lineOffset;
  }

  /** Row number of the current line. */
  long row() {
    return nextRow - 1;
  }

  IdKind idKind() {
    return idKind;
  }

  String idText() {
    return new String(idBytes, idStart, idLength, StandardCharsets.UTF_8);
  }

  long idHash() {
    return IdHash.of(idKind, idBytes, idStart, idLength);
  }

  boolean idIs(IdKind kind, TextColumn ids, int row) {
    return kind == idKind
        && Arrays.equals(
            idBytes,
            idStart,
            idStart + idLength,
            ids.bytes(),
            ids.start(row),
            ids.start(row) + ids.length(row));
  }

  void addId(TextColumn.Builder ids) {
    ids.add(idBytes, idStart, idLength);
  }

  /** Whether the line says which label its vector has in the index. */
  boolean hasLabel() {
    return hasLabel;
  }

  long label() {
    return label;
  }

  /**
   * Reads only the id and the label of the current line; everything is still checked to be JSON.
   */
  void parseId() {
    parse(null, null);
  }

  /** Reads the current line; adds one row to each column. */
  void parse(TextColumn.Builder documents, TextColumn.Builder metadata) {
    idBytes = null;
    hasLabel = false;
    boolean numeric = false;
    String kind = null;
    int documentRows = documents == null ? 0 : documents.rows();
    int metadataRows = metadata == null ? 0 : metadata.rows();
    requireText();
    try {
      place(metadata == null ? MetadataJson.SCANNER : MetadataJson.FACTORY);
      JsonToken first = parser.nextToken();
      if (first != JsonToken.START_OBJECT) {
        throw bad("a JSON object was expected");
      }
      for (String field = parser.nextFieldName(); field != null; field = parser.nextFieldName()) {
        JsonToken token = parser.nextToken();
        switch (field) {
          case "id" -> {
            numeric = token == JsonToken.VALUE_NUMBER_INT;
            if (numeric) {
              setId(parser.getText());
            } else if (token == JsonToken.VALUE_STRING) {
              if (!plainText(parser)) {
                setId(parser.getText());
              }
            } else {
              throw bad("the id must be a string or an integer");
            }
          }
          case "idKind" -> kind = parser.getText();
          case "faiss_id" -> {
            if (token != JsonToken.VALUE_NUMBER_INT) {
              throw bad("faiss_id must be an integer");
            }
            label = parser.getLongValue();
            hasLabel = true;
          }
          case "document" -> {
            if (token != JsonToken.VALUE_NULL) {
              if (token != JsonToken.VALUE_STRING) {
                throw bad("document must be a string");
              }
              if (documents != null) {
                addDocument(parser, documents);
              }
            }
          }
          case "metadata" -> {
            if (token != JsonToken.VALUE_NULL) {
              if (token != JsonToken.START_OBJECT) {
                throw bad("metadata must be an object");
              }
              if (metadata == null) {
                parser.skipChildren();
              } else {
                addMetadata(parser, metadata);
              }
            }
          }
          default -> parser.skipChildren();
        }
      }
      requireEnd();
      parserAt = start;
    } catch (StoreException e) {
      forgetParser();
      throw e;
    } catch (IOException e) {
      forgetParser();
      String message = e.getMessage();
      int cut = message == null ? -1 : message.indexOf('\n');
      throw bad(cut < 0 ? message : message.substring(0, cut));
    }
    if (idBytes == null) {
      throw bad("the line has no id");
    }
    idKind = kindOf(numeric, kind);
    if (documents != null && documents.rows() == documentRows) {
      documents.addNull();
    }
    if (metadata != null && metadata.rows() == metadataRows) {
      metadata.addNull();
    }
  }

  /** Puts a parser at the current line, which is where it is when the lines are read in order. */
  private void place(JsonFactory factory) throws IOException {
    if (parser != null && parserAt == lineStart && parserFactory == factory) {
      return;
    }
    forgetParser();
    int last = end;
    while (last > lineEnd && window[last - 1] != '\n') {
      last--;
    }
    parser = factory.createParser(window, lineStart, last - lineStart);
    parserFactory = factory;
    parserBase = lineStart;
  }

  private void forgetParser() {
    if (parser == null) {
      return;
    }
    try {
      parser.close();
    } catch (IOException e) {
      throw new IllegalStateException("a parser of bytes in memory cannot fail to close", e);
    }
    parser = null;
    parserAt = -1;
  }

  private void requireText() {
    for (int i = lineStart; i < lineEnd; i++) {
      if (window[i] > ' ' || window[i] < 0) {
        return;
      }
    }
    throw bad("the line is empty");
  }

  /** The value must end in its line, and nothing may follow it there. */
  private void requireEnd() {
    int position = parserBase + (int) parser.currentLocation().getByteOffset();
    if (position > lineEnd) {
      throw bad("the JSON object does not end in the line");
    }
    for (int i = position; i < lineEnd; i++) {
      if (window[i] > ' ' || window[i] < 0) {
        throw bad("there is more than one JSON value in the line");
      }
    }
  }

  private IdKind kindOf(boolean numeric, String spelled) {
    if (spelled == null) {
      if (numeric) {
        requireLong();
        return IdKind.INT64;
      }
      return IdKind.STRING;
    }
    return switch (spelled.toLowerCase(Locale.ROOT)) {
      case "int64" -> {
        requireLong();
        yield IdKind.INT64;
      }
      case "uint64" -> {
        try {
          Long.parseUnsignedLong(idText());
        } catch (NumberFormatException e) {
          throw bad("the id " + idText() + " is not an unsigned 64-bit integer");
        }
        yield IdKind.UINT64;
      }
      case "uuid" -> IdKind.UUID;
      case "string" -> IdKind.STRING;
      default -> throw bad("idKind '" + spelled + "' is not int64, uint64, uuid or string");
    };
  }

  private void requireLong() {
    try {
      Long.parseLong(idText());
    } catch (NumberFormatException e) {
      throw bad("the id " + idText() + " is not a signed 64-bit integer");
    }
  }

  /**
   * Where the string that the parser stands on is plain ASCII without escapes, takes the id as a
   * view of the window, which saves decoding it.
   */
  private boolean plainText(JsonParser parser) {
    int from = parserBase + (int) parser.currentTokenLocation().getByteOffset() + 1;
    int length = plainLength(from);
    if (length < 0) {
      return false;
    }
    idBytes = window;
    idStart = from;
    idLength = length;
    return true;
  }

  private int plainLength(int from) {
    for (int i = from; i < lineEnd; i++) {
      byte value = window[i];
      if (value == '"') {
        return i - from;
      }
      if (value < 0x20 || value == '\\') {
        return -1;
      }
    }
    return -1;
  }

  private void setId(String text) {
    idBytes = utf8(text, "the id");
    idStart = 0;
    idLength = idBytes.length;
  }

  private void addDocument(JsonParser parser, TextColumn.Builder documents) throws IOException {
    int from = parserBase + (int) parser.currentTokenLocation().getByteOffset() + 1;
    int length = plainLength(from);
    if (length >= 0) {
      documents.add(window, from, length);
      return;
    }
    byte[] bytes = utf8(parser.getText(), "the document");
    documents.add(bytes, 0, bytes.length);
  }

  /** Metadata that is canonical as it stands is copied as bytes; the parser has checked it. */
  private void addMetadata(JsonParser parser, TextColumn.Builder metadata) throws IOException {
    int from = parserBase + (int) parser.currentTokenLocation().getByteOffset();
    parser.skipChildren();
    int to = parserBase + (int) parser.currentLocation().getByteOffset();
    if (canonical(from, to)) {
      metadata.add(window, from, to - from);
      return;
    }
    try (JsonParser again = MetadataJson.FACTORY.createParser(window, from, to - from)) {
      again.nextToken();
      if (generator == null) {
        generator = MetadataJson.FACTORY.createGenerator(output);
        generator.setRootValueSeparator(null);
      }
      output.reset();
      MetadataJson.copyValue(again, generator);
      generator.flush();
    }
    requireWholeSurrogates();
    metadata.add(output.bytes(), 0, output.size());
  }

  /** The generator spells pairs as themselves, so an escape of a surrogate is half of one. */
  private void requireWholeSurrogates() {
    byte[] bytes = output.bytes();
    for (int i = 0; i + 3 < output.size(); i++) {
      if (bytes[i] == '\\') {
        if (bytes[i + 1] == 'u' && bytes[i + 2] == 'D' && bytes[i + 3] >= '8') {
          throw bad("metadata has half of a surrogate pair, which UTF-8 cannot hold");
        }
        i++;
      }
    }
  }

  private boolean canonical(int from, int to) {
    boolean inText = false;
    for (int i = from; i < to; i++) {
      byte value = window[i];
      if (value < 0x20 || value == '\\' || value == ' ' && !inText) {
        return false;
      }
      inText ^= value == '"';
    }
    return true;
  }

  private byte[] utf8(String text, String what) {
    int surrogate = TextCheck.loneSurrogate(text);
    if (surrogate >= 0) {
      throw bad(what + " has half of a surrogate pair at character " + surrogate);
    }
    return text.getBytes(StandardCharsets.UTF_8);
  }

  StoreException bad(String message) {
    return FileErrors.bad(name + ", line " + nextRow + ": " + message);
  }

  @Override
  public void close() throws IOException {
    forgetParser();
    channel.close();
  }

  /** Hands out its bytes without a copy. */
  private static final class Output extends ByteArrayOutputStream {
    private byte[] bytes() {
      return buf;
    }
  }
}
