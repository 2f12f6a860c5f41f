package io.vecferry.phase;

import io.temporal.activity.Activity;
import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowNotFoundException;
import io.vecferry.activity.PartTask;
import io.vecferry.archive.Disk;
import io.vecferry.archive.place.ArchiveRoot;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.Forecast.Need;
import io.vecferry.plan.Phase;
import io.vecferry.store.StoreException;
import io.vecferry.workflow.MigrationWorkflow;
import io.vecferry.workflow.VerbRequest;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Stops exports before the disk of the archives is full, because what comes after them needs room
 * too; and lets those go on that it has stopped, once there is room. The rule is in
 * docs/error-handling.md; who changes one changes the other. Thread-safe.
 */
final class DiskGuard implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DiskGuard.class);

  /** What stays free for reports, proofs and others, as a share of the disk and at most. */
  private static final int RESERVE_SHARE = 20;

  private static final long MOST_RESERVE = 1L << 30;

  /** Parts are not all alike. */
  private static final int MARGIN = 2;

  private static final int LOOK_SECONDS = 5;

  /** An export that nobody knows to wait by then was decided about by a person. */
  private static final int MOST_TRIES = 3600 / LOOK_SECONDS;

  private final ArchiveRoot root;
  private final LongSupplier free;
  private final LongSupplier total;
  private final Map<String, Stopped> stopped = new ConcurrentHashMap<>();
  private int underway;
  private final ScheduledExecutorService looking =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "disk-guard");
            thread.setDaemon(true);
            return thread;
          });

  /**
   * An export that waits for room.
   *
   * @param enough bytes that have to be free before it goes on
   * @param tries how often it was let go on in vain
   */
  private record Stopped(
      WorkflowClient client, String migration, String part, long enough, int tries) {

    Stopped triedAgain() {
      return new Stopped(client, migration, part, enough, tries + 1);
    }
  }

  /** Guards the disk under a folder; in S3 there is nothing to guard. */
  DiskGuard(ArchiveRoot root) {
    this(root, root.store()::freeBytes, () -> root.folder().map(Disk::totalBytes).orElse(0L));
  }

  DiskGuard(ArchiveRoot root, LongSupplier free, LongSupplier total) {
    this.root = root;
    this.free = free;
    this.total = total;
    looking.scheduleWithFixedDelay(this::look, LOOK_SECONDS, LOOK_SECONDS, TimeUnit.SECONDS);
  }

  /** Room for a part that is written; closed when it is. */
  final class Room implements AutoCloseable {
    private Room() {}

    @Override
    public void close() {
      synchronized (DiskGuard.this) {
        underway--;
      }
    }
  }

  private long reserve() {
    return Math.min(MOST_RESERVE, total.getAsLong() / RESERVE_SHARE);
  }

  /** Bytes that exports may fill before this stops them; -1 when nobody can tell. */
  long usableBytes() {
    long there = free.getAsLong();
    return there < 0 ? there : Math.max(0, there - reserve());
  }

  /**
   * Takes room for a part.
   *
   * @param part bytes that are expected of it
   * @throws HeldBack when there is room for it, but not beside those underway
   * @throws StoreException RESOURCE_EXHAUSTED when there is none
   */
  synchronized Room take(PartTask task, long part) {
    long needed = reserve() + MARGIN * part;
    long there = free.getAsLong();
    String name = task.partName();
    if (there >= needed && there < needed + MARGIN * part * underway) {
      throw new HeldBack(
          "the disk of the archives has room for fewer parts at once: "
              + words(there)
              + " are free for "
              + root
              + ", and "
              + underway
              + " are written. Tried again when some are done.");
    }
    if (there >= 0 && there < needed) {
      long enough = needed + MARGIN * part;
      stopped.put(
          task.migration() + "/" + name,
          new Stopped(
              Activity.getExecutionContext().getWorkflowClient(),
              task.migration(),
              name,
              enough,
              0));
      throw new StoreException(
          FailureClass.RESOURCE_EXHAUSTED,
          "the disk of the archives is nearly full, and the export stops before it is: "
              + words(there)
              + " are free for "
              + root
              + ", and a part is begun with "
              + words(needed)
              + ". Free some; with "
              + words(enough)
              + " the migration goes on by itself, or retry.");
    }
    stopped.remove(task.migration() + "/" + name);
    underway++;
    return new Room();
  }

  private static String words(long bytes) {
    return Need.ofBytes("", 0, 0).words(bytes);
  }

  /** Lets go on what has room now. */
  void look() {
    for (Map.Entry<String, Stopped> entry : stopped.entrySet()) {
      Stopped one = entry.getValue();
      long there = free.getAsLong();
      if (there >= one.enough()) {
        // It may stop again before the answer to this is there.
        stopped.remove(entry.getKey());
        if (!goesOn(one, there) && one.tries() < MOST_TRIES) {
          stopped.putIfAbsent(entry.getKey(), one.triedAgain());
        }
      }
    }
  }

  /** Lets an export go on; false when that has to be tried again. */
  private static boolean goesOn(Stopped one, long there) {
    String reason = words(there) + " are free for the archives again";
    try {
      one.client()
          .newUntypedWorkflowStub(MigrationWorkflow.workflowId(one.migration()))
          .update(
              "retry",
              String.class,
              VerbRequest.of("vecferry", reason).forPart(one.part()).forPhase(Phase.EXPORT.name()));
      LOG.info("{} of {} goes on: {}.", one.part(), one.migration(), reason);
      return true;
    } catch (WorkflowNotFoundException e) {
      return true;
    } catch (RuntimeException e) {
      // The migration has not heard of the failure yet, or a person has decided.
      LOG.debug("{} of {} does not go on yet", one.part(), one.migration(), e);
      return false;
    }
  }

  @Override
  public void close() {
    looking.shutdownNow();
  }
}
