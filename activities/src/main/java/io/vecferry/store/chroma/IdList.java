package io.vecferry.store.chroma;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.IdKind;
import io.vecferry.record.MetadataJson;
import io.vecferry.store.Answer;
import io.vecferry.store.JsonBytes;
import io.vecferry.store.StoreException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;

/**
 * The ids of all records of a collection, in the order in which the server lists them, as they were
 * at one moment. They are kept in temporary files, so that memory does not grow with the
 * collection. Thread-safe once it is made.
 */
final class IdList implements AutoCloseable {
  private static final int PAGE_ROWS = 20_000;
  private static final int ATTEMPTS = 3;
  private static final int BUFFER = 1 << 16;

  private final String collection;
  private final TemporaryFile texts;
  private final TemporaryFile ends;
  private final long size;
  private final Set<IdKind> kinds;
  private final String hash;
  private boolean closed;

  private IdList(String collection, Listing listing) {
    this.collection = collection;
    this.texts = listing.texts;
    this.ends = listing.ends;
    this.size = listing.size;
    this.kinds = listing.kinds.isEmpty() ? EnumSet.of(IdKind.STRING) : listing.kinds;
    this.hash = HexFormat.of().formatHex(listing.digest.digest(), 0, 16);
  }

  /**
   * Lists a collection.
   *
   * @throws StoreException SOURCE_CHANGED when it changes all the time
   */
  static IdList of(
      ChromaClient client,
      ChromaCollection collection,
      ChromaSettings settings,
      ChromaMapping mapping) {
    long before = 0;
    long listed = 0;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      before = client.count(collection);
      try (Listing listing = new Listing(mapping)) {
        boolean whole = listing.read(client, collection, settings.limit(PAGE_ROWS));
        listed = listing.size;
        if (whole && listed == before && client.count(collection) == before) {
          return listing.finish(collection.name());
        }
      }
    }
    throw new StoreException(
        FailureClass.SOURCE_CHANGED,
        "collection '"
            + collection.name()
            + "' changes while its records are listed: it had "
            + before
            + " records, and "
            + listed
            + " were listed. Stop what writes to it.");
  }

  /** A list that is being made. */
  private static final class Listing implements AutoCloseable {
    private final ChromaMapping mapping;
    private final TemporaryFile texts = new TemporaryFile();
    private final TemporaryFile ends = new TemporaryFile();
    private final MessageDigest digest = sha256();
    private final Set<IdKind> kinds = EnumSet.noneOf(IdKind.class);
    private final ByteBuffer textBuffer = ByteBuffer.allocate(BUFFER);
    private final ByteBuffer endBuffer = ByteBuffer.allocate(BUFFER);
    private final ByteBuffer lengthBytes = ByteBuffer.allocate(Integer.BYTES);
    private long size;
    private long end;
    private String last;
    private boolean finished;

    Listing(ChromaMapping mapping) {
      this.mapping = mapping;
    }

    /**
     * Reads all pages. Each begins with the last id of the one before, so that it shows when a
     * record in front of it was removed.
     *
     * @return false when the pages do not fit together
     */
    boolean read(ChromaClient client, ChromaCollection collection, int pageRows) {
      while (true) {
        JsonBytes body = new JsonBytes(64);
        body.raw("{\"include\":[],\"limit\":" + Math.max(2, pageRows))
            .raw(",\"offset\":" + Math.max(0, size - 1) + "}");
        Answer answer =
            client
                .read(collection, body, "listing the records of '" + collection.name() + "'")
                .await();
        long sizeBefore = size;
        if (!add(answer)) {
          return false;
        }
        if (size == sizeBefore) {
          return true;
        }
      }
    }

    private boolean add(Answer answer) {
      boolean overlap = last != null;
      try (JsonParser parser =
          MetadataJson.SCANNER.createParser(answer.bytes(), 0, answer.length())) {
        parser.nextToken();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
          String name = parser.currentName();
          parser.nextToken();
          if (!name.equals("ids")) {
            parser.skipChildren();
            continue;
          }
          while (parser.nextToken() == JsonToken.VALUE_STRING) {
            String id = parser.getText();
            if (!overlap) {
              add(id);
            } else if (!id.equals(last)) {
              return false;
            }
            overlap = false;
          }
        }
      } catch (IOException e) {
        throw ResponsePage.unreadable(e);
      }
      return !overlap;
    }

    private void add(String id) {
      byte[] bytes = id.getBytes(StandardCharsets.UTF_8);
      digest.update(lengthBytes.clear().putInt(bytes.length).flip());
      digest.update(bytes);
      kinds.add(mapping.kind(id));
      if (textBuffer.remaining() < bytes.length) {
        drain(textBuffer, texts);
      }
      if (bytes.length > textBuffer.capacity()) {
        texts.append(bytes, bytes.length);
      } else {
        textBuffer.put(bytes);
      }
      end += bytes.length;
      if (!endBuffer.hasRemaining()) {
        drain(endBuffer, ends);
      }
      endBuffer.putLong(end);
      size++;
      last = id;
    }

    IdList finish(String collection) {
      drain(textBuffer, texts);
      drain(endBuffer, ends);
      finished = true;
      return new IdList(collection, this);
    }

    private static void drain(ByteBuffer buffer, TemporaryFile file) {
      file.append(buffer.array(), buffer.position());
      buffer.clear();
    }

    @Override
    public void close() {
      if (!finished) {
        texts.close();
        ends.close();
      }
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  long size() {
    return size;
  }

  /** Kinds of ids that occur. */
  Set<IdKind> kinds() {
    return kinds;
  }

  /** Changes when an id is added or removed, and when their order changes. */
  String hash() {
    return hash;
  }

  /**
   * The ids from a position on.
   *
   * @param count how many; there must be as many
   */
  synchronized List<String> ids(long from, int count) {
    if (closed) {
      throw new StoreException(
          FailureClass.SOURCE_CHANGED,
          "collection '"
              + collection
              + "' has another number of records than when reading began. Stop what writes to it.");
    }
    long start = from == 0 ? 0 : ByteBuffer.wrap(ends.read((from - 1) * Long.BYTES, 8)).getLong();
    ByteBuffer positions = ByteBuffer.wrap(ends.read(from * Long.BYTES, count * Long.BYTES));
    int length = Math.toIntExact(positions.getLong((count - 1) * Long.BYTES) - start);
    byte[] bytes = texts.read(start, length);
    List<String> ids = new ArrayList<>(count);
    int at = 0;
    while (positions.hasRemaining()) {
      int to = (int) (positions.getLong() - start);
      ids.add(new String(bytes, at, to - at, StandardCharsets.UTF_8));
      at = to;
    }
    return ids;
  }

  @Override
  public synchronized void close() {
    closed = true;
    texts.close();
    ends.close();
  }
}
