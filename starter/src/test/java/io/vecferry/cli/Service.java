package io.vecferry.cli;

import com.google.protobuf.util.Durations;
import io.grpc.StatusRuntimeException;
import io.temporal.api.workflowservice.v1.ListWorkflowExecutionsRequest;
import io.temporal.api.workflowservice.v1.RegisterNamespaceRequest;
import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowClientOptions;
import io.temporal.serviceclient.WorkflowServiceStubs;
import io.temporal.serviceclient.WorkflowServiceStubsOptions;
import io.vecferry.client.MigrationClient;
import io.vecferry.testing.RunningServer;
import io.vecferry.workflow.MigrationStatus;
import io.vecferry.workflow.Payloads;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** A Temporal service, workers for it in processes of their own, and a client. */
final class Service implements AutoCloseable {
  private static final Duration CONNECT_LIMIT = Duration.ofMinutes(1);
  private static final AtomicInteger NAMESPACES = new AtomicInteger();

  private final AutoCloseable server;
  private final String address;
  private final String namespace;
  private final Path archives;
  private final Path folder;
  private final WorkflowServiceStubs stubs;
  private final List<Cli.Running> workers = new ArrayList<>();

  private Service(AutoCloseable server, String address, String namespace, Path archives) {
    this.server = server;
    this.address = address;
    this.namespace = namespace;
    this.archives = archives;
    this.folder = archives.getParent();
    this.stubs =
        WorkflowServiceStubs.newServiceStubs(
            WorkflowServiceStubsOptions.newBuilder().setTarget(address).build());
  }

  /** Starts a service; archives of its workers will be in a folder in this one. */
  static Service start(Path folder) {
    Cli.Running server = Cli.in(folder).startMain(TemporalServer.class.getName());
    server.await("the service has an address", () -> server.out().endsWith("\n"));
    return new Service(server, server.out().strip(), "default", folder.resolve("archives"));
  }

  /**
   * A new namespace of a service that runs; archives of its workers will be in a folder in this
   * one.
   */
  static Service at(RunningServer temporal, Path folder) {
    String namespace = "test-" + ProcessHandle.current().pid() + "-" + NAMESPACES.incrementAndGet();
    Service service = new Service(() -> {}, temporal.url(), namespace, folder.resolve("archives"));
    service.stubs.connect(CONNECT_LIMIT);
    service
        .stubs
        .blockingStub()
        .registerNamespace(
            RegisterNamespaceRequest.newBuilder()
                .setNamespace(namespace)
                .setWorkflowExecutionRetentionPeriod(Durations.fromDays(1))
                .build());
    // Not all parts of the service know it at once.
    Cli.await(
        "the namespace can be used",
        () -> {
          try {
            service
                .stubs
                .blockingStub()
                .listWorkflowExecutions(
                    ListWorkflowExecutionsRequest.newBuilder().setNamespace(namespace).build());
            return true;
          } catch (StatusRuntimeException e) {
            return false;
          }
        });
    return service;
  }

  /** Starts a worker and waits until it polls. */
  Cli.Running startWorker(String... options) {
    return startWorker(cli(folder), options);
  }

  /** Starts a worker that reaches the service by a link. */
  Cli.Running startWorker(Link link, String... options) {
    return startWorker(cli(folder).with("TEMPORAL_ADDRESS", link.address()), options);
  }

  /** Starts a worker with an environment. */
  Cli.Running startWorker(Cli cli, String... options) {
    List<String> command = new ArrayList<>(List.of("worker"));
    command.addAll(List.of(options));
    Cli.Running worker = cli.start(command.toArray(String[]::new));
    worker.await("the worker polls", () -> (worker.out() + worker.err()).contains("Worker for "));
    workers.add(worker);
    return worker;
  }

  /** Commands against this service. */
  Cli cli(Path workingFolder) {
    return Cli.in(workingFolder)
        .with("TEMPORAL_ADDRESS", address)
        .with("TEMPORAL_NAMESPACE", namespace)
        .with("VECFERRY_ARCHIVE", archives.toString());
  }

  Path archives() {
    return archives;
  }

  WorkflowServiceStubs stubs() {
    return stubs;
  }

  String namespace() {
    return namespace;
  }

  MigrationClient client() {
    return MigrationClient.connect(stubs, namespace);
  }

  /** A client that knows nothing of the product but how its data travels. */
  WorkflowClient rawClient() {
    return WorkflowClient.newInstance(
        stubs,
        WorkflowClientOptions.newBuilder()
            .setNamespace(namespace)
            .setDataConverter(Payloads.converter())
            .build());
  }

  /** Waits until a migration is in a state. */
  MigrationStatus await(String migration, MigrationStatus.State state) {
    MigrationClient client = client();
    Cli.await(migration + " is " + state, () -> client.status(migration).state() == state);
    return client.status(migration);
  }

  @Override
  public void close() {
    workers.forEach(Cli.Running::close);
    stubs.shutdownNow();
    try {
      server.close();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }
}
