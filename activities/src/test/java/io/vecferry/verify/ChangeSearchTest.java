package io.vecferry.verify;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.MultiVectors;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.SparseVectors;
import io.vecferry.record.TextColumn;
import io.vecferry.record.VectorColumn;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ChangeSearchTest {
  @TempDir Path folder;

  /** What was found, as texts. */
  private static final class Seen implements ChangeSearch.Found {
    private final TreeSet<String> found = new TreeSet<>();

    @Override
    public void added(IdKind kind, String id) {
      add("added", kind, id);
    }

    @Override
    public void changed(IdKind kind, String id) {
      add("changed", kind, id);
    }

    @Override
    public void gone(IdKind kind, String id) {
      add("gone", kind, id);
    }

    private void add(String what, IdKind kind, String id) {
      assertThat(found.add(what + " " + kind + " " + id)).isTrue();
    }
  }

  private static RecordBatch record(IdKind kind, String id, String document) {
    return new RecordBatch(
        IdColumn.of(kind, TextColumn.of(id)),
        List.of(new DenseVectors("", 1, new float[] {1})),
        TextColumn.of(document),
        TextColumn.allNull(1));
  }

  private static RecordBatch record(String id, String document) {
    return record(IdKind.STRING, id, document);
  }

  @ParameterizedTest
  @ValueSource(ints = {3, 50, 1_000_000})
  void findsWhatAModelFinds(int rowsInMemory) throws IOException {
    Random random = new Random(5);
    Map<String, String> archived = new TreeMap<>();
    Map<String, String> current = new TreeMap<>();
    Seen seen = new Seen();
    try (ChangeSearch search = new ChangeSearch(folder, 700, rowsInMemory)) {
      for (int i = 0; i < 700; i++) {
        archived.put("id-" + random.nextInt(900), "d" + random.nextInt(3));
        current.put("id-" + random.nextInt(900), "d" + random.nextInt(3));
      }
      archived.forEach((id, document) -> search.archived(record(id, document)));
      current.forEach((id, document) -> search.current(record(id, document)));
      search.finish(seen);
    }
    TreeSet<String> expected = new TreeSet<>();
    archived.forEach(
        (id, document) -> {
          if (!current.containsKey(id)) {
            expected.add("gone STRING " + id);
          } else if (!current.get(id).equals(document)) {
            expected.add("changed STRING " + id);
          }
        });
    current.keySet().stream()
        .filter(id -> !archived.containsKey(id))
        .forEach(id -> expected.add("added STRING " + id));
    assertThat(seen.found).isEqualTo(expected).hasSizeGreaterThan(400);
    try (var left = Files.list(folder)) {
      assertThat(left).isEmpty();
    }
  }

  @Test
  void anIdIsItsKindAndItsText() {
    Seen seen = new Seen();
    try (ChangeSearch search = new ChangeSearch(folder, 2)) {
      search.archived(record(IdKind.INT64, "5", "a"));
      search.archived(record("", "a"));
      search.current(record("5", "a"));
      search.current(record("", "a"));
      search.finish(seen);
    }
    assertThat(seen.found).containsExactly("added STRING 5", "gone INT64 5");
  }

  @Test
  void whatTheArchiveHasTwiceHasToBeReadAnew() {
    Seen seen = new Seen();
    Seen repeated = new Seen();
    for (Seen into : List.of(seen, repeated)) {
      try (ChangeSearch search = new ChangeSearch(folder, 5)) {
        for (String id : List.of("once", "twice", "twice", "lost", "lost")) {
          search.archived(record(id, "a"));
        }
        if (into == repeated) {
          search.finishRepeated(into);
        } else {
          // A source that moves may show a record before and after a change.
          search.current(record("once", "a"));
          search.current(record("once", "b"));
          search.current(record("twice", "a"));
          search.current(record("new", "a"));
          search.current(record("new", "b"));
          search.finish(into);
        }
      }
    }
    assertThat(seen.found)
        .containsExactly(
            "added STRING new", "changed STRING once", "changed STRING twice", "gone STRING lost");
    assertThat(repeated.found).containsExactly("changed STRING lost", "changed STRING twice");
  }

  /** Whether two records of these contents are taken for the same. */
  private boolean isSame(RecordBatch one, RecordBatch other) {
    Seen seen = new Seen();
    try (ChangeSearch search = new ChangeSearch(folder, 1)) {
      search.archived(one);
      search.current(other);
      search.finish(seen);
    }
    RecordComparator comparator = new RecordComparator(0, true, true);
    comparator.compare(one, other);
    assertThat(seen.found.isEmpty()).isEqualTo(comparator.result().bitExactRows() == 1);
    return seen.found.isEmpty();
  }

  private static RecordBatch with(String document, String metadata, VectorColumn... vectors) {
    return new RecordBatch(
        IdColumn.ofStrings("id"),
        List.of(vectors),
        TextColumn.of(document),
        TextColumn.of(metadata));
  }

  @Test
  void everyBitCountsAndTheOrderOfKeysDoesNot() {
    DenseVectors dense = new DenseVectors("a", 2, new float[] {0, 1});
    assertThat(
            isSame(
                with("d", "{\"x\":1,\"y\":[2]}", dense), with("d", "{ \"y\":[2], \"x\":1}", dense)))
        .isTrue();
    assertThat(isSame(with("d", "{\"x\":1}", dense), with("d", "{\"x\":1.0}", dense))).isFalse();
    assertThat(isSame(with("d", "{\"x\":1}", dense), with("d", "{\"x\":\"1\"}", dense))).isFalse();
    assertThat(isSame(with("d", "{\"x\":{}}", dense), with("d", "{\"x\":[]}", dense))).isFalse();
    assertThat(isSame(with("d", "{\"x\":null}", dense), with("d", "{}", dense))).isFalse();
    assertThat(isSame(with("d", "{}", dense), with("d", null, dense))).isFalse();
    assertThat(isSame(with("", null, dense), with(null, null, dense))).isFalse();
    assertThat(
            isSame(
                with("d", null, dense),
                with("d", null, new DenseVectors("a", 2, new float[] {-0.0f, 1}))))
        .isFalse();
    assertThat(
            isSame(
                with("d", null, dense),
                with("d", null, new DenseVectors("a", 2, new float[2], new boolean[] {true}))))
        .isFalse();
    assertThat(isSame(with("d", null, sparse(1, 0.5f)), with("d", null, sparse(2, 0.5f))))
        .isFalse();
    assertThat(isSame(with("d", null, sparse(1, 0.5f)), with("d", null, sparse(1, 0.5f)))).isTrue();
    assertThat(isSame(with("d", null, multi(1, 2)), with("d", null, multi(1, 2)))).isTrue();
    assertThat(isSame(with("d", null, multi(1, 2)), with("d", null, multi(1)))).isFalse();
  }

  private static SparseVectors sparse(int index, float value) {
    return new SparseVectors("s", new int[] {0, 1}, new int[] {index}, new float[] {value}, null);
  }

  private static MultiVectors multi(float... values) {
    return new MultiVectors("m", 1, new int[] {0, values.length}, values, null);
  }
}
