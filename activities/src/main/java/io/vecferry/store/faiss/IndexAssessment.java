package io.vecferry.store.faiss;

import io.vecferry.plan.Finding;
import io.vecferry.plan.RecordProfile;
import io.vecferry.record.IdKind;
import io.vecferry.store.LoadSchema;
import io.vecferry.store.Metric;
import io.vecferry.store.VectorFieldInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * What is to be said about an index before it is built: whether it can be, how large it gets, how
 * much memory that takes, and what is lost. Reads and writes nothing.
 */
final class IndexAssessment {
  private static final String TYPE = "target.index.type";

  /** Share of the worker's memory that building may take; the rest is for everything else. */
  private static final double USABLE_MEMORY = 0.8;

  private final IndexPlan plan;
  private final LoadSchema schema;
  private final VectorFieldInfo field;
  private final boolean langChain;
  private final boolean allowLossy;
  private final int threads;
  private final long memory;
  private final List<Finding> findings = new ArrayList<>();

  /**
   * @param allowLossy whether the user accepts that vectors are kept as codes
   * @param threads threads that build
   * @param memory bytes that the worker may use
   */
  IndexAssessment(
      IndexPlan plan,
      LoadSchema schema,
      boolean langChain,
      boolean allowLossy,
      int threads,
      long memory) {
    this.plan = plan;
    this.schema = schema;
    this.field = schema.vectors().get(0);
    this.langChain = langChain;
    this.allowLossy = allowLossy;
    this.threads = threads;
    this.memory = memory;
  }

  List<Finding> findings() {
    if (plan.type() == IndexPlan.Type.LABELLED_FLAT) {
      assessLabels();
    }
    boolean built = plan.type().graph() || plan.type().lists() || plan.type().codes();
    if (!built || !canBeBuilt()) {
      return findings;
    }
    if (plan.type().codes()) {
      assessLoss();
    }
    if (plan.type().lists()) {
      assessLists();
    }
    if (langChain && !plan.type().codes() || langChain && plan.type().lists()) {
      findings.add(
          Finding.warning(
              TYPE,
              plan.type().graph()
                  ? "LangChain searches an HNSW index and adds to it, but cannot delete from it:"
                      + " FAISS does not remove vectors from a graph"
                  : "LangChain searches an IVF index and adds to it, but must not delete from it:"
                      + " it renumbers the rows, FAISS does not",
              ""));
    }
    assessMemory();
    return findings;
  }

  private void assessLabels() {
    if (!schema.idKinds().equals(Set.of(IdKind.INT64))) {
      findings.add(
          Finding.blocking(
              TYPE,
              "IDMap2,Flat takes only signed 64-bit integers as ids, the source has "
                  + schema.idKinds(),
              "Use Flat: ids are then kept beside the index."));
    } else if (langChain) {
      findings.add(
          Finding.blocking(
              TYPE,
              "LangChain finds documents by row number and cannot read an index with an id map",
              "Use Flat."));
    }
  }

  private boolean canBeBuilt() {
    // That FAISS has no cosine is said elsewhere.
    if (field.metric() != Metric.L2
        && field.metric() != Metric.IP
        && field.metric() != Metric.COSINE) {
      findings.add(
          Finding.blocking(
              TYPE,
              plan.type() + " compares by l2 or ip, not by " + field.metric().spelling(),
              "Use Flat, which knows all metrics of FAISS."));
      return false;
    }
    if (schema.rows() > Integer.MAX_VALUE - 8) {
      findings.add(
          Finding.blocking(
              TYPE,
              plan.type() + " holds up to 2147483639 records, the source has " + schema.rows(),
              "Use Flat, or divide the source."));
      return false;
    }
    return true;
  }

  private void assessLoss() {
    String what =
        plan.type()
            + " keeps each component as one of 256 steps of its range: a component comes back"
            + " up to 1/510 of the range of that component away"
            + (plan.type().lists() ? ", measured from the centroid of its list" : "");
    RecordProfile profile = schema.profile();
    double bound = profile.rows() == 0 ? 0 : 2 * profile.largestNorm() / 510;
    if (bound > 0) {
      what +=
          String.format(
              Locale.ROOT,
              "; for vectors as long as those looked at, that is at most %.2g",
              plan.type().lists() ? 2 * bound : bound);
    }
    if (!allowLossy) {
      findings.add(
          Finding.blocking(
              TYPE,
              what,
              "Set target.options.allowLossy to true to accept it, or use HNSW, IVF_FLAT or Flat,"
                  + " which keep every bit."));
      return;
    }
    findings.add(
        Finding.warning(
            TYPE,
            what
                + ". The archive keeps the original vectors. The proof compares them with what the"
                + " codes decode to, so validation.tolerance must be as large; scores move too, see"
                + " quality.scoreTolerance",
            ""));
  }

  private void assessLists() {
    int lists = plan.listsFor(schema.rows());
    if (plan.nlist() > schema.rows()) {
      findings.add(
          Finding.warning(
              "target.index.params.nlist",
              "nlist "
                  + plan.nlist()
                  + " is more than the "
                  + schema.rows()
                  + " records: there will be one list per record",
              ""));
    } else if (plan.nlist() > 0 && schema.rows() / lists < IndexPlan.FEWEST_ROWS_PER_LIST) {
      findings.add(
          Finding.warning(
              "target.index.params.nlist",
              schema.rows()
                  + " records are few for "
                  + lists
                  + " lists; FAISS advises at least "
                  + IndexPlan.FEWEST_ROWS_PER_LIST
                  + " records per list",
              ""));
    }
  }

  private void assessMemory() {
    long rows = schema.rows();
    IndexSize size = IndexSize.of(plan, rows, field.dimension(), threads);
    findings.add(
        Finding.info(
            "target.index",
            String.format(
                Locale.ROOT,
                "%s%s: about %s on disk; building it takes about %s of memory, %.1f times the"
                    + " index, with %d threads",
                plan.factoryName(rows, false),
                shown(plan.parameters(rows)),
                bytes(size.file()),
                bytes(size.memory()),
                (double) size.memory() / Math.max(1, size.file()),
                threads)));
    if (size.memory() > memory * USABLE_MEMORY) {
      findings.add(
          Finding.blocking(
              "target.index",
              "building the index takes about "
                  + bytes(size.memory())
                  + " of memory, this worker may use "
                  + bytes(memory),
              "Start the worker with a larger -Xmx"
                  + (plan.type().graph()
                      ? ", or use IVF_FLAT, which does not hold all vectors in memory."
                      : ", or use fewer lists.")));
    }
  }

  private static String shown(java.util.Map<String, String> parameters) {
    StringBuilder text = new StringBuilder();
    parameters.forEach((name, value) -> text.append(", ").append(name).append(' ').append(value));
    return text.toString();
  }

  private static String bytes(long bytes) {
    return bytes < 10_000_000_000L
        ? String.format(Locale.ROOT, "%,d MB", (bytes + 999_999) / 1_000_000)
        : String.format(Locale.ROOT, "%,d GB", bytes / 1_000_000_000);
  }
}
