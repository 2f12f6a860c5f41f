package io.vecferry.store.faiss;

import io.vecferry.store.StoreException;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads the pickle of a LangChain docstore as data. It knows the handful of classes that such a
 * pickle names and builds plain values for them; it never looks up, loads or runs anything. Any
 * other name ends with an error that says so.
 *
 * <p>Finished documents are written to a fragment file at once and forgotten, and the memo keeps
 * positions in the files instead of values, so that memory is some tens of bytes per document.
 */
final class PickleReader {
  private static final int DEEPEST = 500;
  private static final int LONGEST_INTEGER_BYTES = 4096;
  private static final int CACHED_TEXT = 128;
  private static final int CACHED_TEXTS = 4096;
  private static final long LARGEST_DOCUMENT = 1L << 29;

  private static final Set<String> DOCSTORES =
      Set.of(
          "langchain.docstore.in_memory",
          "langchain.docstore",
          "langchain_classic.docstore.in_memory",
          "langchain_community.docstore.in_memory",
          "langchain_community.docstore");
  private static final Set<String> DOCUMENTS =
      Set.of(
          "langchain.docstore.document",
          "langchain.schema",
          "langchain.schema.document",
          "langchain_classic.docstore.document",
          "langchain_classic.schema",
          "langchain_classic.schema.document",
          "langchain_community.docstore.document",
          "langchain_core.documents",
          "langchain_core.documents.base");

  private static final byte[] DICT_FIELD = ascii("_dict");
  private static final byte[] STATE_FIELD = ascii("__dict__");
  private static final byte[] CONTENT_FIELD = ascii("page_content");
  private static final byte[] METADATA_FIELD = ascii("metadata");

  private static final int MEMO_TEXT = 1;
  private static final int MEMO_LIVE = 2;
  private static final int MEMO_FROZEN = 3;

  private enum Global {
    DOCSTORE,
    DOCUMENT,
    RECONSTRUCTOR,
    OBJECT,
    SET
  }

  private static final Object NONE = new Object();

  /** A text; {@code utf8} is null where it has to be looked up in the pickle. */
  private static final class Text {
    private final long position;
    private final byte[] utf8;

    private Text(long position, byte[] utf8) {
      this.position = position;
      this.utf8 = utf8;
    }
  }

  /** Something mutable that the memo may know. */
  private abstract static class Node {
    int memo = -1;
  }

  private static final class ListNode extends Node {
    private final List<Object> items = new ArrayList<>(4);
  }

  private static final class SetNode extends Node {}

  private static final class TupleNode extends Node {
    private final Object[] items;

    private TupleNode(Object[] items) {
      this.items = items;
    }
  }

  private static final class DictNode extends Node {
    private final List<Object> keys = new ArrayList<>(4);
    private final List<Object> values = new ArrayList<>(4);
  }

  private static final class InstanceNode extends Node {
    private final Global type;
    private DictNode documents;
    private Frozen document;

    private InstanceNode(Global type) {
      this.type = type;
    }
  }

  private static final class BytesNode extends Node {}

  /** Something finished that stands in the fragment file. */
  private static final class Frozen {
    private final long offset;
    private final long length;
    private final boolean document;

    private Frozen(long offset, long length, boolean document) {
      this.offset = offset;
      this.length = length;
      this.document = document;
    }
  }

  /** What a LangChain pickle holds: the documents by id, and the id of each row. */
  interface Docstore {
    int documents();

    int rows();

    /** The id of the vector that the index returns under a number; null when it has none. */
    byte[] idOfLabel(long label);

    /** The id of a document, in the order of the docstore. */
    byte[] idOfDocument(int document);

    /** Copies {@code ,"document":..,"metadata":..} of a document. */
    void copyFragment(int document, OutputStream target);
  }

  private final Path path;
  private final FileChannel pickle;
  private final PickleInput input;
  private final PickleInput lookup;
  private final FileChannel fragments;
  private final BufferedOutputStream output;
  private final long outputLimit;
  private long written;

  private final List<Object> stack = new ArrayList<>();
  private int[] marks = new int[16];
  private int markCount;
  private long[] memo = new long[1024];
  private int memoCount;
  private final Map<Integer, Object> live = new HashMap<>();
  private final List<Frozen> frozen = new ArrayList<>();
  private final Map<Long, Text> texts =
      new LinkedHashMap<>(64, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, Text> eldest) {
          return size() > CACHED_TEXTS;
        }
      };

  private PickleReader(Path path, FileChannel pickle, FileChannel fragments) throws IOException {
    this.path = path;
    this.pickle = pickle;
    this.input = new PickleInput(path, pickle);
    this.lookup = new PickleInput(path, pickle);
    this.fragments = fragments;
    this.output = new BufferedOutputStream(Channels.newOutputStream(fragments), 1 << 16);
    frozen.add(new Frozen(0, -1, false));
    this.outputLimit = input.size() * 100 + (1L << 30);
  }

  /**
   * Reads a pickle.
   *
   * @param pickle the file
   * @param fragments an empty file, read and write, that is needed as long as the result is
   */
  static Docstore read(Path path, FileChannel pickle, FileChannel fragments) throws IOException {
    PickleReader reader = new PickleReader(path, pickle, fragments);
    try {
      return reader.result(reader.run());
    } catch (IndexOutOfBoundsException e) {
      throw reader.bad("it takes more from the stack than there is");
    }
  }

  private Object run() throws IOException {
    while (true) {
      long position = input.position();
      int opcode = input.unsignedByte();
      switch (opcode) {
        case 0x80 -> {
          int protocol = input.unsignedByte();
          if (protocol > 5) {
            throw bad("pickle protocol " + protocol + " is not known; 0 to 5 are");
          }
        }
        case 0x95 -> {
          long length = input.number(8);
          if (length < 0 || length > input.size() - input.position()) {
            throw input.truncated(length);
          }
        }
        case '.' -> {
          Object result = pop();
          if (!stack.isEmpty() || markCount != 0) {
            throw bad("values are left on the stack at its end");
          }
          if (input.position() != input.size()) {
            throw bad("it ends at byte " + input.position() + ", the file has " + input.size());
          }
          return result;
        }
        case '(' -> mark();
        case '0' -> {
          if (markCount > 0 && marks[markCount - 1] == stack.size()) {
            markCount--;
          } else {
            pop();
          }
        }
        case '1' -> popToMark();
        case '2' -> stack.add(top());
        case 'N' -> stack.add(NONE);
        case 0x88 -> stack.add(Boolean.TRUE);
        case 0x89 -> stack.add(Boolean.FALSE);
        case 'I' -> stack.add(decimal(input.line(), true));
        case 'L' -> stack.add(decimal(input.line(), false));
        case 'J' -> stack.add((long) (int) input.number(4));
        case 'K' -> stack.add(input.number(1));
        case 'M' -> stack.add(input.number(2));
        case 0x8a -> stack.add(integer(input.number(1)));
        case 0x8b -> stack.add(integer((int) input.number(4)));
        case 'F' -> stack.add(decimalFloat(input.line()));
        case 'G' -> stack.add(Double.longBitsToDouble(Long.reverseBytes(input.number(8))));
        case 'V', 'X', 0x8c, 0x8d -> stack.add(text(input, position, opcode));
        case 'B' -> stack.add(skippedBytes(input.number(4)));
        case 'C' -> stack.add(skippedBytes(input.number(1)));
        case 0x8e, 0x96 -> stack.add(skippedBytes(input.number(8)));
        case ']' -> stack.add(new ListNode());
        case 'l' -> {
          ListNode list = new ListNode();
          list.items.addAll(Arrays.asList(popToMark()));
          stack.add(list);
        }
        case 'a' -> {
          Object item = pop();
          top(ListNode.class, "a list").items.add(item);
        }
        case 'e' -> {
          Object[] items = popToMark();
          top(ListNode.class, "a list").items.addAll(Arrays.asList(items));
        }
        case ')' -> stack.add(new TupleNode(new Object[0]));
        case 't' -> stack.add(new TupleNode(popToMark()));
        case 0x85 -> stack.add(new TupleNode(popLast(1)));
        case 0x86 -> stack.add(new TupleNode(popLast(2)));
        case 0x87 -> stack.add(new TupleNode(popLast(3)));
        case '}' -> stack.add(new DictNode());
        case 'd' -> {
          DictNode dict = new DictNode();
          putAll(dict, popToMark());
          stack.add(dict);
        }
        case 's' -> {
          Object[] pair = popLast(2);
          putAll(top(DictNode.class, "a dict"), pair);
        }
        case 'u' -> {
          Object[] pairs = popToMark();
          putAll(top(DictNode.class, "a dict"), pairs);
        }
        case 0x8f -> stack.add(new SetNode());
        case 0x90 -> {
          popToMark();
          top(SetNode.class, "a set");
        }
        case 0x91 -> {
          popToMark();
          stack.add(new SetNode());
        }
        case 'p' -> remember(index(input.line()));
        case 'q' -> remember(input.number(1));
        case 'r' -> remember(input.number(4));
        case 0x94 -> remember(memoCount);
        case 'g' -> stack.add(recall(index(input.line())));
        case 'h' -> stack.add(recall(input.number(1)));
        case 'j' -> stack.add(recall(input.number(4)));
        case 'c' -> {
          String module = new String(input.line(), StandardCharsets.UTF_8);
          stack.add(global(module, new String(input.line(), StandardCharsets.UTF_8)));
        }
        case 0x93 -> {
          Object[] names = popLast(2);
          if (!(names[0] instanceof Text module) || !(names[1] instanceof Text name)) {
            throw bad("a name that is not a text is looked up");
          }
          stack.add(global(string(module), string(name)));
        }
        case 'R', 0x81 -> {
          Object[] pair = popLast(2);
          if (!(pair[1] instanceof TupleNode arguments)) {
            throw bad("arguments that are not a tuple");
          }
          stack.add(construct(pair[0], arguments.items));
        }
        case 'b' -> build();
        default ->
            throw bad(
                String.format(
                    "opcode 0x%02x at byte %d does not occur in a LangChain docstore; refused,"
                        + " nothing was run",
                    opcode, position));
      }
    }
  }

  private void mark() {
    if (markCount == marks.length) {
      marks = Arrays.copyOf(marks, markCount * 2);
    }
    marks[markCount++] = stack.size();
  }

  private int floor() {
    return markCount == 0 ? 0 : marks[markCount - 1];
  }

  private Object pop() {
    if (stack.size() <= floor()) {
      throw bad("it takes more from the stack than there is");
    }
    return stack.remove(stack.size() - 1);
  }

  private Object top() {
    if (stack.size() <= floor()) {
      throw bad("it takes more from the stack than there is");
    }
    return stack.get(stack.size() - 1);
  }

  private <T> T top(Class<T> type, String what) {
    Object value = top();
    if (!type.isInstance(value)) {
      throw bad("it adds to something that is not " + what + " or is already in a document");
    }
    return type.cast(value);
  }

  private Object[] popLast(int count) {
    Object[] items = new Object[count];
    for (int i = count - 1; i >= 0; i--) {
      items[i] = pop();
    }
    return items;
  }

  private Object[] popToMark() {
    if (markCount == 0) {
      throw bad("a mark is missing");
    }
    int from = marks[--markCount];
    List<Object> tail = stack.subList(from, stack.size());
    Object[] items = tail.toArray();
    tail.clear();
    return items;
  }

  private void putAll(DictNode dict, Object[] pairs) {
    if (pairs.length % 2 != 0) {
      throw bad("a dict has a key without a value");
    }
    for (int i = 0; i < pairs.length; i += 2) {
      boolean large = dict.keys.size() > 256;
      dict.keys.add(large ? withoutBytes(pairs[i]) : pairs[i]);
      dict.values.add(large ? withoutBytes(pairs[i + 1]) : pairs[i + 1]);
    }
  }

  /** The large dicts of a docstore have one entry per document: those keep positions only. */
  private static Object withoutBytes(Object value) {
    return value instanceof Text text && text.utf8 != null ? new Text(text.position, null) : value;
  }

  private long index(byte[] line) {
    Object number = decimal(line, false);
    return number instanceof Long index ? index : -1;
  }

  private void remember(long index) {
    // Every entry costs at least one byte of the file, which bounds the array by the file's size.
    if (index < 0 || index > input.position() || index > Integer.MAX_VALUE - 16) {
      throw bad("memo entry " + index + " is out of range");
    }
    int at = (int) index;
    if (at >= memo.length) {
      memo =
          Arrays.copyOf(
              memo, (int) Math.min(Integer.MAX_VALUE - 16, Math.max(at + 1L, memo.length * 2L)));
    }
    Object value = top();
    if (memo[at] == 0) {
      memoCount++;
    } else {
      live.remove(at);
    }
    if (value instanceof Text text) {
      memo[at] = text.position << 2 | MEMO_TEXT;
      return;
    }
    if (value instanceof Frozen finished) {
      frozen.add(finished);
      memo[at] = (long) (frozen.size() - 1) << 2 | MEMO_FROZEN;
      return;
    }
    if (value instanceof Node node) {
      node.memo = at;
    }
    memo[at] = MEMO_LIVE;
    live.put(at, value);
  }

  private Object recall(long index) throws IOException {
    if (index < 0 || index >= memo.length || memo[(int) index] == 0) {
      throw bad("memo entry " + index + " is used but was never set");
    }
    long entry = memo[(int) index];
    return switch ((int) (entry & 3)) {
      case MEMO_TEXT -> textAt(entry >>> 2);
      case MEMO_FROZEN -> frozen.get((int) (entry >>> 2));
      default -> live.get((int) index);
    };
  }

  private Text text(PickleInput from, long position, int opcode) throws IOException {
    byte[] bytes =
        switch (opcode) {
          case 'V' -> rawUnicodeEscape(from.line());
          case 'X' -> from.bytes(from.number(4));
          case 0x8c -> from.bytes(from.number(1));
          default -> from.bytes(from.number(8));
        };
    return new Text(position, bytes);
  }

  private Text textAt(long position) throws IOException {
    Text cached = texts.get(position);
    if (cached != null) {
      return cached;
    }
    lookup.seek(position);
    Text text = text(lookup, position, lookup.unsignedByte());
    if (text.utf8.length <= CACHED_TEXT) {
      texts.put(position, text);
    }
    return text;
  }

  private byte[] utf8(Text text) throws IOException {
    return text.utf8 != null ? text.utf8 : textAt(text.position).utf8;
  }

  private String string(Text text) throws IOException {
    return new String(utf8(text), StandardCharsets.UTF_8);
  }

  private boolean is(Object value, byte[] expected) throws IOException {
    return value instanceof Text text && Arrays.equals(utf8(text), expected);
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  /**
   * Text of protocol 0: Latin-1 with escapes. Half surrogates stay visible as what UTF-8 forbids.
   */
  private byte[] rawUnicodeEscape(byte[] line) {
    StringBuilder text = new StringBuilder(line.length);
    for (int i = 0; i < line.length; i++) {
      int value = line[i] & 0xff;
      int digits = 0;
      if (value == '\\' && i + 1 < line.length) {
        digits = line[i + 1] == 'u' ? 4 : line[i + 1] == 'U' ? 8 : 0;
      }
      if (digits == 0) {
        text.append((char) value);
        continue;
      }
      try {
        String hexadecimal = new String(line, i + 2, digits, StandardCharsets.ISO_8859_1);
        text.appendCodePoint(Integer.parseInt(hexadecimal, 16));
      } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
        throw bad("a text has a broken escape");
      }
      i += 1 + digits;
    }
    if (TextCheck.loneSurrogate(text.toString()) >= 0) {
      return new byte[] {(byte) 0xed, (byte) 0xa0, (byte) 0x80};
    }
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }

  private Object decimal(byte[] line, boolean flags) {
    String text = new String(line, StandardCharsets.ISO_8859_1);
    if (flags && text.equals("01")) {
      return Boolean.TRUE;
    }
    if (flags && text.equals("00")) {
      return Boolean.FALSE;
    }
    if (text.endsWith("L")) {
      text = text.substring(0, text.length() - 1);
    }
    if (text.length() > LONGEST_INTEGER_BYTES * 2) {
      throw bad("an integer of " + text.length() + " digits is longer than supported");
    }
    try {
      return text.length() < 19 ? Long.valueOf(text) : small(new BigInteger(text));
    } catch (NumberFormatException e) {
      throw bad("an integer is not a number");
    }
  }

  private Object integer(long length) throws IOException {
    if (length > LONGEST_INTEGER_BYTES) {
      throw bad("an integer of " + length + " bytes is longer than supported");
    }
    byte[] bytes = input.bytes(length);
    if (bytes.length == 0) {
      return 0L;
    }
    for (int i = 0, j = bytes.length - 1; i < j; i++, j--) {
      byte swapped = bytes[i];
      bytes[i] = bytes[j];
      bytes[j] = swapped;
    }
    return small(new BigInteger(bytes));
  }

  private static Object small(BigInteger value) {
    return value.bitLength() < 64 ? (Object) value.longValue() : value;
  }

  private Object decimalFloat(byte[] line) {
    String text = new String(line, StandardCharsets.ISO_8859_1);
    return switch (text) {
      case "inf" -> Double.POSITIVE_INFINITY;
      case "-inf" -> Double.NEGATIVE_INFINITY;
      case "nan", "-nan" -> Double.NaN;
      default -> {
        try {
          yield Double.valueOf(text);
        } catch (NumberFormatException e) {
          throw bad("a float is not a number");
        }
      }
    };
  }

  private Object skippedBytes(long length) throws IOException {
    input.bytes(length);
    return new BytesNode();
  }

  private Global global(String module, String name) {
    if (name.equals("InMemoryDocstore") && DOCSTORES.contains(module)) {
      return Global.DOCSTORE;
    }
    if (name.equals("Document") && DOCUMENTS.contains(module)) {
      return Global.DOCUMENT;
    }
    if (name.equals("_reconstructor") && (module.equals("copyreg") || module.equals("copy_reg"))) {
      return Global.RECONSTRUCTOR;
    }
    boolean builtin = module.equals("builtins") || module.equals("__builtin__");
    if (builtin && name.equals("object")) {
      return Global.OBJECT;
    }
    if (builtin && name.equals("set")) {
      return Global.SET;
    }
    throw FileErrors.incompatible(
        path
            + ": refused: "
            + printable(module)
            + "."
            + printable(name)
            + " does not belong in a LangChain docstore; the pickle was read as data and nothing"
            + " was run");
  }

  private static String printable(String name) {
    String cut = name.length() > 200 ? name.substring(0, 200) + "..." : name;
    return cut.replaceAll("\\p{Cntrl}", "?");
  }

  private Object construct(Object type, Object[] arguments) {
    if (type == Global.RECONSTRUCTOR) {
      if (arguments.length == 3
          && arguments[1] == Global.OBJECT
          && (arguments[0] == Global.DOCSTORE || arguments[0] == Global.DOCUMENT)) {
        return new InstanceNode((Global) arguments[0]);
      }
    } else if (type == Global.SET && arguments.length <= 1) {
      return new SetNode();
    } else if ((type == Global.DOCSTORE || type == Global.DOCUMENT) && arguments.length == 0) {
      return new InstanceNode((Global) type);
    }
    throw bad("it calls something with arguments that a LangChain docstore does not use");
  }

  private void build() throws IOException {
    Object state = pop();
    if (!(top() instanceof InstanceNode instance) || !(state instanceof DictNode dict)) {
      throw bad("it sets the state of something that has none");
    }
    if (instance.type == Global.DOCSTORE) {
      if (!(find(dict, DICT_FIELD) instanceof DictNode documents)) {
        throw bad("the docstore has no _dict");
      }
      instance.documents = documents;
      return;
    }
    if (instance.document != null) {
      throw bad("it sets the state of a document twice");
    }
    Object fields = find(dict, STATE_FIELD);
    DictNode values = fields instanceof DictNode inner ? inner : dict;
    instance.document = freezeDocument(values);
    forget(dict, 0);
    // The instance itself stays where it is referred to; only its position in the file is kept.
    stack.set(stack.size() - 1, instance.document);
    if (instance.memo >= 0) {
      live.remove(instance.memo);
      frozen.add(instance.document);
      memo[instance.memo] = (long) (frozen.size() - 1) << 2 | MEMO_FROZEN;
    }
  }

  private Object find(DictNode dict, byte[] key) throws IOException {
    Object found = null;
    for (int i = 0; i < dict.keys.size(); i++) {
      if (is(dict.keys.get(i), key)) {
        found = dict.values.get(i);
      }
    }
    return found;
  }

  private Frozen freezeDocument(DictNode fields) throws IOException {
    Object content = find(fields, CONTENT_FIELD);
    Object metadata = find(fields, METADATA_FIELD);
    long start = written;
    if (content instanceof Text text) {
      put(",\"document\":");
      putText(text, "page_content");
    } else if (content != null && content != NONE) {
      throw bad("a document at byte " + input.position() + " has a page_content that is no text");
    }
    if (metadata != null && metadata != NONE) {
      if (!(metadata instanceof DictNode) && !(metadata instanceof Frozen)) {
        throw bad("a document at byte " + input.position() + " has metadata that is no dict");
      }
      put(",\"metadata\":");
      putValue(metadata, "metadata", 0, start);
    }
    return new Frozen(start, written - start, true);
  }

  private void putValue(Object value, String key, int depth, long start) throws IOException {
    if (depth > DEEPEST) {
      throw problem(start, key, "is nested deeper than " + DEEPEST + " levels");
    }
    if (written - start > LARGEST_DOCUMENT || written > outputLimit) {
      throw problem(start, key, "expands to more text than a pickle of this size can mean");
    }
    if (value == NONE) {
      put("null");
    } else if (value instanceof Boolean || value instanceof Long || value instanceof BigInteger) {
      put(value.toString());
    } else if (value instanceof Double number) {
      if (!Double.isFinite(number)) {
        throw problem(start, key, "is " + number + ", which JSON cannot hold");
      }
      put(PythonNumbers.repr(number));
    } else if (value instanceof Text text) {
      putText(text, key);
    } else if (value instanceof ListNode list) {
      long from = written;
      putItems(list.items, key, depth, start);
      freeze(list, from);
    } else if (value instanceof TupleNode tuple) {
      putItems(Arrays.asList(tuple.items), key, depth, start);
    } else if (value instanceof DictNode dict) {
      long from = written;
      putDict(dict, key, depth, start);
      freeze(dict, from);
    } else if (value instanceof Frozen finished && !finished.document && finished.length >= 0) {
      copy(finished);
    } else {
      throw problem(start, key, "is of a type that JSON does not have");
    }
  }

  private void putItems(List<Object> items, String key, int depth, long start) throws IOException {
    put("[");
    for (int i = 0; i < items.size(); i++) {
      if (i > 0) {
        put(",");
      }
      putValue(items.get(i), key, depth + 1, start);
    }
    put("]");
  }

  private void putDict(DictNode dict, String key, int depth, long start) throws IOException {
    put("{");
    Set<String> keys = new HashSet<>();
    for (int i = 0; i < dict.keys.size(); i++) {
      if (!(dict.keys.get(i) instanceof Text text)) {
        throw problem(start, key, "has a key that is no text: " + describe(dict.keys.get(i)));
      }
      String name = string(text);
      if (!keys.add(name)) {
        throw problem(start, key, "has the key '" + printable(name) + "' twice");
      }
      if (i > 0) {
        put(",");
      }
      putText(text, "a key of " + key);
      put(":");
      putValue(dict.values.get(i), depth == 0 ? name : key + "." + name, depth + 1, start);
    }
    put("}");
  }

  private static String describe(Object key) {
    if (key == NONE) {
      return "None";
    }
    return key instanceof Node ? "a " + key.getClass().getSimpleName() : String.valueOf(key);
  }

  /** From now on the memo knows this value by where its JSON stands. */
  private void freeze(Node node, long from) {
    if (node.memo >= 0) {
      live.remove(node.memo);
      frozen.add(new Frozen(from, written - from, false));
      memo[node.memo] = (long) (frozen.size() - 1) << 2 | MEMO_FROZEN;
    }
  }

  /** Frees what the state of a document holds beside its metadata. */
  private void forget(Object value, int depth) {
    if (depth > 2 || !(value instanceof Node node)) {
      return;
    }
    if (node.memo >= 0 && live.remove(node.memo) != null) {
      // Entry 0 of the list stands for everything that no later value may refer to.
      memo[node.memo] = MEMO_FROZEN;
    }
    if (value instanceof DictNode dict) {
      for (Object inner : dict.values) {
        forget(inner, depth + 1);
      }
    }
  }

  private void copy(Frozen finished) throws IOException {
    if (written + finished.length > outputLimit) {
      throw bad("it expands to more text than a pickle of this size can mean");
    }
    output.flush();
    byte[] bytes = new byte[Math.toIntExact(finished.length)];
    readFragment(finished.offset, bytes);
    output.write(bytes);
    written += bytes.length;
  }

  private void readFragment(long offset, byte[] bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    while (buffer.hasRemaining()) {
      if (fragments.read(buffer, offset + buffer.position()) < 0) {
        throw new IOException("the temporary file became shorter");
      }
    }
  }

  private StoreException problem(long start, String key, String message) {
    // The id is the key under which the document is put next; it is on the stack already.
    String id = "at byte " + input.position();
    for (int i = stack.size() - 2; i >= 0; i--) {
      if (stack.get(i) instanceof Text text) {
        try {
          id = "'" + printable(string(text)) + "'";
        } catch (IOException e) {
          id = "at byte " + text.position;
        }
        break;
      }
    }
    return FileErrors.bad(path + ": document " + id + ": metadata '" + key + "' " + message);
  }

  private void put(String ascii) throws IOException {
    output.write(ascii(ascii));
    written += ascii.length();
  }

  private void putText(Text text, String key) throws IOException {
    byte[] bytes = utf8(text);
    requireUtf8(bytes, key);
    written += JsonText.write(bytes, 0, bytes.length, output);
  }

  private void requireUtf8(byte[] bytes, String key) {
    boolean ascii = true;
    for (byte value : bytes) {
      ascii &= value >= 0;
    }
    if (ascii) {
      return;
    }
    try {
      StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPORT)
          .decode(ByteBuffer.wrap(bytes));
    } catch (CharacterCodingException e) {
      throw problem(0, key, "has half of a surrogate pair, which UTF-8 cannot hold");
    }
  }

  private Docstore result(Object root) throws IOException {
    output.flush();
    if (!(root instanceof TupleNode tuple)
        || tuple.items.length != 2
        || !(tuple.items[0] instanceof InstanceNode docstore)
        || docstore.documents == null
        || !(tuple.items[1] instanceof DictNode rows)) {
      throw bad(
          "it is not what LangChain's FAISS.save_local writes: a pair of an InMemoryDocstore and"
              + " the dict index_to_docstore_id");
    }
    DictNode documents = docstore.documents;
    for (int i = 0; i < documents.keys.size(); i++) {
      if (!(documents.keys.get(i) instanceof Text)) {
        throw bad("the docstore has an id that is no text: " + describe(documents.keys.get(i)));
      }
      if (!(documents.values.get(i) instanceof Frozen value) || !value.document) {
        throw bad("the docstore has a value that is no Document");
      }
    }
    // Ids of rows and of documents stand in two places: each gets a window that moves forward.
    PickleInput rowInput = new PickleInput(path, pickle);
    PickleInput documentInput = new PickleInput(path, pickle);
    int entries = rows.keys.size();
    long[] labels = new long[entries];
    boolean inOrder = true;
    for (int i = 0; i < entries; i++) {
      if (!(rows.keys.get(i) instanceof Long row) || !(rows.values.get(i) instanceof Text)) {
        throw bad("index_to_docstore_id is not a dict of integers to texts");
      }
      labels[i] = row;
      inOrder &= row == i;
    }
    // Normally the numbers ascend from 0; behind deletions from lists they have gaps.
    long[] ascending = inOrder ? labels : labels.clone();
    int[] entryOf = inOrder ? null : new int[entries];
    if (!inOrder) {
      Arrays.sort(ascending);
      for (int i = 1; i < entries; i++) {
        if (ascending[i] == ascending[i - 1]) {
          throw bad("index_to_docstore_id has row " + ascending[i] + " twice");
        }
      }
      for (int i = 0; i < entries; i++) {
        entryOf[Arrays.binarySearch(ascending, labels[i])] = i;
      }
    }
    return new Docstore() {
      @Override
      public int documents() {
        return documents.keys.size();
      }

      @Override
      public int rows() {
        return entries;
      }

      @Override
      public byte[] idOfLabel(long label) {
        int found;
        if (entryOf == null) {
          found = label >= 0 && label < entries ? (int) label : -1;
        } else {
          int at = Arrays.binarySearch(ascending, label);
          found = at < 0 ? -1 : entryOf[at];
        }
        return found < 0 ? null : checked((Text) rows.values.get(found), rowInput);
      }

      @Override
      public byte[] idOfDocument(int document) {
        return checked((Text) documents.keys.get(document), documentInput);
      }

      private byte[] checked(Text id, PickleInput window) {
        try {
          byte[] bytes = id.utf8;
          if (bytes == null) {
            window.seek(id.position);
            bytes = text(window, id.position, window.unsignedByte()).utf8;
          }
          requireUtf8(bytes, "the id");
          return bytes;
        } catch (IOException e) {
          throw FileErrors.of("reading", path, e);
        }
      }

      @Override
      public void copyFragment(int document, OutputStream target) {
        Frozen value = (Frozen) documents.values.get(document);
        byte[] bytes = new byte[(int) value.length];
        try {
          readFragment(value.offset, bytes);
          target.write(bytes);
        } catch (IOException e) {
          throw FileErrors.of("converting", path, e);
        }
      }
    };
  }

  private StoreException bad(String message) {
    return FileErrors.bad(path + " is not a pickle that can be read: " + message);
  }
}
