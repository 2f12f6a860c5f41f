package io.vecferry.store.faiss;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.IdKind;
import io.vecferry.record.MetadataJson;
import io.vecferry.store.ReservedKeys;
import io.vecferry.store.StoreException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Locale;

/**
 * Turns a LangChain {@code index.pkl} into a {@code meta.jsonl} in the order of the index, so that
 * everything else knows one source of rows only. Undoes what {@link PickleWriter} did to records
 * that LangChain cannot hold.
 */
final class LangChainReader {
  /** Prefix of metadata keys that say what LangChain could not hold. */
  private static final byte[] RESERVED_BYTES =
      ("\"" + ReservedKeys.PREFIX).getBytes(StandardCharsets.US_ASCII);

  private LangChainReader() {}

  /**
   * Writes the rows of a pickle to a temporary file, which the caller deletes.
   *
   * @param index the index, in the order in which lines are wanted
   * @param uniformKind kind of all ids where the manifest of the folder says it, else null
   */
  static Path convert(Path pickle, IndexFile index, IdKind uniformKind) {
    Path fragments = null;
    try {
      fragments = Files.createTempFile("vecferry-docstore-", ".fragments");
      try (FileChannel source = FileChannel.open(pickle, StandardOpenOption.READ);
          FileChannel spill =
              FileChannel.open(
                  fragments,
                  StandardOpenOption.READ,
                  StandardOpenOption.WRITE,
                  StandardOpenOption.DELETE_ON_CLOSE)) {
        PickleReader.Docstore docstore = PickleReader.read(pickle, source, spill);
        if (docstore.documents() != index.rows() || docstore.rows() != index.rows()) {
          throw new StoreException(
              FailureClass.INCOMPATIBLE,
              pickle
                  + " does not belong to its index: the index has "
                  + index.rows()
                  + " vectors, the docstore "
                  + docstore.documents()
                  + " documents, index_to_docstore_id "
                  + docstore.rows()
                  + " entries");
        }
        return RowLines.write(index, new Lines(pickle, docstore, uniformKind));
      }
    } catch (IOException e) {
      throw FileErrors.of("converting", pickle, e);
    } finally {
      try {
        if (fragments != null) {
          Files.deleteIfExists(fragments);
        }
      } catch (IOException e) {
        // The operating system cleans its folder for temporary files.
      }
    }
  }

  private static final class Lines implements RowLines.Line {
    private final Path pickle;
    private final PickleReader.Docstore docstore;
    private final IdKind uniformKind;
    private final ByteArrayOutputStream fragment = new ByteArrayOutputStream(1 << 12);
    private DocumentIndex index;

    private Lines(Path pickle, PickleReader.Docstore docstore, IdKind uniformKind) {
      this.pickle = pickle;
      this.docstore = docstore;
      this.uniformKind = uniformKind;
    }

    @Override
    public void write(long row, long label, OutputStream target) throws IOException {
      byte[] id = docstore.idOfLabel(label);
      if (id == null) {
        throw FileErrors.bad(
            pickle + ": index_to_docstore_id has no entry for the vector " + label);
      }
      int document = (int) row;
      if (index != null || !Arrays.equals(id, docstore.idOfDocument(document))) {
        if (index == null) {
          index = new DocumentIndex(docstore);
        }
        document = index.find(id);
        if (document < 0) {
          throw FileErrors.bad(
              pickle
                  + ": row "
                  + row
                  + " has the id '"
                  + new String(id, StandardCharsets.UTF_8)
                  + "', which is not in the docstore");
        }
      }
      fragment.reset();
      docstore.copyFragment(document, fragment);
      byte[] bytes = fragment.toByteArray();
      target.write("{\"id\":".getBytes(StandardCharsets.US_ASCII));
      JsonText.write(id, 0, id.length, target);
      if (contains(bytes, RESERVED_BYTES)) {
        bytes = restore(bytes, uniformKind);
      } else if (uniformKind != null && uniformKind != IdKind.STRING) {
        target.write(kindField(uniformKind));
      }
      target.write(bytes);
      target.write('}');
    }
  }

  private static byte[] kindField(IdKind kind) {
    return (",\"idKind\":\"" + kind.name().toLowerCase(Locale.ROOT) + "\"")
        .getBytes(StandardCharsets.US_ASCII);
  }

  /** Takes the reserved keys out of the metadata and gives back what they stand for. */
  private static byte[] restore(byte[] fragment, IdKind uniformKind) throws IOException {
    byte[] object = fragment.clone();
    object[0] = '{';
    byte[] closed = Arrays.copyOf(object, object.length + 1);
    closed[object.length] = '}';
    String kind = uniformKind == null ? null : uniformKind.name().toLowerCase(Locale.ROOT);
    boolean noDocument = false;
    boolean noMetadata = false;
    String original = null;
    ByteArrayOutputStream document = new ByteArrayOutputStream();
    ByteArrayOutputStream metadata = new ByteArrayOutputStream();
    try (JsonParser parser = MetadataJson.FACTORY.createParser(closed)) {
      parser.nextToken();
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        boolean isDocument = parser.currentName().equals("document");
        parser.nextToken();
        try (JsonGenerator generator =
            MetadataJson.FACTORY.createGenerator(isDocument ? document : metadata)) {
          if (isDocument) {
            MetadataJson.copyValue(parser, generator);
            continue;
          }
          generator.writeStartObject();
          while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String key = parser.currentName();
            JsonToken value = parser.nextToken();
            boolean scalar = value.isScalarValue();
            if (key.equals(ReservedKeys.ID_KIND) && scalar) {
              kind = parser.getText();
            } else if (key.equals(ReservedKeys.NO_DOCUMENT) && value == JsonToken.VALUE_TRUE) {
              noDocument = true;
            } else if (key.equals(ReservedKeys.NO_METADATA) && value == JsonToken.VALUE_TRUE) {
              noMetadata = true;
            } else if (key.equals(ReservedKeys.METADATA_JSON) && value == JsonToken.VALUE_STRING) {
              original = parser.getText();
            } else {
              generator.writeFieldName(key);
              MetadataJson.copyValue(parser, generator);
            }
          }
          generator.writeEndObject();
        }
      }
    }
    ByteArrayOutputStream restored = new ByteArrayOutputStream(fragment.length);
    if (kind != null && !kind.equals("string")) {
      restored.write((",\"idKind\":\"" + kind + "\"").getBytes(StandardCharsets.UTF_8));
    }
    if (!noDocument && document.size() > 0) {
      restored.write(",\"document\":".getBytes(StandardCharsets.US_ASCII));
      document.writeTo(restored);
    }
    if (!noMetadata) {
      restored.write(",\"metadata\":".getBytes(StandardCharsets.US_ASCII));
      if (original != null) {
        restored.write(original.getBytes(StandardCharsets.UTF_8));
      } else {
        metadata.writeTo(restored);
      }
    }
    return restored.toByteArray();
  }

  private static boolean contains(byte[] text, byte[] wanted) {
    for (int i = 0; i + wanted.length <= text.length; i++) {
      if (text[i] == wanted[0]
          && Arrays.equals(text, i, i + wanted.length, wanted, 0, wanted.length)) {
        return true;
      }
    }
    return false;
  }

  /** Finds documents by id; open addressing over positions, without an object per document. */
  private static final class DocumentIndex {
    private final PickleReader.Docstore docstore;
    private final int[] slots;

    private DocumentIndex(PickleReader.Docstore docstore) {
      this.docstore = docstore;
      this.slots = new int[Math.max(16, Integer.highestOneBit(docstore.documents()) * 4)];
      for (int i = 0; i < docstore.documents(); i++) {
        byte[] id = docstore.idOfDocument(i);
        int slot = slotOf(id);
        // A key that is there twice has the later value, as in Python.
        slots[slot] = i + 1;
      }
    }

    private int slotOf(byte[] id) {
      int slot = (int) IdHash.of(IdKind.STRING, id, 0, id.length) & slots.length - 1;
      while (slots[slot] != 0 && !Arrays.equals(docstore.idOfDocument(slots[slot] - 1), id)) {
        slot = slot + 1 & slots.length - 1;
      }
      return slot;
    }

    private int find(byte[] id) {
      return slots[slotOf(id)] - 1;
    }
  }
}
