package io.vecferry.store.faiss;

import io.vecferry.store.StoreException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads CSV as RFC 4180 says it, and the same with tabs: UTF-8, names in the first line, quotes
 * around values with separators or line ends. A value is a text; nothing is taken for a number, so
 * that {@code 007} stays what it is.
 */
final class DelimitedText {
  private static final int LONGEST_VALUE = 1 << 28;

  private final Path path;
  private final char separator;
  private final BufferedReader reader;
  private long line = 1;
  private int pushedBack = -2;

  private DelimitedText(Path path, char separator, BufferedReader reader) {
    this.path = path;
    this.separator = separator;
    this.reader = reader;
  }

  static void read(Path path, char separator, MetadataFileReader.Sink sink) throws IOException {
    try (BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(
                Files.newInputStream(path),
                StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT)),
            1 << 16)) {
      new DelimitedText(path, separator, reader).rows(sink);
    } catch (CharacterCodingException e) {
      throw FileErrors.bad(path + " is not UTF-8");
    }
  }

  private void rows(MetadataFileReader.Sink sink) throws IOException {
    List<String> names = record();
    if (names == null) {
      throw FileErrors.bad(path + " is empty; its first line must have the names of the columns");
    }
    if (names.get(0).startsWith("\uFEFF")) {
      names.set(0, names.get(0).substring(1));
    }
    if (new HashSet<>(names).size() < names.size()) {
      throw FileErrors.bad(path + ": a name of a column is there twice: " + names);
    }
    while (true) {
      long start = line;
      List<String> values = record();
      if (values == null) {
        return;
      }
      if (values.size() != names.size()) {
        throw bad(
            start, "it has " + values.size() + " values, there are " + names.size() + " columns");
      }
      Map<String, String> row = new LinkedHashMap<>();
      for (int i = 0; i < values.size(); i++) {
        row.put(names.get(i), JsonRow.quote(values.get(i)));
      }
      sink.row("line " + start, row);
    }
  }

  private int next() throws IOException {
    if (pushedBack != -2) {
      int character = pushedBack;
      pushedBack = -2;
      return character;
    }
    return reader.read();
  }

  /** The values of the next record; null at the end. */
  private List<String> record() throws IOException {
    int character = next();
    if (character < 0) {
      return null;
    }
    List<String> values = new ArrayList<>();
    StringBuilder value = new StringBuilder();
    boolean quoted = false;
    boolean wasQuoted = false;
    long start = line;
    for (; ; character = next()) {
      if (quoted) {
        if (character < 0) {
          throw bad(start, "a quote is not closed");
        }
        if (character != '"') {
          line += character == '\n' ? 1 : 0;
          value.append((char) character);
        } else if ((pushedBack = next()) == '"') {
          pushedBack = -2;
          value.append('"');
        } else {
          quoted = false;
        }
      } else if (character == '"' && value.isEmpty() && !wasQuoted) {
        quoted = true;
        wasQuoted = true;
      } else if (character == separator || character < 0 || character == '\n') {
        values.add(value.toString());
        value.setLength(0);
        wasQuoted = false;
        if (character != separator) {
          line += character == '\n' ? 1 : 0;
          return values;
        }
      } else if (character == '\r') {
        pushedBack = next();
        if (pushedBack != '\n') {
          value.append('\r');
        }
      } else if (wasQuoted) {
        throw bad(start, "there is text behind a closing quote");
      } else {
        value.append((char) character);
      }
      if (value.length() > LONGEST_VALUE) {
        throw bad(start, "a value is longer than " + LONGEST_VALUE + " characters");
      }
    }
  }

  private StoreException bad(long at, String message) {
    return FileErrors.bad(path + ", line " + at + ": " + message);
  }
}
