package io.vecferry.store.elasticsearch;

import io.vecferry.benchmark.RecordBenchmark;
import io.vecferry.record.ElementType;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.store.Answer;
import io.vecferry.store.JsonBytes;
import io.vecferry.store.LoadNote;
import io.vecferry.store.LoadStamp;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Setup;

/** Hits and bulk requests of Elasticsearch, without a server. */
public class ElasticsearchBenchmark extends RecordBenchmark {
  private static final String FIELD = "embedding";

  private Layout layout;
  private DocumentMapping mapping;
  private RecordBatch batch;
  private JsonBytes lines;
  private Answer numbers;
  private Answer base64;

  @Setup
  public void prepare() {
    batch = batch();
    VectorField field =
        new VectorField(FIELD, ElementType.FLOAT32, dimension, "cosine", "hnsw", Map.of());
    layout =
        new Layout(
            Optional.of(
                new LoadNote(
                    new LoadStamp("benchmark", "load"), Set.of(IdKind.STRING), Map.of(FIELD, ""))),
            List.of(new Layout.Column("", field)),
            Set.of(),
            "document");
    mapping = new DocumentMapping(layout, false);
    lines = new JsonBytes(32 * dimension * ROWS);
    numbers = answer(false);
    base64 = answer(true);
  }

  private Answer answer(boolean asBase64) {
    JsonBytes json = new JsonBytes(32 * dimension * ROWS);
    json.raw(
        "{\"took\":5,\"timed_out\":false,\"_shards\":{\"total\":1,\"successful\":1,\"skipped\":0,"
            + "\"failed\":0},\"hits\":{\"max_score\":null,\"hits\":[");
    for (int row = 0; row < ROWS; row++) {
      json.separate(row)
          .raw("{\"_index\":\"benchmark\",\"_id\":")
          .string(mapping.storedId(batch, row))
          .raw(",\"_score\":null,\"_source\":{\"" + FIELD + "\":");
      if (asBase64) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * dimension);
        bytes.asFloatBuffer().put(batch.onlyVectors().values(), row * dimension, dimension);
        json.string(Base64.getEncoder().encodeToString(bytes.array()));
      } else {
        json.numbers(batch.onlyVectors().values(), row * dimension, dimension);
      }
      json.raw(",\"document\":").string(batch.documents().get(row));
      String members = batch.metadata().get(row);
      json.raw(",").json(members.substring(1)).raw(",\"sort\":[" + row + "]}");
    }
    json.raw("]}}");
    return new Answer(json.bytes(), json.length());
  }

  @Benchmark
  public Object readNumbers() {
    return Page.of(numbers, layout, "reading", ROWS);
  }

  @Benchmark
  public Object readBase64() {
    return Page.of(base64, layout, "reading", ROWS);
  }

  @Benchmark
  public int writeBulk() {
    lines.cut(0);
    for (int row = 0; row < ROWS; row++) {
      mapping.write(batch, row, false, lines);
    }
    return lines.length();
  }
}
