package io.vecferry.cli;

import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowClientOptions;
import io.temporal.serviceclient.WorkflowServiceStubs;
import io.temporal.serviceclient.WorkflowServiceStubsOptions;
import io.vecferry.client.MigrationClient;
import io.vecferry.workflow.MigrationStatus;
import io.vecferry.workflow.Payloads;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A Temporal service in a process of its own, workers for it, and a client. */
final class Service implements AutoCloseable {
  private final Cli.Running server;
  private final String address;
  private final Path archives;
  private final Path folder;
  private final WorkflowServiceStubs stubs;
  private final List<Cli.Running> workers = new ArrayList<>();

  private Service(Cli.Running server, String address, Path archives) {
    this.server = server;
    this.address = address;
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
    return new Service(server, server.out().strip(), folder.resolve("archives"));
  }

  /** Starts a worker and waits until it polls. */
  Cli.Running startWorker() {
    Cli.Running worker = cli(folder).start("worker");
    worker.await("the worker polls", () -> (worker.out() + worker.err()).contains("Worker for "));
    workers.add(worker);
    return worker;
  }

  /** Commands against this service. */
  Cli cli(Path workingFolder) {
    return Cli.in(workingFolder)
        .with("TEMPORAL_ADDRESS", address)
        .with("VECFERRY_ARCHIVE", archives.toString());
  }

  Path archives() {
    return archives;
  }

  MigrationClient client() {
    return MigrationClient.connect(stubs, "default");
  }

  /** A client that knows nothing of the product but how its data travels. */
  WorkflowClient rawClient() {
    return WorkflowClient.newInstance(
        stubs, WorkflowClientOptions.newBuilder().setDataConverter(Payloads.converter()).build());
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
    server.close();
  }
}
