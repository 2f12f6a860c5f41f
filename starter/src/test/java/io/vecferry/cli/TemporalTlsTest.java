package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.testing.RunningServer;
import io.vecferry.testing.Server;
import io.vecferry.testing.TestAuthority;
import io.vecferry.testing.TestAuthority.Identity;
import io.vecferry.testing.TlsProxy;
import io.vecferry.testing.WithServer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A Temporal service behind TLS that lets in only who shows a certificate. */
@Tag("slow")
@Timeout(180)
@WithServer(Server.TEMPORAL)
class TemporalTlsTest {
  @TempDir Path folder;

  @Test
  void workersAndCommandsShowACertificate(RunningServer temporal) throws Exception {
    TestAuthority authority = TestAuthority.make(folder, "ops");
    TestAuthority stranger = TestAuthority.make(folder, "stranger");
    Identity server = authority.server("temporal", "DNS:temporal.example.com");
    Identity own = authority.client("worker", "RSA");
    FaissFolder.write(folder.resolve("source"), 100, 4);
    Specs.write(folder, "secured", "");
    try (Service service = Service.at(temporal, folder);
        TlsProxy proxy = TlsProxy.mutual(temporal.url(), server, authority)) {
      Cli trusting =
          service
              .cli(folder)
              .with("TEMPORAL_ADDRESS", "127.0.0.1:" + proxy.port())
              .with("TEMPORAL_TLS_SERVER_NAME", "temporal.example.com")
              .with("TEMPORAL_TLS_SERVER_CA_CERT_PATH", authority.pem().toString());
      Cli cli = as(trusting, own.certificate(), own.key());
      service.startWorker(cli);
      Cli.Result run = cli.run("run", "spec.yaml");
      assertThat(run.exitCode()).as("%s", run).isZero();
      FaissFolder.assertSame(folder.resolve("source"), folder.resolve("target"));

      String place = "vecferry: The Temporal service at 127.0.0.1:" + proxy.port();
      assertRefused(
          trusting,
          place + " asks for a client certificate, and there is none (",
          "Name its file in TEMPORAL_TLS_CLIENT_CERT_PATH and that of its key in"
              + " TEMPORAL_TLS_CLIENT_KEY_PATH.");
      assertRefused(
          cli.with("TEMPORAL_TLS_SERVER_CA_CERT_PATH", stranger.pem().toString()),
          place + " shows a certificate that this worker does not trust: ",
          "is not in " + stranger.pem() + " (TEMPORAL_TLS_SERVER_CA_CERT_PATH)");
      assertRefused(
          cli.with("TEMPORAL_TLS_SERVER_NAME", "other.example.com"),
          place + " shows a certificate that is for another name: ",
          "TEMPORAL_ADDRESS");
      Path old =
          Files.writeString(
              folder.resolve("old.pem"),
              Files.readString(own.key()).replace("PRIVATE KEY", "RSA PRIVATE KEY"));
      assertRefused(
          as(trusting, own.certificate(), old),
          "vecferry: TEMPORAL_TLS_CLIENT_KEY_PATH: "
              + old
              + " holds a key in the form RSA PRIVATE KEY",
          "openssl pkcs8 -topk8 -nocrypt -in " + old);
    }
  }

  private static Cli as(Cli cli, Path certificate, Path key) {
    return cli.with("TEMPORAL_TLS_CLIENT_CERT_PATH", certificate.toString())
        .with("TEMPORAL_TLS_CLIENT_KEY_PATH", key.toString());
  }

  private static void assertRefused(Cli cli, String... words) {
    Cli.Result refused = cli.run("status", "secured");
    assertThat(refused.exitCode()).as("%s", refused).isEqualTo(1);
    assertThat(refused.err()).contains(words).doesNotContain("\tat ");
  }
}
