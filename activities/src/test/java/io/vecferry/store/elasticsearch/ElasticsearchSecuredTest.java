package io.vecferry.store.elasticsearch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.vecferry.plan.FailureClass;
import io.vecferry.plan.NameSwitch;
import io.vecferry.record.RecordBatch;
import io.vecferry.store.BatchReader;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.VectorStore;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.WithServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The contract on a server over TLS that asks for a user, and users who may do too little. */
@WithServer(Server.ELASTICSEARCH_SECURED)
class ElasticsearchSecuredTest extends ElasticsearchContract {
  private static final String USER = "elastic";
  private static final String PASSWORD = "Elastic";

  @TempDir static Path folder;

  private static Path certificates;
  private static TestElasticsearch administrator;

  @BeforeAll
  static void fetchTheCertificate(RunningServer server) throws Exception {
    Certificate certificate = certificateOf(URI.create(server.url()));
    certificates =
        Files.writeString(
            folder.resolve("ca.pem"),
            "-----BEGIN CERTIFICATE-----\n"
                + Base64.getMimeEncoder().encodeToString(certificate.getEncoded())
                + "\n-----END CERTIFICATE-----\n");
    KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
    trusted.load(null);
    trusted.setCertificateEntry("server", certificate);
    TrustManagerFactory managers =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    managers.init(trusted);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, managers.getTrustManagers(), null);
    administrator =
        new TestElasticsearch(
            server.url(),
            HttpClient.newBuilder().sslContext(context).build(),
            "Basic "
                + Base64.getEncoder()
                    .encodeToString((USER + ":" + PASSWORD).getBytes(StandardCharsets.UTF_8)));
  }

  /** What the server shows to everybody who asks. */
  private static Certificate certificateOf(URI address) throws Exception {
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, new TrustManager[] {new TrustsEverybody()}, new SecureRandom());
    try (SSLSocket socket =
        (SSLSocket) context.getSocketFactory().createSocket(address.getHost(), address.getPort())) {
      socket.startHandshake();
      return socket.getSession().getPeerCertificates()[0];
    }
  }

  @Override
  TestElasticsearch connected(RunningServer server) {
    return administrator;
  }

  @Override
  protected StoreSettings settings() {
    return as("target", USER);
  }

  private StoreSettings settings(String role, String... auth) {
    String[] common = {
      "url",
      elasticsearch.url(),
      "collection",
      collection,
      "options.caFile",
      certificates.toString()
    };
    return StoreSettings.of(
        role, Stream.concat(Arrays.stream(common), Arrays.stream(auth)).toArray(String[]::new));
  }

  private static String secret(String text) {
    try {
      return "file:" + Files.writeString(folder.resolve("secret-" + UUID.randomUUID()), text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void fill() {
    elasticsearch.create(
        collection,
        2,
        "\"mappings\":{\"properties\":{\"v\":{\"type\":\"dense_vector\",\"dims\":1,"
            + "\"similarity\":\"l2_norm\"}}}");
    elasticsearch.put(collection, Map.of("a", "{\"v\":[1]}", "b", "{\"v\":[2]}"));
  }

  private StoreSettings as(String role, String user) {
    return settings(role, "auth.username", secret(user), "auth.password", secret(PASSWORD));
  }

  private void assertNotAllowed(StoreSettings settings, String... words) {
    assertThatThrownBy(
            () -> {
              try (VectorStore store = provider().open(settings)) {
                store.assess();
                store.describe();
                store.read(store.split(1).get(0), null, 10).next();
              }
            })
        .isInstanceOfSatisfying(
            StoreException.class,
            e -> assertThat(e.failureClass()).as(e.getMessage()).isEqualTo(FailureClass.PERMISSION))
        .hasMessageContainingAll(words)
        .hasMessageNotContaining("wrong-secret");
  }

  @Test
  void whoIsNotLetInIsTold() {
    fill();
    assertNotAllowed(settings("source"), "answered 401", "Give source.auth.apiKey");
    assertNotAllowed(
        settings("source", "auth.username", secret(USER), "auth.password", secret("wrong-secret")),
        "answered 401",
        "Check the secret that source.auth refers to");
    assertNotAllowed(
        settings("source", "auth.apiKey", secret("wrong-secret:of-nobody")),
        "answered 401",
        "Check the secret that source.auth refers to");
  }

  @Test
  void aUserWhoMayReadIsEnoughForASource() {
    fill();
    try (VectorStore store = provider().open(as("source", "reader"))) {
      assertThat(store.assess()).isEmpty();
      assertThat(store.describe().rows()).isEqualTo(2);
      assertThat(store.split(1)).hasSize(1);
      try (BatchReader reader = store.read(store.split(1).get(0), null, 10)) {
        int rows = 0;
        for (RecordBatch batch = reader.next(); batch != null; batch = reader.next()) {
          rows += batch.rows();
        }
        assertThat(rows).isEqualTo(2);
      }
    }
  }

  @Test
  void aUserWhoMayNotReadIsToldWhatIsMissing() {
    fill();
    assertNotAllowed(
        as("source", "blind"),
        "is unauthorized for user [blind]",
        "The user needs the privileges read, view_index_metadata and monitor on the index");
  }

  @Test
  void aUserWhoMayNotWriteLeavesTheTargetAlone() {
    StoreSettings settings = provider().loadSettings(as("target", "reader"), STAMP.migration());
    try (VectorStore store = provider().open(settings)) {
      assertThatThrownBy(() -> store.create(schema(1), STAMP))
          .isInstanceOfSatisfying(
              StoreException.class,
              e -> assertThat(e.failureClass()).isEqualTo(FailureClass.PERMISSION))
          .hasMessageContainingAll(
              "is unauthorized for user [reader]",
              "The user needs the privileges manage, read and write on the indices");
      assertThat(store.exists()).isFalse();
    }
  }

  private void assertRefused(String user, ThrowingCallable step) {
    assertThatThrownBy(step)
        .isInstanceOfSatisfying(
            StoreException.class,
            e -> assertThat(e.failureClass()).as(e.getMessage()).isEqualTo(FailureClass.PERMISSION))
        .hasMessageContainingAll(
            "is unauthorized for user [" + user + "]",
            "The user needs the privileges manage, read and write on the indices");
  }

  @ParameterizedTest
  @EnumSource(Taken.class)
  void whoMayLoadAndNotMoveTheNameLeavesItToReaders(Taken taken) {
    makeOld(taken);
    try (VectorStore target = provider().open(as("target", "loader"));
        VectorStore load = provider().open(besideAs("loader"))) {
      NameSwitch planned = target.planSwitch(load, STAMP);
      make(besideAs("loader"), STAMP, labelled("new"));
      JsonNode before = elasticsearch.lasting(collection);

      assertRefused("loader", () -> target.switchTo(planned, STAMP));

      assertThat(elasticsearch.lasting(collection)).isEqualTo(before);
      target.switchBack(planned, STAMP);
      assertThat(load.drop(STAMP)).isTrue();
      assertThat(elasticsearch.lasting(collection)).isEqualTo(before);
      assertReads("old");
    }
  }

  private StoreSettings besideAs(String user) {
    return provider().loadBesideSettings(as("target", user), STAMP.migration());
  }

  /** What gives its name away in a switch is kept as a copy, so that this is no removal. */
  @Test
  void whoMayNotDropSwitchesAndLeavesAllThere() {
    makeOld(Taken.COLLECTION);
    try (VectorStore target = provider().open(as("target", "keeper"));
        VectorStore load = provider().open(besideAs("keeper"))) {
      JsonNode before = elasticsearch.lasting(collection);
      NameSwitch planned = target.planSwitch(load, STAMP);
      make(besideAs("keeper"), STAMP, labelled("new"));
      target.switchTo(planned, STAMP);

      assertRefused("keeper", () -> target.dropReplaced(planned, STAMP));

      assertReads("new");
      target.switchBack(planned, STAMP);
      assertThat(elasticsearch.lasting(collection)).isEqualTo(before);
      assertReads("old");
      assertRefused("keeper", () -> load.drop(STAMP));
      assertThat(load.stamp()).contains(STAMP);
      assertReads("old");
    }
  }

  /** Certificates are checked by whoever uses what was fetched. */
  private static final class TrustsEverybody extends X509ExtendedTrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
