package io.vecferry.worker;

import com.uber.m3.tally.Scope;
import io.temporal.api.operatorservice.v1.ListSearchAttributesRequest;
import io.temporal.client.WorkflowClientOptions;
import io.temporal.common.SearchAttributeKey;
import io.temporal.envconfig.ClientConfigProfile;
import io.temporal.envconfig.ClientConfigTLS;
import io.temporal.envconfig.LoadClientConfigProfileOptions;
import io.temporal.serviceclient.OperatorServiceStubs;
import io.temporal.serviceclient.OperatorServiceStubsOptions;
import io.temporal.serviceclient.WorkflowServiceStubs;
import io.temporal.serviceclient.WorkflowServiceStubsOptions;
import io.vecferry.store.StoreException;
import io.vecferry.store.TlsRefusal;
import io.vecferry.store.TlsSettings;
import io.vecferry.store.TlsSettings.PemFile;
import io.vecferry.workflow.SearchAttributes;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How to reach a Temporal service, from Temporal's standard environment variables and profile file:
 * address, namespace, TLS and API key; payloads are encrypted where {@link PayloadEncryption} has
 * keys.
 *
 * @param stubs connection
 * @param client namespace
 * @param tls files for TLS; null where it is not used, or used with what is in no file
 * @param serverName name that the certificate of the service has to be for; null for that of its
 *     address
 */
public record TemporalSettings(
    WorkflowServiceStubsOptions stubs,
    WorkflowClientOptions client,
    TlsSettings tls,
    String serverName) {
  private static final Logger LOG = LoggerFactory.getLogger(TemporalSettings.class);
  private static final String NAMESPACE = "default";
  private static final int TEMPORAL_PORT = 7233;
  private static final Duration CONNECT_LIMIT = Duration.ofSeconds(20);

  /**
   * The configured service; empty when none is.
   *
   * @throws StoreException when a file with certificates or a key cannot be used
   */
  public static Optional<TemporalSettings> load() {
    try {
      ClientConfigProfile profile = profile();
      if (profile.getAddress() == null || profile.getAddress().isEmpty()) {
        return Optional.empty();
      }
      WorkflowClientOptions client = profile.toWorkflowClientOptions();
      if (client.getNamespace() == null) {
        client = WorkflowClientOptions.newBuilder(client).setNamespace(NAMESPACE).build();
      }
      TlsSettings tls = tls(profile.getTls());
      if (tls != null) {
        // Temporal's library says less about what is wrong with a file.
        tls.check();
      }
      return Optional.of(
          new TemporalSettings(
              profile.toWorkflowServiceStubsOptions(),
              encrypted(client),
              tls,
              profile.getTls() == null ? null : profile.getTls().getServerName()));
    } catch (IOException e) {
      throw new UncheckedIOException(
          "Temporal's configuration cannot be read: " + e.getMessage(), e);
    }
  }

  private static ClientConfigProfile profile() throws IOException {
    try {
      return ClientConfigProfile.load();
    } catch (NullPointerException e) {
      // The library fails so when the file has no profile at all; then only the environment counts.
      return ClientConfigProfile.load(
          LoadClientConfigProfileOptions.newBuilder().setDisableFile(true).build());
    }
  }

  private static TlsSettings tls(ClientConfigTLS profile) {
    if (profile == null
        || Boolean.TRUE.equals(profile.isDisabled())
        || Boolean.TRUE.equals(profile.isDisableHostVerification())
        || profile.getServerCACertData() != null
        || profile.getClientCertData() != null
        || profile.getClientKeyData() != null) {
      return null;
    }
    return new TlsSettings(
        file("TEMPORAL_TLS_SERVER_CA_CERT_PATH", profile.getServerCACertPath()),
        file("TEMPORAL_TLS_CLIENT_CERT_PATH", profile.getClientCertPath()),
        file("TEMPORAL_TLS_CLIENT_KEY_PATH", profile.getClientKeyPath()),
        "TEMPORAL_ADDRESS",
        "Set TEMPORAL_TLS=false, and no other variable that begins with TEMPORAL_TLS.");
  }

  private static PemFile file(String variable, String path) {
    return new PemFile(variable, path == null || path.isEmpty() ? null : path);
  }

  /** A service at an address, without TLS, in the namespace {@code default}. */
  public static TemporalSettings of(String address) {
    return new TemporalSettings(
        WorkflowServiceStubsOptions.newBuilder().setTarget(address).build(),
        encrypted(WorkflowClientOptions.newBuilder().setNamespace(NAMESPACE).build()),
        null,
        null);
  }

  private static WorkflowClientOptions encrypted(WorkflowClientOptions client) {
    return WorkflowClientOptions.newBuilder(client)
        .setDataConverter(PayloadEncryption.ofEnvironment().converter())
        .build();
  }

  /** The same service with the SDK's metrics reported to a scope. */
  public TemporalSettings withMetrics(Scope scope) {
    return new TemporalSettings(
        WorkflowServiceStubsOptions.newBuilder(stubs).setMetricsScope(scope).build(),
        client,
        tls,
        serverName);
  }

  /**
   * Connects.
   *
   * @throws IllegalStateException when the service does not answer; the message says what to do
   */
  public WorkflowServiceStubs connect() {
    Optional<StoreException> refusal = refusal();
    if (refusal.isPresent()) {
      // The library would go on trying until the limit, and not say why.
      throw new IllegalStateException(refusal.get().getMessage(), refusal.get());
    }
    WorkflowServiceStubs service = WorkflowServiceStubs.newServiceStubs(stubs);
    try {
      service.connect(CONNECT_LIMIT);
      return service;
    } catch (RuntimeException e) {
      service.shutdownNow();
      throw new IllegalStateException(
          "The Temporal service at "
              + stubs.getTarget()
              + " does not answer within "
              + CONNECT_LIMIT.toSeconds()
              + " s. Check TEMPORAL_ADDRESS, or unset it to use the embedded service.",
          e);
    }
  }

  /** Why the service cannot be reached, when that is because of TLS. */
  private Optional<StoreException> refusal() {
    URI address = URI.create("temporal://" + stubs.getTarget());
    return tls == null || address.getHost() == null
        ? Optional.empty()
        : TlsRefusal.find(
            tls,
            "The Temporal service at " + stubs.getTarget(),
            address.getHost(),
            serverName == null ? address.getHost() : serverName,
            address.getPort() < 0 ? TEMPORAL_PORT : address.getPort(),
            "h2");
  }

  /**
   * Whether the service knows all search attributes of a migration; says so in the log when not.
   */
  public boolean knowsSearchAttributes() {
    OperatorServiceStubs operator =
        OperatorServiceStubs.newServiceStubs(
            OperatorServiceStubsOptions.newBuilder(stubs).validateAndBuildWithDefaults());
    try {
      var known =
          operator
              .blockingStub()
              .listSearchAttributes(
                  ListSearchAttributesRequest.newBuilder()
                      .setNamespace(client.getNamespace())
                      .build())
              .getCustomAttributesMap();
      for (SearchAttributeKey<?> key : SearchAttributes.ALL) {
        if (!known.containsKey(key.getName())) {
          LOG.warn(
              "The search attribute {} is not registered; migrations run without it. Register with:"
                  + " temporal operator search-attribute create --name {} --type {}",
              key.getName(),
              key.getName(),
              key.getValueType().name().replace("INDEXED_VALUE_TYPE_", ""));
          return false;
        }
      }
      return true;
    } catch (RuntimeException e) {
      LOG.warn(
          "Search attributes cannot be listed ({}); migrations run without them.", e.getMessage());
      return false;
    } finally {
      operator.shutdownNow();
    }
  }
}
