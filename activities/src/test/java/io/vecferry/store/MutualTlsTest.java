package io.vecferry.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vecferry.plan.FailureClass;
import io.vecferry.record.IdKind;
import io.vecferry.record.RecordBatch;
import io.vecferry.store.StoreContractTest.Sample;
import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.TestAuthority;
import io.vecferry.testing.TestAuthority.Identity;
import io.vecferry.testing.TlsProxy;
import io.vecferry.testing.WithServer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Real servers behind TLS that lets in only who shows a certificate. The same holds for all. */
@Tag("slow")
@Timeout(120)
class MutualTlsTest {
  private static final LoadStamp STAMP = new LoadStamp("tls", "load-1");
  private static final String TRUST = "options.caFile";
  private static final String SHOW = "options.clientCertificate";
  private static final String KEY = "options.clientKey";

  @TempDir static Path folder;

  private static TestAuthority authority;
  private static TestAuthority stranger;
  private static Identity server;
  private static Identity elsewhere;
  private static Identity expired;
  private static Identity worker;
  private static Identity expiredWorker;
  private static Identity impostor;

  @BeforeAll
  static void makeCertificates() throws Exception {
    authority = TestAuthority.make(folder, "ops");
    stranger = TestAuthority.make(folder, "stranger");
    server = authority.server("store", "IP:127.0.0.1");
    elsewhere = authority.server("elsewhere", "DNS:store.example.com");
    expired = authority.server("expired", "IP:127.0.0.1", "-startdate", "-9d", "-validity", "2");
    worker = authority.client("worker", "RSA");
    expiredWorker = authority.client("old-worker", "EC", "-startdate", "-9d", "-validity", "2");
    impostor = stranger.client("impostor", "EC");
  }

  @Test
  void chroma(@WithServer(Server.CHROMA) RunningServer chroma) throws Exception {
    assertMutual("chroma", chroma.url());
  }

  @Test
  void elasticsearch(@WithServer(Server.ELASTICSEARCH_8) RunningServer elasticsearch)
      throws Exception {
    assertMutual("elasticsearch", elasticsearch.url());
  }

  @Test
  void milvus(@WithServer(Server.MILVUS) RunningServer milvus) throws Exception {
    assertMutual("milvus", milvus.url());
  }

  @Test
  void qdrant(@WithServer(Server.QDRANT) RunningServer qdrant) throws Exception {
    assertMutual("qdrant", qdrant.url());
  }

  private static void assertMutual(String type, String url) throws Exception {
    String[] right = {
      TRUST, authority.pem().toString(),
      SHOW, worker.certificate().toString(),
      KEY, worker.key().toString()
    };
    try (TlsProxy proxy = TlsProxy.mutual(url, server, authority)) {
      assertHoldsRecords(type, settings(type, proxy, right));

      assertRefused(
          type,
          proxy,
          new String[] {TRUST, authority.pem().toString()},
          " asks for a client certificate, and there is none (",
          "It takes those of CN=ops. Name its file in target.options.clientCertificate and that of"
              + " its key in target.options.clientKey.");
      assertRefused(
          type,
          proxy,
          new String[] {TRUST, stranger.pem().toString()},
          " shows a certificate that this worker does not trust: ",
          "The authority that signed it is not in "
              + stranger.pem()
              + " (target.options.caFile): put its certificate there.");
      assertRefused(
          type,
          proxy,
          new String[0],
          " shows a certificate that this worker does not trust: ",
          "Name the file of the authority that signed it in target.options.caFile.");
      assertRefused(
          type,
          proxy,
          as(impostor),
          " does not accept the client certificate of CN=impostor in "
              + impostor.certificate()
              + " (target.options.clientCertificate): ",
          "It takes those of CN=ops. Put one there that it accepts, with its key in "
              + impostor.key());
      assertRefused(
          type,
          proxy,
          as(expiredWorker),
          " does not accept the client certificate of CN=old-worker in ",
          " It has expired: ");
    }
    try (TlsProxy proxy = TlsProxy.mutual(url, elsewhere, authority)) {
      assertRefused(
          type,
          proxy,
          right,
          " shows a certificate that is for another name: ",
          "Write a name that it is for in target.url, or give the server one for this name.");
    }
    try (TlsProxy proxy = TlsProxy.mutual(url, expired, authority)) {
      assertRefused(
          type, proxy, right, " shows a certificate that has expired (", "Renew it there.");
    }
  }

  private static String[] as(Identity identity) {
    return new String[] {
      TRUST, authority.pem().toString(),
      SHOW, identity.certificate().toString(),
      KEY, identity.key().toString()
    };
  }

  private static StoreSettings settings(String type, TlsProxy proxy, String... options) {
    List<String> all = new ArrayList<>(List.of("url", proxy.url(), "collection", "tls_" + type));
    all.addAll(Arrays.asList(options));
    return StoreSettings.of("target", all.toArray(new String[0]));
  }

  private static void assertRefused(
      String type, TlsProxy proxy, String[] options, String... words) {
    assertThatThrownBy(
            () -> {
              try (VectorStore store = Stores.get(type).open(settings(type, proxy, options))) {
                store.exists();
              }
            })
        .isInstanceOfSatisfying(
            StoreException.class,
            e -> assertThat(e.failureClass()).as(e.getMessage()).isEqualTo(FailureClass.PERMISSION))
        .hasMessageStartingWith(proxy.url())
        .hasMessageContainingAll(words);
  }

  private static void assertHoldsRecords(String type, StoreSettings settings) {
    StoreProvider provider = Stores.get(type);
    StoreSettings load = provider.loadSettings(settings, STAMP.migration());
    List<Sample> samples =
        List.of(
            new Sample(IdKind.STRING, "a", new float[] {1, 2, 3, 4}, "one", "{\"n\":1}"),
            new Sample(IdKind.STRING, "b", new float[] {4, 3, 2, 1}, "two", "{\"n\":2}"));
    RecordBatch batch = StoreContractTest.batch(samples);
    LoadSchema schema =
        new LoadSchema(
            List.of(new VectorFieldInfo("", 4, Metric.L2, 0, "", Map.of())),
            Set.of(IdKind.STRING),
            "tls",
            2);
    try (VectorStore store = provider.open(load)) {
      store.create(schema, STAMP);
      try (BatchWriter writer = store.write("p000-000000", STAMP)) {
        writer.write(batch);
        assertThat(writer.finish()).isEmpty();
      }
      store.finishLoad(List.of("p000-000000"), STAMP);
      assertThat(store.describe().rows()).isEqualTo(2);
      assertThat(store.fetch(batch.ids()).rows()).isEqualTo(2);
    } finally {
      try (VectorStore store = provider.open(load)) {
        assertThat(store.drop(STAMP)).isTrue();
      }
    }
  }
}
