package io.vecferry.store.milvus;

import io.milvus.grpc.DataType;
import io.milvus.grpc.InsertRequest;
import io.milvus.grpc.QueryResults;
import io.vecferry.benchmark.RecordBenchmark;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.store.LoadNote;
import io.vecferry.store.LoadStamp;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Setup;

/** Columns of Milvus, without a server. */
public class MilvusBenchmark extends RecordBenchmark {
  private Layout layout;
  private RecordBatch batch;
  private RowEncoder encoder;
  private byte[] answer;

  @Setup
  public void prepare() {
    batch = batch();
    layout =
        new Layout(
            "id",
            true,
            100,
            List.of(new Layout.Vector("vector", "", DataType.FloatVector, dimension, false)),
            new Layout.Document("document", 1000, false),
            List.of(),
            true,
            new CollectionNote(
                new LoadNote(
                    new LoadStamp("benchmark", "load"),
                    Set.of(IdKind.STRING),
                    Map.of("vector", "")),
                "document",
                "",
                Map.of()));
    encoder = new RowEncoder(layout, ServerVersion.parse("2.6.0"));
    answer =
        QueryResults.newBuilder()
            .addAllFieldsData(encoder.encode(batch).columns())
            .build()
            .toByteArray();
  }

  @Benchmark
  public Object readColumns() {
    Page page = new Page(new QueryAnswer().parse(new ByteArrayInputStream(answer)), layout);
    BatchBuilder builder = new BatchBuilder(layout, page.rows());
    for (int row = 0; row < page.rows(); row++) {
      builder.add(page, row);
    }
    return builder.build();
  }

  @Benchmark
  public Object writeColumns() throws IOException {
    InsertRequest request =
        InsertRequest.newBuilder().addAllFieldsData(encoder.encode(batch).columns()).build();
    request.writeTo(OutputStream.nullOutputStream());
    return request;
  }
}
