package io.vecferry.archive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.vecferry.record.RecordBatch;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Opens parts with the tools that people have, and reads what those tools write. */
class ParquetInteropTest {
  private static final String PART = "p000-000000.parquet";

  private static final String READ =
      """
      import sys, struct, json
      import pyarrow.parquet as pq
      path, report = sys.argv[1], sys.argv[2]
      bits = lambda xs: ' '.join(f"{struct.unpack('<I', struct.pack('<f', x))[0]:08x}" for x in xs)
      def raw(column):
          import numpy
          chunk = column.combine_chunks() if hasattr(column, 'combine_chunks') else column
          values = numpy.asarray(chunk.flatten()).view('<u4')
          size = len(values) // len(chunk)
          return [' '.join(f"{v:08x}" for v in values[i * size:(i + 1) * size]) for i in range(len(chunk))]
      def text(x):
          return 'null' if x is None else 'x' + x.encode('utf-8').hex()
      def lines(ids, kinds, vectors, tiny, documents, metadata):
          return [' | '.join([text(a), b, c, d, text(e), text(f)])
                  for a, b, c, d, e, f in zip(ids, kinds, vectors, tiny, documents, metadata)]
      def rows(table):
          c = lambda n: table.column(n).to_pylist()
          return lines(c('id'), c('id_kind'), raw(table.column('vector')), raw(table.column('tiny')),
                       c('document'), c('metadata'))
      table = pq.read_table(path, page_checksum_verification=True)
      expected = rows(table)
      open(report, 'w').write('\\n'.join(expected))
      import duckdb
      duck = duckdb.sql(f"select * from read_parquet('{path}')").to_arrow_table()
      assert rows(duck) == expected, 'DuckDB differs'
      one = duckdb.sql(f"select id from read_parquet('{path}') where document is null").fetchall()
      assert one == [('',)], one
      some = duckdb.sql(f"select count(*) from read_parquet('{path}') where id = '007'").fetchall()
      assert some == [(1,)], some
      try:
          import polars
          assert rows(polars.read_parquet(path).to_arrow()) == expected, 'polars differs'
      except ImportError:
          pass
      try:
          import pandas, numpy
          frame = pandas.read_parquet(path)
          got = [' '.join(f"{v:08x}" for v in numpy.asarray(x, dtype='<f4').view('<u4')) for x in frame['vector']]
          assert got == raw(table.column('vector')), 'pandas differs'
          assert list(frame['id']) == table.column('id').to_pylist()
      except ImportError:
          pass
      if len(sys.argv) > 3:
          pq.write_table(table, sys.argv[3], compression=sys.argv[4], use_dictionary=sys.argv[5] == 'dictionary',
                         data_page_version=sys.argv[6])
      """;

  private static final String READ_KINDS =
      """
      import sys, struct
      import pyarrow.parquet as pq
      path, report = sys.argv[1], sys.argv[2]
      bits = lambda xs: ' '.join(f"{struct.unpack('<I', struct.pack('<f', x))[0]:08x}" for x in xs)
      dense = bits
      multi = lambda xs: ''.join(f'[{bits(x)}]' for x in xs)
      sparse = lambda x: ' '.join(f'{i}={bits([v])}' for i, v in zip(x['indices'], x['values'], strict=True))
      kinds = {'vector': dense, 'lexical': sparse, 'tokens': multi, 'bits': dense}
      def lines(columns):
          return [' | '.join('null' if x is None else kind(x) for kind, x in zip(kinds.values(), row))
                  for row in zip(*columns, strict=True)]
      table = pq.read_table(path, page_checksum_verification=True)
      expected = lines([table.column(name).to_pylist() for name in kinds])
      open(report, 'w').write('\\n'.join(expected))
      assert str(table.schema.field('lexical').type.field('indices').type.value_type) == 'uint32'
      assert str(table.schema.field('tokens').type) == \
          'list<element: list<element: float not null> not null>', table.schema.field('tokens').type
      import duckdb
      rows = duckdb.sql(f"select vector, lexical, tokens, bits from read_parquet('{path}')").fetchall()
      assert lines(zip(*rows)) == expected, 'DuckDB differs'
      lengths = duckdb.sql(f"select len(lexical.indices), len(tokens) from read_parquet('{path}')").fetchall()
      assert lengths == [(3, 0), (None, 2), (0, None), (1, 1), (2, None), (1, 3)], lengths
      none = duckdb.sql(f"select count(*) from read_parquet('{path}') where vector is null").fetchone()
      assert none == (3,), none
      try:
          import polars
          frame = polars.read_parquet(path)
          assert lines([frame[name].to_list() for name in kinds]) == expected, 'polars differs'
          assert polars.scan_parquet(path).select(polars.col('lexical').struct.field('indices').list.len()) \
              .collect().to_series().to_list() == [3, None, 0, 1, 2, 1]
      except ImportError:
          pass
      try:
          import pandas
          frame = pandas.read_parquet(path)
          assert lines([frame[name] for name in kinds]) == expected, 'pandas differs'
          assert str(frame['lexical'][0]['indices'].dtype) == 'uint32'
      except ImportError:
          pass
      if len(sys.argv) > 3:
          pq.write_table(table, sys.argv[3], compression=sys.argv[4], use_dictionary=sys.argv[5] == 'dictionary',
                         data_page_version=sys.argv[6])
      """;

  private static final String[][] STYLES = {
    {"snappy", "dictionary", "1.0"},
    {"zstd", "plain", "2.0"},
    {"gzip", "dictionary", "2.0"},
    {"none", "plain", "1.0"}
  };

  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource(PartWriter.Layout.class)
  void othersReadEveryBit(PartWriter.Layout layout) throws Exception {
    ArtifactStore store = new LocalArtifactStore(folder);
    RecordBatch batch = Samples.adversarial();
    write(store, Samples.SCHEMA, batch, layout);
    Path report = folder.resolve("report.txt");
    python(READ, folder.resolve(PART).toString(), report.toString());
    String[] lines = Files.readString(report).split("\n");
    assertThat(lines).hasSize(batch.rows());
    for (int row = 0; row < lines.length; row++) {
      assertThat(lines[row]).isEqualTo(line(batch, row));
    }
  }

  @ParameterizedTest
  @EnumSource(PartWriter.Layout.class)
  void othersReadEveryKind(PartWriter.Layout layout) throws Exception {
    ArtifactStore store = new LocalArtifactStore(folder);
    RecordBatch batch = Samples.adversarialKinds();
    write(store, Samples.KINDS, batch, layout);
    Path report = folder.resolve("report.txt");
    python(READ_KINDS, folder.resolve(PART).toString(), report.toString());
    String[] lines = Files.readString(report).split("\n");
    assertThat(lines).hasSize(batch.rows());
    for (int i = 0; i < lines.length; i++) {
      int row = i;
      assertThat(lines[row])
          .isEqualTo(
              batch.vectors().stream()
                  .map(column -> Samples.spell(column, row))
                  .collect(Collectors.joining(" | ")));
    }
  }

  @Test
  void readsWhatPyarrowWroteAgain() throws Exception {
    rewrite(READ, Samples.SCHEMA, Samples.adversarial());
  }

  @Test
  void readsEveryKindThatPyarrowWroteAgain() throws Exception {
    rewrite(READ_KINDS, Samples.KINDS, Samples.adversarialKinds());
  }

  private void rewrite(String script, PartSchema schema, RecordBatch batch) throws Exception {
    ArtifactStore store = new LocalArtifactStore(folder);
    for (String[] style : STYLES) {
      write(store, schema, batch, PartWriter.Layout.PLAIN);
      Path part = folder.resolve(PART);
      Path again = folder.resolve("again");
      python(
          script,
          part.toString(),
          folder.resolve("report.txt").toString(),
          again.toString(),
          style[0],
          style[1],
          style[2]);
      long oldSize = Files.size(part);
      Files.write(part, Files.readAllBytes(again));
      Path sidecar = folder.resolve(PartSidecar.pathOf(PART));
      Files.writeString(
          sidecar,
          Files.readString(sidecar)
              .replace("\"bytes\" : " + oldSize, "\"bytes\" : " + Files.size(part)));
      try (PartReader reader = PartReader.open(store, PART)) {
        RecordBatch actual = reader.batches(100).next();
        assertThat(actual.rows()).isEqualTo(batch.rows());
        for (int row = 0; row < batch.rows(); row++) {
          Samples.assertSame(actual, row, batch, row);
        }
      }
    }
  }

  private static void write(
      ArtifactStore store, PartSchema schema, RecordBatch batch, PartWriter.Layout layout) {
    try (PartWriter writer = new PartWriter(store, PART, schema, layout)) {
      writer.append(batch);
      writer.finish(null, null, true, "", null);
    }
  }

  private static String line(RecordBatch batch, int row) {
    return String.join(
        " | ",
        text(batch.ids().get(row)),
        batch.ids().kind(row).name(),
        Samples.spell(batch.vectors().get(0), row),
        Samples.spell(batch.vectors().get(1), row),
        text(batch.documents().get(row)),
        text(batch.metadata().get(row)));
  }

  private static String text(String value) {
    return value == null
        ? "null"
        : "x" + java.util.HexFormat.of().formatHex(value.getBytes(StandardCharsets.UTF_8));
  }

  private void python(String text, String... arguments) throws Exception {
    String interpreter = System.getenv().getOrDefault("VECFERRY_PYTHON", "python3");
    if (!canRun(interpreter)) {
      String message = interpreter + " with numpy, pyarrow and duckdb is needed";
      if ("true".equals(System.getenv("CI"))) {
        fail(message);
      }
      assumeTrue(false, message);
    }
    Path script = Files.writeString(folder.resolve("read.py"), text);
    String[] command = new String[arguments.length + 2];
    command[0] = interpreter;
    command[1] = script.toString();
    System.arraycopy(arguments, 0, command, 2, arguments.length);
    Path log = folder.resolve("python.log");
    assertThat(run(log, command)).as(() -> read(log)).isZero();
  }

  private boolean canRun(String interpreter) {
    try {
      return run(folder.resolve("probe.log"), interpreter, "-c", "import numpy, pyarrow, duckdb")
          == 0;
    } catch (java.io.IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private static int run(Path log, String... command)
      throws java.io.IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    if (!process.waitFor(2, TimeUnit.MINUTES)) {
      process.destroyForcibly();
      return -1;
    }
    return process.exitValue();
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (java.io.IOException e) {
      return e.toString();
    }
  }
}
