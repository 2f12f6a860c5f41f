package io.vecferry.archive.s3;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.archive.s3.KeptObjects.Kept;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class KeptObjectsTest {
  private static final int SIZE = 600;
  private static final int MOST = 1_500;

  private final String folder = System.getProperty("java.io.tmpdir");
  private final KeptObjects objects = new KeptObjects();

  /** Folders for temporary files are in memory on some machines. */
  @BeforeEach
  void useADisk() {
    System.setProperty("java.io.tmpdir", Path.of("target").toAbsolutePath().toString());
  }

  @AfterEach
  void useWhatWasUsed() {
    System.setProperty("java.io.tmpdir", folder);
  }

  private static boolean isFound(Kept kept) {
    return kept != null && kept.read(0, ByteBuffer.allocate(SIZE));
  }

  private Kept open(String name) {
    return objects.open(name, SIZE, MOST);
  }

  private void fetch(String name) {
    open(name).write(0, new byte[SIZE], SIZE);
  }

  @Test
  void whatWasReadAgainLongestAgoMakesRoom() {
    fetch("a");
    fetch("b");
    assertThat(open("c")).as("a and b were not read again yet").isNull();
    assertThat(isFound(open("b"))).isTrue();
    assertThat(isFound(open("a"))).isTrue();
    fetch("c");
    assertThat(isFound(open("a"))).isTrue();
    assertThat(isFound(open("c"))).isTrue();
    assertThat(isFound(open("b"))).as("it was dropped for c").isFalse();
    assertThat(isFound(open("a"))).as("it was dropped for b").isFalse();
    assertThat(open("c")).as("neither was read again since").isNull();
  }

  @Test
  void whoReadsWhatIsDroppedIsToldThatItIsNotThere() {
    fetch("a");
    fetch("b");
    Kept reader = open("a");
    assertThat(isFound(reader)).isTrue();
    fetch("c");
    assertThat(isFound(reader)).isFalse();
    reader.write(0, new byte[SIZE], SIZE);
    assertThat(isFound(reader)).isFalse();
  }

  @Test
  void anObjectWithoutRoomIsNotKept() {
    assertThat(objects.open("a", MOST + 1, MOST)).isNull();
    assertThat(objects.open("a", 1, 0)).isNull();
    assertThat(objects.open("a", 1, Long.MAX_VALUE / 2)).as("a disk so large").isNull();
  }

  @Test
  void openFilesAreBounded() {
    List<Kept> kept = new ArrayList<>();
    IntStream.range(0, 1_000).forEach(i -> kept.add(objects.open("small" + i, 1, MOST)));
    assertThat(kept).filteredOn(each -> each != null).hasSize(128);
  }

  @Test
  void rangesAreFoundWhereAllOfThemIsThere() {
    byte[] bytes = new byte[1_000];
    Random random = new Random(3);
    random.nextBytes(bytes);
    Kept kept = objects.open("a", bytes.length, MOST);
    boolean[] there = new boolean[bytes.length];
    for (int i = 0; i < 300; i++) {
      int from = random.nextInt(bytes.length);
      int to = from + 1 + random.nextInt(Math.min(30, bytes.length - from));
      kept.write(from, Arrays.copyOfRange(bytes, from, to), to - from);
      Arrays.fill(there, from, to, true);
      int start = random.nextInt(bytes.length);
      int end = start + 1 + random.nextInt(Math.min(30, bytes.length - start));
      ByteBuffer read = ByteBuffer.allocate(end - start);
      boolean all = IntStream.range(start, end).allMatch(at -> there[at]);
      assertThat(kept.read(start, read)).isEqualTo(all);
      assertThat(read.position()).isEqualTo(all ? end - start : 0);
      if (all) {
        assertThat(read.array()).isEqualTo(Arrays.copyOfRange(bytes, start, end));
      }
    }
  }
}
