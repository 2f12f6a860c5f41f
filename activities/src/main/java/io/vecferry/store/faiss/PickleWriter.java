package io.vecferry.store.faiss;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.vecferry.record.IdKind;
import io.vecferry.record.MetadataJson;
import io.vecferry.store.ReservedKeys;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * Writes the {@code index.pkl} that LangChain's {@code FAISS.load_local} reads, record by record:
 * first all documents, then all ids again.
 *
 * <p>What LangChain has no place for stands in metadata keys with the prefix {@link
 * ReservedKeys#PREFIX}, and only in records that need one.
 */
final class PickleWriter {
  private static final int GROUP = 1000;

  private static final int MEMO_DOCUMENT = 0;
  private static final String[] NAMES = {
    "__dict__",
    "id",
    "metadata",
    "page_content",
    "type",
    "Document",
    "__pydantic_extra__",
    "__pydantic_fields_set__",
    "__pydantic_private__"
  };

  private final OutputStream target;
  private int group;
  private boolean spellingLost;

  PickleWriter(OutputStream target) throws IOException {
    this.target = target;
    write(0x80, 4);
    global("langchain_core.documents.base", "Document");
    write(0x94, '0');
    for (String name : NAMES) {
      text(name);
      write(0x94, '0');
    }
    global("langchain_community.docstore.in_memory", "InMemoryDocstore");
    write(')', 0x81, '}');
    text("_dict");
    write('}');
  }

  /**
   * Adds a document.
   *
   * @param document null for none
   * @param metadata canonical JSON, null for none
   * @param markKind whether the id's kind has to be kept in this record
   */
  void document(String id, IdKind kind, boolean markKind, String document, String metadata)
      throws IOException {
    if (group == 0) {
      write('(');
    }
    text(id);
    write('h', MEMO_DOCUMENT, ')', 0x81, '}', '(');
    name(0);
    write('}', '(');
    name(1);
    text(id);
    name(2);
    metadata(kind, markKind, document == null, metadata);
    name(3);
    text(document == null ? "" : document);
    name(4);
    name(5);
    write('u');
    name(6);
    write('N');
    name(7);
    write(0x8f, '(');
    name(1);
    name(2);
    name(3);
    write(0x90);
    name(8);
    write('N', 'u', 'b');
    group++;
    if (group == GROUP) {
      write('u');
      group = 0;
    }
  }

  /** Ends the documents; ids follow. */
  void endDocuments() throws IOException {
    if (group > 0) {
      write('u');
    }
    group = 0;
    write('s', 'b', '}');
  }

  /** Adds the id of a row, in order. */
  void row(long row, String id) throws IOException {
    if (group == 0) {
      write('(');
    }
    integer(target, BigInteger.valueOf(row));
    text(id);
    group++;
    if (group == GROUP) {
      write('u');
      group = 0;
    }
  }

  void end() throws IOException {
    if (group > 0) {
      write('u');
    }
    write(0x86, '.');
  }

  private void metadata(IdKind kind, boolean markKind, boolean noDocument, String metadata)
      throws IOException {
    write('}', '(');
    if (metadata != null) {
      spellingLost = false;
      ByteArrayOutputStream entries = new ByteArrayOutputStream(256);
      try (JsonParser parser = MetadataJson.FACTORY.createParser(metadata)) {
        parser.nextToken();
        topEntries(parser, entries);
      }
      entries.writeTo(target);
      if (spellingLost) {
        text(ReservedKeys.METADATA_JSON);
        text(metadata);
      }
    } else {
      text(ReservedKeys.NO_METADATA);
      write(0x88);
    }
    if (noDocument) {
      text(ReservedKeys.NO_DOCUMENT);
      write(0x88);
    }
    if (markKind && kind != IdKind.STRING) {
      text(ReservedKeys.ID_KIND);
      text(kind.name().toLowerCase(Locale.ROOT));
    }
    write('u');
  }

  /** Keys that only look like ours are kept in the original text and nowhere else. */
  private void topEntries(JsonParser parser, OutputStream out) throws IOException {
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String key = parser.currentName();
      JsonToken token = parser.nextToken();
      if (key.startsWith(ReservedKeys.PREFIX)) {
        spellingLost = true;
        parser.skipChildren();
      } else {
        text(out, key);
        value(parser, token, out);
      }
    }
  }

  private void entries(JsonParser parser, OutputStream out) throws IOException {
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      text(out, parser.currentName());
      value(parser, parser.nextToken(), out);
    }
  }

  private void value(JsonParser parser, JsonToken token, OutputStream out) throws IOException {
    switch (token) {
      case START_OBJECT -> {
        out.write('}');
        out.write('(');
        entries(parser, out);
        out.write('u');
      }
      case START_ARRAY -> {
        out.write(']');
        out.write('(');
        for (JsonToken item = parser.nextToken();
            item != JsonToken.END_ARRAY;
            item = parser.nextToken()) {
          value(parser, item, out);
        }
        out.write('e');
      }
      case VALUE_STRING -> text(out, parser.getText());
      case VALUE_NUMBER_INT -> {
        BigInteger number = new BigInteger(parser.getText());
        spellingLost |= !number.toString().equals(parser.getText());
        integer(out, number);
      }
      case VALUE_NUMBER_FLOAT -> {
        String spelling = parser.getText();
        double number = Double.parseDouble(spelling);
        if (Double.isInfinite(number)) {
          spellingLost = true;
          text(out, spelling);
        } else {
          spellingLost |= !PythonNumbers.repr(number).equals(spelling);
          out.write('G');
          long bits = Double.doubleToRawLongBits(number);
          for (int shift = 56; shift >= 0; shift -= 8) {
            out.write((int) (bits >>> shift));
          }
        }
      }
      case VALUE_TRUE -> out.write(0x88);
      case VALUE_FALSE -> out.write(0x89);
      case VALUE_NULL -> out.write('N');
      default -> throw new IOException("unexpected JSON token " + token);
    }
  }

  private static void integer(OutputStream out, BigInteger number) throws IOException {
    if (number.bitLength() < 32) {
      out.write('J');
      little(out, number.intValue(), 4);
      return;
    }
    byte[] bytes = number.toByteArray();
    if (bytes.length < 256) {
      out.write(0x8a);
      out.write(bytes.length);
    } else {
      out.write(0x8b);
      little(out, bytes.length, 4);
    }
    for (int i = bytes.length - 1; i >= 0; i--) {
      out.write(bytes[i]);
    }
  }

  private void global(String module, String name) throws IOException {
    text(module);
    text(name);
    write(0x93);
  }

  private void name(int index) throws IOException {
    write('h', index + 1);
  }

  private void text(String text) throws IOException {
    text(target, text);
  }

  private static void text(OutputStream out, String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    if (bytes.length < 256) {
      out.write(0x8c);
      out.write(bytes.length);
    } else {
      out.write('X');
      little(out, bytes.length, 4);
    }
    out.write(bytes);
  }

  private static void little(OutputStream out, long value, int bytes) throws IOException {
    for (int i = 0; i < bytes; i++) {
      out.write((int) (value >>> 8 * i));
    }
  }

  private void write(int... bytes) throws IOException {
    for (int value : bytes) {
      target.write(value);
    }
  }
}
