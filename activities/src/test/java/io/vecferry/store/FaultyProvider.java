package io.vecferry.store;

import io.vecferry.record.DenseVectors;
import io.vecferry.record.IdColumn;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Another store with a fault between it and its user: {@code store} names it, {@code fault} what
 * goes wrong. What is wrong is wrong on the server.
 */
public final class FaultyProvider implements StoreProvider {
  /** The record that most faults are about. */
  public static final String VICTIM = "row-7";

  /** What goes wrong. */
  public enum Fault implements Interposed.Fault {
    NONE(records -> {}),
    FLIPPED_BIT(
        records -> {
          int component = records.victim() * records.dimension + 2;
          records.values[component] =
              Float.intBitsToFloat(Float.floatToRawIntBits(records.values[component]) ^ 1);
        }),
    SWAPPED_VECTORS(
        records -> {
          int first = records.victim() * records.dimension;
          for (int i = 0; i < records.dimension; i++) {
            float kept = records.values[first + i];
            records.values[first + i] = records.values[first + records.dimension + i];
            records.values[first + records.dimension + i] = kept;
          }
        }),
    NORMALISED(
        records -> {
          for (int row = 0; row < records.ids.length; row++) {
            double squares = 0;
            for (int i = 0; i < records.dimension; i++) {
              squares += Math.pow(records.values[row * records.dimension + i], 2);
            }
            for (int i = 0; i < records.dimension; i++) {
              records.values[row * records.dimension + i] /= (float) Math.sqrt(squares);
            }
          }
        }),
    FLOAT_FOR_INTEGER(records -> records.metadata("\"one\":1,", "\"one\":1.0,")),
    LOST_KEY(records -> records.metadata("\"one\":1,", "")),
    NULL_FOR_MISSING(records -> records.metadata("\"one\":1,", "\"one\":1,\"other\":null,")),
    CUT_DOCUMENT(
        records -> {
          String document = records.documents[records.victim()];
          records.documents[records.victim()] = document.substring(0, document.length() - 1);
        }),
    OTHER_RECORD(records -> records.ids[records.victim()] = "row-7b"),
    NUMBER_FOR_TEXT(records -> records.ids[records.row("007")] = "7"),
    ONE_MORE(
        records -> {
          int rows = records.ids.length;
          records.ids = Arrays.copyOf(records.ids, rows + 1);
          records.ids[rows] = "one-more";
          records.values = Arrays.copyOf(records.values, records.values.length + records.dimension);
          records.documents = Arrays.copyOf(records.documents, rows + 1);
          records.metadata = Arrays.copyOf(records.metadata, rows + 1);
        }),
    OTHER_METRIC(records -> {}),
    POOR_ANSWERS(records -> {});

    private final Consumer<Records> change;

    Fault(Consumer<Records> change) {
      this.change = change;
    }

    @Override
    public Object argument(String method, Object argument) {
      if (argument instanceof RecordBatch batch) {
        Records records = new Records(batch);
        change.accept(records);
        return records.batch();
      }
      return this == OTHER_METRIC
              && method.equals("create")
              && argument instanceof LoadSchema schema
          ? otherMetric(schema)
          : argument;
    }

    @Override
    public Object result(String method, Object result) {
      if (result instanceof BatchWriter writer) {
        return Interposed.of(BatchWriter.class, writer, this);
      }
      return this == POOR_ANSWERS && result instanceof Neighbours answers ? poor(answers) : result;
    }
  }

  /** A batch that can be changed. */
  private static final class Records {
    private final String name;
    private final int dimension;
    private String[] ids;
    private float[] values;
    private String[] documents;
    private String[] metadata;

    Records(RecordBatch batch) {
      DenseVectors vectors = batch.onlyVectors();
      name = vectors.name();
      dimension = vectors.dimension();
      values = Arrays.copyOf(vectors.values(), batch.rows() * dimension);
      ids = texts(batch.ids().texts());
      documents = texts(batch.documents());
      metadata = texts(batch.metadata());
    }

    private static String[] texts(TextColumn column) {
      String[] texts = new String[column.rows()];
      Arrays.setAll(texts, column::get);
      return texts;
    }

    int row(String id) {
      return Arrays.asList(ids).indexOf(id);
    }

    int victim() {
      return row(VICTIM);
    }

    void metadata(String before, String after) {
      String text = metadata[victim()];
      if (!text.contains(before)) {
        throw new IllegalStateException(text);
      }
      metadata[victim()] = text.replace(before, after);
    }

    RecordBatch batch() {
      return new RecordBatch(
          IdColumn.of(IdKind.STRING, TextColumn.of(ids)),
          List.of(new DenseVectors(name, dimension, values)),
          TextColumn.of(documents),
          TextColumn.of(metadata));
    }
  }

  private static LoadSchema otherMetric(LoadSchema schema) {
    VectorFieldInfo field = schema.vectors().get(0);
    return new LoadSchema(
        List.of(
            new VectorFieldInfo(
                field.name(), field.dimension(), Metric.IP, 0, field.indexType(), Map.of())),
        schema.idKinds(),
        schema.sourceStore(),
        schema.rows());
  }

  /** Two of ten answers are lost. */
  private static Neighbours poor(Neighbours answers) {
    int[] counts = answers.counts().clone();
    for (int query = 0; query < counts.length; query++) {
      counts[query] = (int) Math.ceil(counts[query] * 0.8);
    }
    return new Neighbours(answers.k(), counts, answers.ids(), answers.scores());
  }

  private static StoreOption text(String path) {
    return new StoreOption(path, StoreOption.Kind.TEXT, false, "", path + ".");
  }

  @Override
  public String type() {
    return "faulty";
  }

  @Override
  public String description() {
    return "Another store with a fault";
  }

  @Override
  public List<StoreOption> options() {
    return List.of(text("store"), text("fault"), text("url"), text("path"), text("collection"));
  }

  private static StoreProvider inner(StoreSettings settings) {
    return Stores.get(settings.text("store").orElseThrow());
  }

  @Override
  public StoreSettings loadSettings(StoreSettings settings, String migration) {
    return inner(settings).loadSettings(settings, migration);
  }

  @Override
  public StoreSettings loadBesideSettings(StoreSettings settings, String migration) {
    return inner(settings).loadBesideSettings(settings, migration);
  }

  @Override
  public VectorStore open(StoreSettings settings) {
    return Interposed.of(
        VectorStore.class,
        inner(settings).open(settings),
        Fault.valueOf(settings.text("fault").orElseThrow()));
  }
}
