package io.vecferry.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.temporal.client.WorkflowNotFoundException;
import io.temporal.client.WorkflowQueryException;
import io.temporal.client.WorkflowServiceException;
import io.temporal.client.WorkflowUpdateException;
import io.temporal.serviceclient.WorkflowServiceStubs;
import io.vecferry.archive.ArchiveLease;
import io.vecferry.archive.place.ArchiveRoot;
import io.vecferry.client.MigrationClient;
import io.vecferry.store.StoreException;
import io.vecferry.worker.TemporalSettings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.Supplier;

/** A connection of a command to the Temporal service that a migration runs on. */
final class Temporal implements AutoCloseable {
  /** A worker answers in milliseconds; one that replays a long history needs some seconds. */
  private static final long ANSWER_SECONDS = 15;

  private final WorkflowServiceStubs stubs;
  private final MigrationClient client;

  private Temporal(WorkflowServiceStubs stubs, MigrationClient client) {
    this.stubs = stubs;
    this.client = client;
  }

  static Temporal connect(TemporalSettings settings) {
    try {
      WorkflowServiceStubs stubs = settings.connect();
      return new Temporal(stubs, MigrationClient.connect(stubs, settings.client()));
    } catch (IllegalStateException e) {
      throw new UserError(e.getMessage());
    }
  }

  /** The configured service, or the embedded one of a process that runs this migration now. */
  static Optional<Temporal> find(ArchiveRoot archiveRoot, String migration) {
    Optional<TemporalSettings> configured = TemporalSettings.load();
    if (configured.isPresent()) {
      return configured.map(Temporal::connect);
    }
    return Running.addressOf(archiveRoot, migration)
        .map(TemporalSettings::of)
        .map(Temporal::connect);
  }

  MigrationClient client() {
    return client;
  }

  /** Asks, and turns a refusal into a message for the user. */
  <T> T ask(Function<MigrationClient, T> question, String migration) {
    try {
      return answer(() -> question.apply(client))
          .orElseThrow(
              () ->
                  new UserError(
                      "No worker answers for the migration '"
                          + migration
                          + "', or its machine has too much to do. Start one for this Temporal service:"
                          + " vecferry worker",
                      Guide.NO_WORKER));
    } catch (WorkflowNotFoundException e) {
      throw new UserError(
          "There is no running migration '" + migration + "' on this Temporal service.");
    } catch (WorkflowUpdateException e) {
      throw new UserError(
          e.getCause() == null ? e.getMessage() : refusal(e.getCause().getMessage()));
    }
  }

  /**
   * The answer of a worker; empty when none comes in time, because no worker runs or its machine
   * has too much to do.
   */
  static <T> Optional<T> answer(Supplier<T> question) {
    try {
      return Optional.of(
          CompletableFuture.supplyAsync(question, Temporal::inOwnThread)
              .get(ANSWER_SECONDS, TimeUnit.SECONDS));
    } catch (TimeoutException e) {
      return Optional.empty();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof WorkflowServiceException || isOverloaded(e.getCause())) {
        return Optional.empty();
      }
      throw e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }

  /** Whether a worker had no time for a question, which it then calls a deadlock. */
  private static boolean isOverloaded(Throwable failure) {
    return failure instanceof WorkflowQueryException
        && failure.getCause() != null
        && String.valueOf(failure.getCause().getMessage()).contains("TMPRL1101");
  }

  /**
   * Waiting must not hold a thread of the common pool: on two cores that has only one, and steps of
   * a migration in this process need it.
   */
  static void inOwnThread(Runnable task) {
    Thread thread = new Thread(task, "temporal-call");
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void close() {
    stubs.shutdownNow();
  }

  private static String refusal(String message) {
    int start = message.indexOf("message='");
    int end = message.indexOf("', type='");
    return start >= 0 && end > start
        ? message.substring(start + "message='".length(), end)
        : message;
  }

  /**
   * Marks a migration as running in this process, with the address of its embedded service, for
   * commands in other processes.
   */
  static final class Running implements AutoCloseable {
    private static final String ADDRESS = "address";
    private static final String LEASE = "lease";

    private final Path file;
    private final FileChannel channel;
    private final FileLock lock;
    private final Optional<ArchiveLease> lease;

    private Running(Path file, FileChannel channel, FileLock lock, Optional<ArchiveLease> lease) {
      this.file = file;
      this.channel = channel;
      this.lock = lock;
      this.lease = lease;
    }

    /** Takes the mark; two processes must not run one migration. */
    static Running take(ArchiveRoot archiveRoot, String migration) {
      Path file = fileOf(archiveRoot, migration);
      try {
        Files.createDirectories(file.getParent());
        FileChannel channel =
            FileChannel.open(
                file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        FileLock lock = tryLock(channel);
        if (lock == null) {
          channel.close();
          throw new UserError(
              "The migration '"
                  + migration
                  + "' is running in another process. Follow it with: vecferry watch "
                  + migration);
        }
        try {
          Optional<ArchiveLease> lease = lease(archiveRoot, migration, noted(channel, LEASE));
          Running running = new Running(file, channel, lock, lease);
          try {
            running.note("");
          } catch (UncheckedIOException e) {
            running.close();
            throw e.getCause();
          }
          return running;
        } catch (StoreException e) {
          channel.close();
          throw new UserError("The migration '" + migration + "': " + e.getMessage());
        }
      } catch (IOException e) {
        throw new UserError(
            "The archive folder "
                + archiveRoot.localFolder()
                + " cannot be written: "
                + reason(e)
                + ". Free or mount it, or name another with --archive.");
      }
    }

    /** A lock of a file is of this machine; others look into the bucket. */
    private static Optional<ArchiveLease> lease(
        ArchiveRoot archiveRoot, String migration, String ended) {
      if (!archiveRoot.isS3()) {
        return Optional.empty();
      }
      return Optional.of(
          ArchiveLease.take(
              archiveRoot.store(),
              migration,
              // Whoever noted it held the lock that this process has now.
              ended,
              ArchiveLease.Timing.STANDARD,
              () -> {
                System.err.println(
                    "vecferry: this process has lost the migration '"
                        + migration
                        + "' to another one, or cannot reach its archive, and stops. Run it again.");
                // Steps must not go on beside those of somebody else.
                Runtime.getRuntime().halt(ExitCode.NEEDS_PERSON);
              },
              whose -> System.err.println("The migration '" + migration + "': " + whose + ".")));
    }

    private static String reason(IOException failure) {
      if (failure instanceof AccessDeniedException) {
        return "this user may not";
      }
      return failure instanceof FileSystemException file && file.getReason() != null
          ? file.getReason()
          : failure.getMessage();
    }

    void address(String address) {
      note(address);
    }

    private void note(String address) {
      try {
        byte[] json =
            new ObjectMapper()
                .writeValueAsBytes(
                    Map.of(
                        ADDRESS,
                        address,
                        "pid",
                        ProcessHandle.current().pid(),
                        LEASE,
                        lease.map(ArchiveLease::process).orElse("")));
        channel.truncate(0);
        channel.write(ByteBuffer.wrap(json), 0);
        channel.force(false);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    static Optional<String> addressOf(ArchiveRoot archiveRoot, String migration) {
      Path file = fileOf(archiveRoot, migration);
      if (!Files.isRegularFile(file)) {
        return Optional.empty();
      }
      try (FileChannel channel =
              FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
          FileLock lock = tryLock(channel)) {
        if (lock != null) {
          return Optional.empty();
        }
        return Optional.of(noted(channel, ADDRESS)).filter(address -> !address.isEmpty());
      } catch (IOException e) {
        return Optional.empty();
      }
    }

    /**
     * What a process has noted; empty when it has not. Not read by another channel: to close one
     * ends all locks that this process has of the file.
     */
    private static String noted(FileChannel channel, String name) throws IOException {
      ByteBuffer json = ByteBuffer.allocate((int) channel.size());
      while (json.hasRemaining() && channel.read(json, json.position()) >= 0) {}
      try {
        return new ObjectMapper().readTree(json.array()).path(name).asText();
      } catch (JsonProcessingException e) {
        // It was killed while it wrote.
        return "";
      }
    }

    @Override
    public void close() throws IOException {
      lease.ifPresent(ArchiveLease::close);
      Files.deleteIfExists(file);
      lock.release();
      channel.close();
      for (Path folder : List.of(file.getParent(), file.getParent().getParent())) {
        if (!folder.toFile().delete()) {
          return;
        }
      }
    }

    private static Path fileOf(ArchiveRoot archiveRoot, String migration) {
      return archiveRoot.localFolder().resolve(".running").resolve(migration + ".json");
    }

    private static FileLock tryLock(FileChannel channel) throws IOException {
      try {
        return channel.tryLock();
      } catch (OverlappingFileLockException e) {
        return null;
      }
    }
  }
}
