package io.vecferry.store.faiss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Lines in another order. */
class LinePlacerTest {
  @TempDir Path folder;

  private Path file(String name, List<String> lines) throws IOException {
    return Files.write(folder.resolve(name), lines);
  }

  private List<String> place(List<Path> files, int... places) throws IOException {
    Path result = folder.resolve("result");
    try (FileChannel channel =
        FileChannel.open(
            result,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE)) {
      SummedOutput output = new SummedOutput(channel);
      output.write("first\n".getBytes(StandardCharsets.US_ASCII));
      new LinePlacer(files, places).write(output, channel);
      output.write("last\n".getBytes(StandardCharsets.US_ASCII));
      output.flush();
      assertThat(output.sum().bytes()).isEqualTo(Files.size(result));
      java.util.zip.CRC32C checksum = new java.util.zip.CRC32C();
      checksum.update(Files.readAllBytes(result));
      assertThat(output.sum().crc32c()).isEqualTo(Long.toHexString(checksum.getValue()));
    }
    List<String> lines = Files.readAllLines(result);
    assertThat(lines).startsWith("first").endsWith("last");
    return lines.subList(1, lines.size() - 1);
  }

  @Test
  void everyLineComesToItsPlace() throws IOException {
    String giant = "long ".repeat(5 << 20);
    Path first = file("a", List.of("zero", giant, "two"));
    Path empty = file("b", List.of());
    Path last = file("c", List.of("three", ""));
    assertThat(place(List.of(first, empty, last), 3, 0, 4, 2, 1))
        .containsExactly(giant, "", "three", "zero", "two");
  }

  @Test
  void manyLinesInAnyOrder() throws IOException {
    List<Integer> order = new ArrayList<>(IntStream.range(0, 20_000).boxed().toList());
    Collections.shuffle(order, new Random(2));
    Path path = file("a", order.stream().map(place -> "line " + place).toList());
    assertThat(place(List.of(path), order.stream().mapToInt(i -> i).toArray()))
        .containsExactlyElementsOf(IntStream.range(0, 20_000).mapToObj(i -> "line " + i).toList());
  }

  @Test
  void filesThatChangedAreNamed() throws IOException {
    Path few = file("few", List.of("a"));
    assertThatThrownBy(() -> place(List.of(few), 0, 1))
        .isInstanceOfSatisfying(
            StoreException.class,
            e -> assertThat(e.failureClass()).isEqualTo(FailureClass.TARGET_CHANGED))
        .hasMessage(few + " does not have one line for each vector; it was changed");
    assertThatThrownBy(() -> place(List.of(file("many", List.of("a", "b"))), 0))
        .isInstanceOf(StoreException.class);
    Path torn = Files.writeString(folder.resolve("torn"), "a\nb");
    assertThatThrownBy(() -> place(List.of(torn), 0, 1)).isInstanceOf(StoreException.class);
  }
}
