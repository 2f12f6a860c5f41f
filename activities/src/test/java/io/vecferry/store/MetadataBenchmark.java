package io.vecferry.store;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import io.vecferry.benchmark.RecordBenchmark;
import io.vecferry.record.MetadataJson;
import io.vecferry.record.TextColumn;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.infra.Blackhole;

/** Metadata as every store reads and writes it; it has nothing to do with vectors. */
public class MetadataBenchmark extends RecordBenchmark {
  private static final MetadataEnvelope.Rule KEEPS_ALL = (key, value) -> true;

  private TextColumn metadata;

  @Setup
  public void prepare() {
    metadata = batch().metadata();
  }

  @Benchmark
  public void copyCanonical(Blackhole blackhole) throws IOException {
    for (int row = 0; row < ROWS; row++) {
      ByteArrayOutputStream out = new ByteArrayOutputStream(metadata.length(row));
      try (JsonParser parser =
              MetadataJson.FACTORY.createParser(
                  metadata.bytes(), metadata.start(row), metadata.length(row));
          JsonGenerator generator = MetadataJson.FACTORY.createGenerator(out)) {
        parser.nextToken();
        MetadataJson.copyValue(parser, generator);
      }
      blackhole.consume(out);
    }
  }

  @Benchmark
  public void wrap(Blackhole blackhole) {
    for (int row = 0; row < ROWS; row++) {
      blackhole.consume(
          MetadataEnvelope.wrap(metadata, row, MetadataEnvelope.Extras.NONE, true, KEEPS_ALL));
    }
  }

  @Benchmark
  public void unwrap(Blackhole blackhole) {
    for (int row = 0; row < ROWS; row++) {
      blackhole.consume(
          MetadataEnvelope.unwrap(metadata.bytes(), metadata.start(row), metadata.length(row)));
    }
  }
}
