package io.vecferry.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdColumn;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class IdSampleTest {
  private static RecordBatch batch(int from, int to) {
    int rows = to - from;
    return new RecordBatch(
        IdColumn.ofStrings(
            IntStream.range(from, to).mapToObj(i -> "id-" + i).toArray(String[]::new)),
        List.of(new DenseVectors("", 1, new float[rows])),
        TextColumn.allNull(rows),
        TextColumn.allNull(rows));
  }

  private static List<String> drawn(IdSample sample, RecordBatch batch) {
    RecordBatch some = sample.of(batch);
    return IntStream.range(0, some.rows()).mapToObj(some.ids()::get).toList();
  }

  @Test
  void drawsTheSameRecordsHoweverTheyCome() {
    IdSample sample = new IdSample(0.1);
    List<String> all = drawn(sample, batch(0, 10_000));
    // 10,000 x 0.1 = 1,000 on average, with a standard deviation of 30.
    assertThat(all.size()).isBetween(850, 1150);
    List<String> inPieces =
        IntStream.range(0, 100)
            .boxed()
            .flatMap(i -> drawn(sample, batch(i * 100, i * 100 + 100)).stream())
            .toList();
    assertThat(inPieces).isEqualTo(all);
    assertThat(drawn(new IdSample(0.05), batch(0, 10_000))).isSubsetOf(all);
  }

  @Test
  void aShareOfOneIsEveryRecord() {
    RecordBatch batch = batch(0, 10);
    assertThat(new IdSample(1).of(batch)).isSameAs(batch);
    assertThat(new IdSample(1).finds(1)).isEqualTo(1);
  }

  /** What is promised is what happens: faults in 0.1 % of 10,000 records, 1,000 times anew. */
  @Test
  void findsFaultsAsOftenAsItSays() {
    IdSample sample = new IdSample(0.2);
    int found = 0;
    for (int trial = 0; trial < 1_000; trial++) {
      // 10 faulty records of other ids each time.
      found += drawn(sample, batch(trial * 10, trial * 10 + 10)).isEmpty() ? 0 : 1;
    }
    // 1 - 0.8^10 = 0.8926; the standard deviation of the share is 0.0098.
    assertThat(sample.finds(10)).isCloseTo(0.8926, within(1e-4));
    assertThat(found / 1_000.0).isCloseTo(sample.finds(10), within(0.05));
  }

  @Test
  void saysWhatItWouldFindForThisCollection() {
    // 1 - (1 - 0.01)^1000 = 0.999957; never rounded up.
    assertThat(new IdSample(0.01).meaning(1_000_000))
        .isEqualTo(
            "a fault in 0.1 % of the records (1,000 of 1,000,000) would be found with probability"
                + " 99.995 %, one in a single record with 1 %");
    // 1 - (1 - 0.0069)^1000 = 0.99902.
    assertThat(new IdSample(0.0069).meaning(1_000_000)).contains("99.901 %");
    assertThat(new IdSample(0.25).meaning(60))
        .isEqualTo("a fault in one record would be found with probability 25 %");
    assertThat(new IdSample(1e-6).meaning(100_000_000))
        .contains("9.516 %")
        .contains("one in a single record with less than 0.001 %");
    // 1 - 0.5^1000 is 1 in doubles.
    assertThat(new IdSample(0.5).meaning(1_000_000)).contains("more than 99.999 %");
    assertThat(new IdSample(1).meaning(5_000)).contains("100 %, one in a single record with 100 %");
  }
}
