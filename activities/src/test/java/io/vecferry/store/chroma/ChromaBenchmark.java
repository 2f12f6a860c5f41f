package io.vecferry.store.chroma;

import io.vecferry.benchmark.RecordBenchmark;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.store.Answer;
import io.vecferry.store.JsonBytes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Setup;

/** Answers and requests of Chroma, without a server. */
public class ChromaBenchmark extends RecordBenchmark {
  private final ChromaMapping mapping = new ChromaMapping(true, Set.of(IdKind.STRING), false);
  private RecordBatch batch;
  private JsonBytes body;
  private byte[] answer;
  private byte[] received;

  @Setup
  public void prepare() {
    batch = batch();
    body = new JsonBytes(32 * dimension * ROWS);
    body.raw("{");
    writeColumns(false);
    body.raw(",\"uris\":null,\"include\":[\"embeddings\",\"documents\",\"metadatas\"]}");
    answer = Arrays.copyOf(body.bytes(), body.length());
    received = new byte[answer.length];
  }

  /** Reading changes the answer, so it is copied each time, into the same place. */
  @Benchmark
  public Object readAnswer() {
    System.arraycopy(answer, 0, received, 0, answer.length);
    return ResponsePage.of(
        new Answer(received, received.length), mapping, "benchmark", "", dimension);
  }

  @Benchmark
  public int writeBase64() {
    body.cut(0);
    writeColumns(true);
    return body.length();
  }

  @Benchmark
  public int writeNumbers() {
    body.cut(0);
    writeColumns(false);
    return body.length();
  }

  private void writeColumns(boolean base64) {
    DenseVectors vectors = batch.onlyVectors();
    List<String> ids = new ArrayList<>(ROWS);
    for (int row = 0; row < ROWS; row++) {
      ids.add(mapping.storedId(IdKind.STRING, batch.ids().get(row)));
    }
    body.raw("\"ids\":").strings(ids).raw(",\"embeddings\":[");
    for (int row = 0; row < ROWS; row++) {
      body.separate(row);
      if (base64) {
        body.base64(vectors.values(), row * dimension, dimension);
      } else {
        body.numbers(vectors.values(), row * dimension, dimension);
      }
    }
    body.raw("],\"documents\":[");
    for (int row = 0; row < ROWS; row++) {
      body.separate(row)
          .string(
              batch.documents().bytes(),
              batch.documents().start(row),
              batch.documents().length(row));
    }
    body.raw("],\"metadatas\":[");
    for (int row = 0; row < ROWS; row++) {
      body.separate(row);
      mapping.writeMetadata(batch.metadata(), row, IdKind.STRING, ids.get(row), false, body);
    }
    body.raw("]");
  }
}
