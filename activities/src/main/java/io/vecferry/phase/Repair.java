package io.vecferry.phase;

import io.vecferry.activity.CheckResult;
import io.vecferry.activity.PartTask;
import io.vecferry.activity.RepairTask;
import io.vecferry.archive.Archive;
import io.vecferry.plan.FailureClass;
import io.vecferry.record.IdKind;
import io.vecferry.store.BatchWriter;
import io.vecferry.store.Reject;
import io.vecferry.store.StoreException;
import io.vecferry.store.Stores;
import io.vecferry.verify.ChangeSearch;
import io.vecferry.verify.IdSample;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Makes the target equal to the archive where it is not. What differs is found by comparing again,
 * all records of a part whatever was sampled, so that an attempt that was interrupted leaves
 * nothing to be remembered.
 */
final class Repair {
  private static final int MOST_IDS = 1000;

  private final Workspace workspace;
  private final RepairTask task;
  private long loaded;
  private long removed;

  Repair(Workspace workspace, RepairTask task) {
    this.workspace = workspace;
    this.task = task;
  }

  /**
   * @throws StoreException INCOMPATIBLE where the target cannot change single records
   */
  CheckResult run() {
    String store = workspace.spec().target().type();
    if (!Stores.get(store).removesRecords()) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE,
          "a target of type "
              + store
              + " is index files, which cannot lose or change single records. Retry when its files"
              + " are as they were, or roll back and start again with another name.");
    }
    if (workspace.hasBegunToSwitch()) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE,
          "readers of "
              + workspace.plan().target().collection()
              + " get this load already. Nothing was changed. Roll back, or skip what differs.");
    }
    List<String> all = workspace.loadedParts(task.whole().partsPerPartition());
    boolean counts = task.parts().contains("");
    Set<String> chosen = counts ? withDifferences(all) : new LinkedHashSet<>(task.parts());
    List<PartTask> parts = chosen.stream().map(this::partTask).toList();
    parts.forEach(this::loadAgain);
    if (counts) {
      removeExtra();
    }
    workspace.load().finishLoad(all, workspace.stamp());
    workspace.targetChanged();
    if (counts) {
      // The counts are compared with what the parts have shown, and no part is asked about again.
      for (PartTask part : parts) {
        PartSteps.compare(workspace, part).write(workspace.archive(), part.partName());
      }
    }
    return new CheckResult(
        loaded,
        String.format(
            Locale.ROOT, "repaired: %,d records loaded again, %,d removed", loaded, removed));
  }

  /** The parts in which something may be wrong, where only the counts have shown it. */
  private Set<String> withDifferences(List<String> parts) {
    Archive archive = workspace.archive();
    boolean somewhere = PartProof.counts(archive).missing() > 0;
    Set<String> chosen = new LinkedHashSet<>(task.parts());
    chosen.remove("");
    for (String part : parts) {
      boolean proved =
          PartProof.find(archive, part).filter(proof -> proof.mismatches() == 0).isPresent();
      if (somewhere || !proved) {
        chosen.add(part);
      }
    }
    return chosen;
  }

  private PartTask partTask(String name) {
    int part = Integer.parseInt(name.substring(name.indexOf('-') + 1));
    return workspace.partTask(workspace.partPath(Archive.partitionOf(name), part));
  }

  private void loadAgain(PartTask part) {
    String name = part.partName();
    try (BatchWriter writer = workspace.load().write(name, workspace.stamp())) {
      PartComparison.run(
          workspace,
          part,
          new IdSample(1),
          difference -> {},
          (wrong, there) -> {
            if (there.rows() > 0) {
              // What a store has of a record may be more than what is written over it.
              Calls.confirm();
              workspace.load().remove(there, workspace.stamp());
            }
            writer.write(wrong);
            loaded += wrong.rows();
          });
      List<Reject> refused = writer.finish();
      if (!refused.isEmpty()) {
        throw new StoreException(
            FailureClass.BAD_RECORD,
            refused.size()
                + " records of "
                + name
                + " were refused by the target. The first: \""
                + refused.get(0).id()
                + "\": "
                + refused.get(0).reason());
      }
    }
  }

  private void removeExtra() {
    List<IdKind> kinds = new ArrayList<>();
    List<String> ids = new ArrayList<>();
    ImportProof.findIds(
        workspace,
        task.whole(),
        new ChangeSearch.Found() {
          @Override
          public void added(IdKind kind, String id) {
            kinds.add(kind);
            ids.add(id);
            if (ids.size() == MOST_IDS) {
              remove(kinds, ids);
            }
          }

          @Override
          public void changed(IdKind kind, String id) {
            // The parts have been compared.
          }

          @Override
          public void gone(IdKind kind, String id) {
            // The same.
          }
        });
    remove(kinds, ids);
  }

  private void remove(List<IdKind> kinds, List<String> ids) {
    if (ids.isEmpty()) {
      return;
    }
    Calls.confirm();
    workspace.load().remove(IdParts.column(kinds, ids), workspace.stamp());
    removed += ids.size();
    kinds.clear();
    ids.clear();
  }
}
