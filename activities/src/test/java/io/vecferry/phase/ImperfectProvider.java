package io.vecferry.phase;

import io.vecferry.plan.FailureClass;
import io.vecferry.record.DenseVectors;
import io.vecferry.record.RecordBatch;
import io.vecferry.record.TextColumn;
import io.vecferry.store.BatchWriter;
import io.vecferry.store.Interposed;
import io.vecferry.store.Neighbours;
import io.vecferry.store.Reject;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreOption;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import io.vecferry.store.VectorStore;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Collections in memory that do one thing wrong; {@code options.fault} says which. */
public final class ImperfectProvider implements StoreProvider {
  @Override
  public String type() {
    return "imperfect";
  }

  @Override
  public String description() {
    return "Collections in memory that do one thing wrong";
  }

  @Override
  public List<StoreOption> options() {
    return List.of(
        new StoreOption("collection", StoreOption.Kind.TEXT, true, List.of(), "", "Its name."),
        new StoreOption(
            "options.fault", StoreOption.Kind.TEXT, true, List.of(), "", "What goes wrong."));
  }

  @Override
  public StoreSettings loadSettings(StoreSettings settings, String migration) {
    return Stores.get("memory").loadSettings(settings, migration);
  }

  @Override
  public VectorStore open(StoreSettings settings) {
    String fault = settings.text("options.fault", "");
    return Interposed.of(
        VectorStore.class,
        Stores.get("memory").open(settings),
        new Interposed.Fault() {
          @Override
          public Object result(String method, Object result) {
            return wrong(fault, method, result);
          }
        });
  }

  private static Object wrong(String fault, String method, Object result) {
    return switch (fault + "." + method) {
      case "rounds.fetch" -> rounded((RecordBatch) result);
      case "trims.fetch" -> trimmed((RecordBatch) result);
      case "refuses.write" -> new Refusing((BatchWriter) result, "item-3");
      case "refusesEmoji.write" -> new Refusing((BatchWriter) result, "emoji \uD83D\uDE80 é");
      case "finds-nothing.search" -> {
        Neighbours answers = (Neighbours) result;
        yield new Neighbours(
            answers.k(), new int[answers.counts().length], answers.ids(), answers.scores());
      }
      case "not-allowed.create" ->
          throw new StoreException(FailureClass.PERMISSION, "this user may not make a collection");
      case "away.finishLoad" ->
          throw new StoreException(FailureClass.TRANSIENT, "the server is away");
      default -> result;
    };
  }

  private static RecordBatch rounded(RecordBatch batch) {
    DenseVectors vectors = batch.onlyVectors();
    float[] values = vectors.values().clone();
    for (int i = 0; i < values.length; i++) {
      values[i] = Math.round(values[i] * 16) / 16f;
    }
    return new RecordBatch(
        batch.ids(),
        List.of(new DenseVectors(vectors.name(), vectors.dimension(), values)),
        batch.documents(),
        batch.metadata());
  }

  private static RecordBatch trimmed(RecordBatch batch) {
    String[] documents = new String[batch.rows()];
    for (int row = 0; row < documents.length; row++) {
      documents[row] = batch.documents().get(row).strip();
    }
    return new RecordBatch(
        batch.ids(), batch.vectors(), TextColumn.of(documents), batch.metadata());
  }

  /** Refuses a record. */
  private static final class Refusing implements BatchWriter {
    private final BatchWriter writer;
    private final String id;
    private final List<Reject> rejects = new ArrayList<>();

    Refusing(BatchWriter writer, String id) {
      this.writer = writer;
      this.id = id;
    }

    @Override
    public void write(RecordBatch batch) {
      int[] rows = new int[batch.rows()];
      int kept = 0;
      for (int row = 0; row < rows.length; row++) {
        if (batch.ids().get(row).equals(id)) {
          rejects.add(new Reject(id, "no such ids here"));
        } else {
          rows[kept++] = row;
        }
      }
      writer.write(batch.select(Arrays.copyOf(rows, kept)));
    }

    @Override
    public long acknowledged() {
      return writer.acknowledged() + rejects.size();
    }

    @Override
    public List<Reject> finish() {
      writer.finish();
      return rejects;
    }

    @Override
    public void close() {
      writer.close();
    }
  }
}
