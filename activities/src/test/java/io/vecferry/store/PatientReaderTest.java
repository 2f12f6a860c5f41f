package io.vecferry.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vecferry.plan.FailureClass;
import io.vecferry.record.RecordBatch;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PatientReaderTest {
  private static final int ROWS = 400;
  private static final SourceRange RANGE = new SourceRange("0", "" + ROWS, ROWS, true);

  private final List<Integer> asked = new ArrayList<>();
  private int calls;
  private int open;

  @Test
  void goesOnBehindTheLastBatchWithSmallerOnesForAWhile() {
    assertThat(readAll(false, FailureClass.RATE_LIMITED)).containsExactlyElementsOf(all());
    assertThat(asked).containsExactly(40, 20, 20, 40);
    assertThat(open).isZero();
  }

  @Test
  void leavesTheBatchSizeOfAPerson() {
    assertThat(readAll(true, FailureClass.RATE_LIMITED)).containsExactlyElementsOf(all());
    assertThat(asked).hasSizeGreaterThan(1).containsOnly(40);
  }

  @Test
  void otherFailuresEndThePart() {
    assertThatThrownBy(() -> readAll(false, FailureClass.TRANSIENT)).hasMessage("the second call");
    assertThat(open).isZero();
  }

  private List<String> readAll(boolean fixed, FailureClass failure) {
    List<String> ids = new ArrayList<>();
    VectorStore store =
        (VectorStore)
            Proxy.newProxyInstance(
                VectorStore.class.getClassLoader(),
                new Class<?>[] {VectorStore.class},
                (proxy, method, arguments) ->
                    new Numbers((String) arguments[1], (int) arguments[2], failure));
    try (PatientReader reader =
        new PatientReader(store, RANGE, "0", 40, fixed, new RequestsSeen())) {
      for (RecordBatch batch = reader.next(); batch != null; batch = reader.next()) {
        for (int row = 0; row < batch.rows(); row++) {
          ids.add(batch.ids().get(row));
        }
      }
      assertThat(reader.cursor()).isEqualTo("" + ROWS);
    }
    return ids;
  }

  private static List<String> all() {
    return IntStream.range(0, ROWS).mapToObj(row -> "row-" + row).toList();
  }

  /** Records with numbers; fails at the second call and, for a while, at each second one. */
  private final class Numbers implements BatchReader {
    private final int rows;
    private final FailureClass failure;
    private int position;

    Numbers(String cursor, int rows, FailureClass failure) {
      this.position = Integer.parseInt(cursor);
      this.rows = rows;
      this.failure = failure;
      asked.add(rows);
      open++;
    }

    @Override
    public RecordBatch next() {
      calls++;
      if (calls == 2 || calls == 3) {
        throw new StoreException(failure, calls == 2 ? "the second call" : "again");
      }
      int from = position;
      position = Math.min(ROWS, from + rows);
      return from == position ? null : SendingWriterTest.batch(from, position - from);
    }

    @Override
    public String cursor() {
      return Integer.toString(position);
    }

    @Override
    public void close() {
      open--;
    }
  }
}
