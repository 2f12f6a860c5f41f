package io.vecferry.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vecferry.plan.FailureClass;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdColumn;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SendingWriterTest {
  private final List<String> arrived = Collections.synchronizedList(new ArrayList<>());

  @Test
  void cutsToTheLimits() {
    List<Integer> sizes = Collections.synchronizedList(new ArrayList<>());
    try (SendingWriter writer =
        new SendingWriter(
            new SendingWriter.Limits(30, 1 << 20),
            new AdaptiveRequests("test", 0, 3),
            take(sizes))) {
      writer.write(batch(0, 100));
      writer.write(batch(100, 5));
      assertThat(writer.finish()).isEmpty();
      assertThat(writer.acknowledged()).isEqualTo(105);
    }
    assertThat(sizes).containsExactlyInAnyOrder(30, 30, 30, 10, 5);
    assertThat(arrived).hasSize(105).doesNotHaveDuplicates();
  }

  @Test
  void halvesWhatIsTooLargeAndFindsTheBadRecord() {
    SendingWriter.Request request =
        batch -> {
          if (batch.rows() > 8) {
            throw new StoreException(FailureClass.TOO_LARGE, "too large");
          }
          for (int row = 0; row < batch.rows(); row++) {
            if (batch.ids().get(row).equals("row-13") || batch.ids().get(row).equals("row-70")) {
              throw new StoreException(FailureClass.BAD_RECORD, "bad value");
            }
          }
          return take(new ArrayList<>()).send(batch);
        };
    try (SendingWriter writer =
        new SendingWriter(
            new SendingWriter.Limits(50, 1 << 20), new AdaptiveRequests("test", 0, 2), request)) {
      writer.write(batch(0, 100));
      assertThat(writer.finish())
          .extracting(Reject::id, Reject::reason)
          .containsExactly(
              org.assertj.core.groups.Tuple.tuple("row-13", "bad value"),
              org.assertj.core.groups.Tuple.tuple("row-70", "bad value"));
      assertThat(writer.acknowledged()).isEqualTo(100);
    }
    assertThat(arrived).hasSize(98).doesNotHaveDuplicates();
  }

  @Test
  void anotherWriterNeedsAllFromTheFirstRejectOn() {
    SendingWriter.Request request =
        batch -> {
          if (batch.rows() == 1 && batch.ids().get(0).equals("row-70")) {
            throw new StoreException(FailureClass.BAD_RECORD, "bad value");
          }
          if (batch.rows() > 1 && batch.ids().get(0).compareTo("row-50") >= 0) {
            throw new StoreException(FailureClass.TOO_LARGE, "too large");
          }
          return take(new ArrayList<>()).send(batch);
        };
    try (SendingWriter writer =
        new SendingWriter(
            new SendingWriter.Limits(50, 1 << 20), new AdaptiveRequests("test", 0, 2), request)) {
      writer.write(batch(10, 40));
      writer.write(batch(50, 49));
      assertThat(writer.finish()).extracting(Reject::id).containsExactly("row-70");
      assertThat(writer.acknowledged()).isEqualTo(89);
      assertThat(writer.resumable()).isEqualTo(40);
    }
  }

  @Test
  void waitsWhenAskedToSlowDown() {
    AtomicInteger refusals = new AtomicInteger(2);
    SendingWriter.Request request =
        batch -> {
          if (refusals.getAndDecrement() > 0) {
            throw new StoreException(FailureClass.RATE_LIMITED, "slow down");
          }
          return take(new ArrayList<>()).send(batch);
        };
    try (SendingWriter writer =
        new SendingWriter(
            new SendingWriter.Limits(50, 1 << 20), new AdaptiveRequests("test", 0, 1), request)) {
      writer.write(batch(0, 10));
      assertThat(writer.finish()).isEmpty();
    }
    assertThat(arrived).hasSize(10);
  }

  @Test
  void writersOfALoadSlowDownTogether() {
    AdaptiveRequests requests = new AdaptiveRequests("test", 0, 1);
    AtomicInteger inFlight = new AtomicInteger();
    CountDownLatch refusal = new CountDownLatch(1);
    SendingWriter.Request request =
        batch -> {
          try {
            if (inFlight.incrementAndGet() > 1) {
              refusal.countDown();
              throw new StoreException(FailureClass.RATE_LIMITED, "one at a time");
            }
            await(refusal);
            return take(new ArrayList<>()).send(batch);
          } finally {
            inFlight.decrementAndGet();
          }
        };
    SendingWriter.Limits limits = new SendingWriter.Limits(10, 1 << 20);
    try (SendingWriter one = new SendingWriter(limits, requests, request);
        SendingWriter other = new SendingWriter(limits, requests, request)) {
      one.write(batch(0, 10));
      other.write(batch(10, 10));
      assertThat(one.finish()).isEmpty();
      assertThat(other.finish()).isEmpty();
    }
    assertThat(arrived).hasSize(20);
    assertThat(requests.settled().requests()).isEqualTo(1);
  }

  @Test
  void aBatchHasTheRowsOfARequest() {
    List<Integer> sizes = Collections.synchronizedList(new ArrayList<>());
    try (SendingWriter writer =
        new SendingWriter(
            new SendingWriter.Limits(5_000, 10_000),
            new AdaptiveRequests("test", 0, 1),
            take(sizes))) {
      assertThat(writer.batchRows()).isEqualTo(1_000);
      writer.write(batch(100, 100));
      int rows = writer.batchRows();
      assertThat(rows).isBetween(2, 999);
      writer.write(batch(200, rows));
      writer.finish();
      assertThat(sizes).endsWith(rows);
    }
  }

  @Test
  void aSingleRecordThatIsTooLargeSaysNothingAboutOthers() {
    List<Integer> sizes = new ArrayList<>();
    SendingWriter.Request request =
        batch -> {
          for (int row = 0; row < batch.rows(); row++) {
            if (batch.ids().get(row).equals("row-13")) {
              throw new StoreException(FailureClass.TOO_LARGE, "more than a record may have");
            }
          }
          return take(sizes).send(batch);
        };
    try (SendingWriter writer =
        new SendingWriter(
            new SendingWriter.Limits(50, 1 << 20), new AdaptiveRequests("test", 1, 1), request)) {
      writer.write(batch(0, 50));
      writer.write(batch(50, 50));
      assertThat(writer.finish()).extracting(Reject::id).containsExactly("row-13");
    }
    assertThat(sizes).endsWith(50);
    assertThat(arrived).hasSize(99).doesNotHaveDuplicates();
  }

  @Test
  void acknowledgesWithoutAGap() throws InterruptedException {
    CountDownLatch first = new CountDownLatch(1);
    CountDownLatch others = new CountDownLatch(2);
    SendingWriter.Request request =
        batch -> {
          if (batch.ids().get(0).equals("row-0")) {
            await(first);
          } else {
            others.countDown();
          }
          return List.of();
        };
    try (SendingWriter writer =
        new SendingWriter(
            new SendingWriter.Limits(10, 1 << 20), new AdaptiveRequests("test", 0, 3), request)) {
      writer.write(batch(0, 30));
      others.await();
      assertThat(writer.acknowledged()).isZero();
      first.countDown();
      writer.finish();
      assertThat(writer.acknowledged()).isEqualTo(30);
    }
  }

  @Test
  void aFailureEndsThePart() {
    try (SendingWriter writer =
        new SendingWriter(
            new SendingWriter.Limits(10, 1 << 20),
            new AdaptiveRequests("test", 0, 2),
            batch -> {
              throw new StoreException(FailureClass.PERMISSION, "not allowed");
            })) {
      writer.write(batch(0, 10));
      assertThatThrownBy(writer::finish)
          .isInstanceOfSatisfying(
              StoreException.class,
              e -> assertThat(e.failureClass()).isEqualTo(FailureClass.PERMISSION));
    }
  }

  @Test
  void endsWhenEverythingIsRefused() {
    try (SendingWriter writer =
        new SendingWriter(
            new SendingWriter.Limits(10_000, 1 << 20),
            new AdaptiveRequests("test", 0, 2),
            batch -> {
              throw new StoreException(FailureClass.BAD_RECORD, "wrong schema");
            })) {
      writer.write(batch(0, 5_000));
      assertThatThrownBy(writer::finish)
          .hasMessageContaining("more than 1000 records")
          .hasMessageContaining("wrong schema");
    }
  }

  private SendingWriter.Request take(List<Integer> sizes) {
    return batch -> {
      sizes.add(batch.rows());
      for (int row = 0; row < batch.rows(); row++) {
        arrived.add(batch.ids().get(row));
      }
      return List.of();
    };
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  static RecordBatch batch(int from, int rows) {
    String[] ids =
        IntStream.range(from, from + rows).mapToObj(i -> "row-" + i).toArray(String[]::new);
    return new RecordBatch(
        IdColumn.ofStrings(ids),
        List.of(new DenseVectors("", 2, new float[2 * rows])),
        TextColumn.allNull(rows),
        TextColumn.allNull(rows));
  }
}
