package io.vecferry.archive;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says in an archive that a process runs a migration, to processes of all machines. Leases are
 * numbered objects, each written only if nobody was faster; the last one counts. A process that was
 * killed leaves one behind, which is over when it was not renewed for some time; that is measured
 * by the clock of who waits for it, so that the clocks of machines need not agree.
 */
public final class ArchiveLease implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ArchiveLease.class);
  private static final ObjectMapper JSON = new ObjectMapper();

  private final ArtifactStore store;
  private final String folder;
  private final Timing timing;
  private final Holder own;
  private final ScheduledExecutorService renewing =
      Executors.newScheduledThreadPool(
          2,
          task -> {
            Thread thread = new Thread(task, "archive-lease");
            thread.setDaemon(true);
            return thread;
          });
  private String path;
  private long renewals;
  private volatile long renewedNanos;
  private volatile boolean closed;

  /**
   * How long things take.
   *
   * @param renewal between two renewals
   * @param over a lease that was not renewed for so long is over; a holder that could not renew it
   *     for two thirds of that gives up
   */
  public record Timing(Duration renewal, Duration over) {
    /** Archives are out of reach for a minute or two now and then, and machines gone seldom. */
    public static final Timing STANDARD = new Timing(Duration.ofSeconds(10), Duration.ofMinutes(5));
  }

  /**
   * Who holds a lease.
   *
   * @param process differs for each lease, empty when it was given back
   * @param renewals changes as long as the process lives
   */
  private record Holder(String host, long pid, String process, long renewals) {
    static Holder here() {
      return new Holder(hostName(), ProcessHandle.current().pid(), UUID.randomUUID().toString(), 0);
    }

    private static String hostName() {
      try {
        return InetAddress.getLocalHost().getHostName();
      } catch (UnknownHostException e) {
        return "a machine without a name";
      }
    }

    static Holder read(byte[] json) {
      try {
        return JSON.readValue(json, Holder.class);
      } catch (IOException e) {
        throw new StoreException(
            FailureClass.ARCHIVE_DAMAGED,
            "the lease of a migration cannot be read: " + e.getMessage(),
            e);
      }
    }

    byte[] bytes() {
      try {
        return JSON.writeValueAsBytes(this);
      } catch (IOException e) {
        throw new IllegalStateException(e);
      }
    }

    boolean isGivenBack() {
      return process.isEmpty();
    }

    Holder renewed(long number) {
      return new Holder(host, pid, process, number);
    }

    Holder givenBack() {
      return new Holder(host, pid, "", renewals);
    }
  }

  private ArchiveLease(ArtifactStore store, String migration, Timing timing) {
    this.store = store;
    this.folder = ".running/" + migration;
    this.timing = timing;
    this.own = Holder.here();
  }

  /**
   * Takes the lease of a migration, and waits for one of a process that is gone to be over.
   *
   * @param ended {@link #process()} of a lease whose process is known to have ended, which is not
   *     waited for; empty for none
   * @param lost called once when this process must stop, because another may run the migration
   * @param waiting told once of whose lease is waited for
   * @throws StoreException PERMISSION when a process of another machine runs the migration
   */
  public static ArchiveLease take(
      ArtifactStore store,
      String migration,
      String ended,
      Timing timing,
      Runnable lost,
      Consumer<String> waiting) {
    ArchiveLease lease = new ArchiveLease(store, migration, timing);
    try {
      lease.take(ended, waiting);
    } catch (RuntimeException e) {
      lease.renewing.shutdownNow();
      throw e;
    }
    long millis = timing.renewal().toMillis();
    lease.renewing.scheduleWithFixedDelay(
        () -> lease.renew(lost), millis, millis, TimeUnit.MILLISECONDS);
    // A request that is stuck must not hide that.
    lease.renewing.scheduleWithFixedDelay(
        () -> lease.watch(lost), millis, millis, TimeUnit.MILLISECONDS);
    return lease;
  }

  private void take(String ended, Consumer<String> waiting) {
    List<String> before = store.list(folder);
    if (!before.isEmpty()) {
      awaitEnd(before.get(before.size() - 1), ended, waiting);
    }
    path = "%s/%09d.json".formatted(folder, number(before) + 1);
    renewedNanos = System.nanoTime();
    store.writeNew(path, own.bytes());
    // A server that does not know conditions writes in any case, and a request that is tried again
    // finds what it has written.
    if (!holds()) {
      throw taken(Holder.read(store.readBytes(last())));
    }
    before.forEach(store::delete);
  }

  private static long number(List<String> leases) {
    if (leases.isEmpty()) {
      return 0;
    }
    String last = leases.get(leases.size() - 1);
    return Long.parseLong(last.substring(last.lastIndexOf('/') + 1, last.lastIndexOf('.')));
  }

  /** Waits until a lease is over; somebody may take or renew it meanwhile. */
  private void awaitEnd(String lease, String ended, Consumer<String> waiting) {
    Holder holder = Holder.read(store.readBytes(lease));
    if (holder.isGivenBack() || holder.process().equals(ended)) {
      return;
    }
    waiting.accept(
        "a process on "
            + holder.host()
            + " (pid "
            + holder.pid()
            + ") had begun it; looking for "
            + timing.over().toSeconds()
            + " s whether it is alive");
    long end = System.nanoTime() + timing.over().toNanos();
    while (System.nanoTime() < end) {
      try {
        Thread.sleep(Math.max(1, timing.renewal().toMillis() / 5));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new StoreException(FailureClass.TRANSIENT, "interrupted while waiting", e);
      }
      String last = last();
      Holder now = Holder.read(store.readBytes(last));
      if (now.isGivenBack()) {
        return;
      }
      if (!now.equals(holder)) {
        throw taken(now);
      }
    }
  }

  /** Names this lease, and no other one. */
  public String process() {
    return own.process();
  }

  private StoreException taken(Holder holder) {
    return new StoreException(
        FailureClass.PERMISSION,
        "it is running in another process, on "
            + holder.host()
            + " (pid "
            + holder.pid()
            + "). Follow it there, or run it on a Temporal service that both machines use.");
  }

  /** The one that counts; there always is one once there was one. */
  private String last() {
    List<String> leases = store.list(folder);
    if (leases.isEmpty()) {
      throw new StoreException(
          FailureClass.MISSING, "the leases in " + store.describe(folder) + " were removed");
    }
    return leases.get(leases.size() - 1);
  }

  private boolean holds() {
    return last().equals(path)
        && Holder.read(store.readBytes(path)).process().equals(own.process());
  }

  private synchronized void renew(Runnable lost) {
    // The answer may come long after what was written has been seen by others.
    long now = System.nanoTime();
    try {
      if (closed) {
        return;
      }
      if (!holds()) {
        LOG.error("another process has taken over the migration of {}", store.describe(path));
        lose(lost);
        return;
      }
      store.writeBytes(path, own.renewed(++renewals).bytes());
      renewedNanos = now;
    } catch (StoreException e) {
      LOG.warn("the lease {} cannot be renewed", store.describe(path), e);
    }
  }

  private void watch(Runnable lost) {
    if (!closed && System.nanoTime() - renewedNanos > timing.over().toNanos() * 2 / 3) {
      LOG.error("others will take the migration for ended: {}", store.describe(path));
      lose(lost);
    }
  }

  private void lose(Runnable lost) {
    renewing.shutdownNow();
    lost.run();
  }

  /** Gives it back; the next process need not wait. */
  @Override
  public void close() {
    closed = true;
    renewing.shutdownNow();
    giveBack();
  }

  private synchronized void giveBack() {
    try {
      if (holds()) {
        store.writeBytes(path, own.givenBack().bytes());
      }
    } catch (StoreException e) {
      LOG.warn("the lease {} cannot be given back; it ends by itself", store.describe(path), e);
    }
  }
}
