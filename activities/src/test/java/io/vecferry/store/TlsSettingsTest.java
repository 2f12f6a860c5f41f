package io.vecferry.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vecferry.plan.FailureClass;
import io.vecferry.testing.TestAuthority;
import io.vecferry.testing.TestAuthority.Identity;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.interfaces.RSAPrivateCrtKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files that are named for TLS, good and bad ones. */
@Tag("slow")
class TlsSettingsTest {
  @TempDir static Path folder;

  private static TestAuthority authority;
  private static Identity rsa;
  private static Identity ec;
  private static Identity edwards;

  @BeforeAll
  static void makeCertificates() throws Exception {
    authority = TestAuthority.make(folder, "ops");
    rsa = authority.client("rsa", "RSA");
    ec = authority.client("ec", "EC");
    edwards = authority.client("edwards", "Ed25519");
  }

  private static TlsSettings settings(String url, String... keysAndValues) {
    List<String> all = new ArrayList<>(List.of("url", url));
    all.addAll(List.of(keysAndValues));
    return TlsSettings.of(StoreSettings.of("source", all.toArray(new String[0])));
  }

  private static TlsSettings client(Path certificate, Path key) {
    return settings(
        "https://store:1",
        "options.caFile",
        authority.pem().toString(),
        "options.clientCertificate",
        certificate.toString(),
        "options.clientKey",
        key.toString());
  }

  private static void assertRefused(
      FailureClass failureClass, Path certificate, Path key, String... words) {
    assertThatThrownBy(() -> client(certificate, key).check())
        .isInstanceOfSatisfying(
            StoreException.class, e -> assertThat(e.failureClass()).isEqualTo(failureClass))
        .hasMessageContainingAll(words);
  }

  @Test
  void keysOfThreeKindsAreTaken() throws Exception {
    for (Identity identity : List.of(rsa, ec, edwards)) {
      TlsSettings settings = client(identity.certificate(), identity.key());
      settings.check();
      assertThat(settings.keyManager().getCertificateChain("client")).hasSize(1);
    }
    Path both =
        Files.writeString(
            folder.resolve("both.pem"),
            Files.readString(rsa.key()) + Files.readString(rsa.certificate()));
    client(both, both).check();
  }

  @Test
  void whatNamesNothingIsWhatJavaHas() {
    assertThat(settings("http://store:1").isUsual()).isTrue();
    assertThat(settings("https://store:1").trustManagers()).isNull();
    assertThat(settings("https://store:1").keyManagers()).isNull();
  }

  @Test
  void filesThatAreNotThere() {
    Path nothing = folder.resolve("nothing.pem");
    assertRefused(
        FailureClass.MISSING,
        nothing,
        ec.key(),
        "source.options.clientCertificate: " + nothing + " cannot be read on this worker",
        "there is no such file. Put it there, or correct the path.");
    assertRefused(
        FailureClass.MISSING,
        ec.certificate(),
        nothing,
        "source.options.clientKey: " + nothing + " cannot be read on this worker");
  }

  @Test
  void whatIsNoPem() throws Exception {
    Path text = Files.writeString(folder.resolve("text"), "nothing");
    assertRefused(
        FailureClass.INCOMPATIBLE,
        text,
        ec.key(),
        "source.options.clientCertificate: " + text + " holds no certificates in PEM");
    assertRefused(
        FailureClass.INCOMPATIBLE,
        ec.certificate(),
        ec.certificate(),
        "source.options.clientKey: "
            + ec.certificate()
            + " holds no private key in PEM: it must have a line that says BEGIN PRIVATE KEY.");
    Path damaged =
        Files.writeString(
            folder.resolve("damaged"),
            "-----BEGIN PRIVATE KEY-----\nMIIBAAAA\n-----END PRIVATE KEY-----\n");
    assertRefused(
        FailureClass.INCOMPATIBLE,
        ec.certificate(),
        damaged,
        "source.options.clientKey: " + damaged + " holds a private key that is damaged");
  }

  @Test
  void aKeyOfAnotherCertificate() throws Exception {
    Identity other = authority.client("other", "EC");
    for (Identity wrong : List.of(rsa, other)) {
      assertRefused(
          FailureClass.INCOMPATIBLE,
          ec.certificate(),
          wrong.key(),
          "source.options.clientKey: "
              + wrong.key()
              + " is not the key of the certificate in "
              + ec.certificate()
              + " (source.options.clientCertificate). Name the two files");
    }
  }

  @Test
  void keysInOtherFormsAreToBeConverted() throws Exception {
    Path old = Files.writeString(folder.resolve("old.pem"), pkcs1(rsa.key()));
    assertRefused(
        FailureClass.INCOMPATIBLE,
        rsa.certificate(),
        old,
        "source.options.clientKey: " + old + " holds a key in the form RSA PRIVATE KEY",
        "openssl pkcs8 -topk8 -nocrypt -in " + old + " -out " + old + ".pkcs8.");
    for (String form : List.of("EC", "ENCRYPTED")) {
      Path other =
          Files.writeString(
              folder.resolve(form),
              "-----BEGIN "
                  + form
                  + " PRIVATE KEY-----\nAAAA\n-----END "
                  + form
                  + " PRIVATE KEY-----\n");
      assertRefused(
          FailureClass.INCOMPATIBLE,
          ec.certificate(),
          other,
          " holds a key in the form " + form + " PRIVATE KEY");
    }
  }

  /** What PKCS#8 wraps of an RSA key: behind version, kind and the head of a string. */
  private static String pkcs1(Path key) throws Exception {
    byte[] pkcs8 =
        Base64.getMimeDecoder().decode(Files.readString(key).replaceAll("-----[A-Z ]+-----", ""));
    assertThat(KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(pkcs8)))
        .isInstanceOf(RSAPrivateCrtKey.class);
    byte[] inner = java.util.Arrays.copyOfRange(pkcs8, 26, pkcs8.length);
    return "-----BEGIN RSA PRIVATE KEY-----\n"
        + Base64.getMimeEncoder().encodeToString(inner)
        + "\n-----END RSA PRIVATE KEY-----\n";
  }

  /** So does a proxy whose server is down; that is no word about a certificate. */
  @Test
  void aServerThatJustClosesHasRefusedNothing() throws Exception {
    SSLContext context = authority.server("proxy", "ip:127.0.0.1").context(authority);
    try (SSLServerSocket server =
        (SSLServerSocket)
            context
                .getServerSocketFactory()
                .createServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      server.setWantClientAuth(true);
      CompletableFuture<Void> served =
          CompletableFuture.runAsync(
              () -> {
                try (SSLSocket socket = (SSLSocket) server.accept()) {
                  socket.startHandshake();
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              });
      TlsSettings settings = client(rsa.certificate(), rsa.key());
      assertThat(TlsRefusal.find(settings, "store", "127.0.0.1", server.getLocalPort(), ""))
          .isEmpty();
      served.get(30, TimeUnit.SECONDS);
    }
  }

  @Test
  void oneWithoutTheOther() {
    assertThatThrownBy(() -> settings("https://store:1", "options.clientKey", ec.key().toString()))
        .isInstanceOf(StoreException.class)
        .hasMessage(
            "source.options.clientKey: "
                + ec.key()
                + " is of no use without source.options.clientCertificate. Name both files.");
    assertThatThrownBy(
            () -> settings("http://store:1", "options.caFile", authority.pem().toString()))
        .isInstanceOf(StoreException.class)
        .hasMessageContaining(
            " is for TLS, and source.url is http://store:1. Write https:// there, or leave the file out.");
  }
}
