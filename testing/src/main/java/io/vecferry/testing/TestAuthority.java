package io.vecferry.testing;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** An authority that signs certificates for tests, by the tool of the JDK. */
public final class TestAuthority {
  private static final char[] PASSWORD = "password".toCharArray();

  private final Path folder;
  private final String name;

  /**
   * A certificate and its key.
   *
   * @param certificate file with the certificate, PEM
   * @param key file with its key, PKCS#8 in PEM
   * @param keys both, with the authority that has signed it
   */
  public record Identity(Path certificate, Path key, KeyStore keys) {

    /** What a server needs to show it; it believes those whom this authority has signed. */
    public SSLContext context(TestAuthority clients) throws GeneralSecurityException, IOException {
      KeyManagerFactory own =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      own.init(keys, PASSWORD);
      KeyStore trusted = KeyStore.getInstance("PKCS12");
      trusted.load(null, null);
      trusted.setCertificateEntry("authority", clients.certificate());
      TrustManagerFactory trust =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(trusted);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(own.getKeyManagers(), trust.getTrustManagers(), null);
      return context;
    }
  }

  private TestAuthority(Path folder, String name) {
    this.folder = folder;
    this.name = name;
  }

  /** Makes one; its files are in a folder. */
  public static TestAuthority make(Path folder, String name)
      throws IOException, InterruptedException, GeneralSecurityException {
    TestAuthority authority = new TestAuthority(folder, name);
    authority.keytool("ca", "-dname", "CN=" + name, "-ext", "bc:c");
    pem(authority.pem(), "CERTIFICATE", authority.certificate().getEncoded());
    return authority;
  }

  /** Its certificate, PEM. */
  public Path pem() {
    return folder.resolve(name + ".pem");
  }

  private Certificate certificate() throws IOException, GeneralSecurityException {
    return keys().getCertificate("ca");
  }

  /** Signs a certificate of a server. */
  public Identity server(String alias, String address, String... more)
      throws IOException, InterruptedException, GeneralSecurityException {
    return sign(alias, "EC", more, "-ext", "SAN=" + address, "-ext", "eku=serverAuth");
  }

  /** Signs a certificate of a client, whose key is RSA or EC. */
  public Identity client(String alias, String algorithm, String... more)
      throws IOException, InterruptedException, GeneralSecurityException {
    return sign(alias, algorithm, more, "-ext", "eku=clientAuth");
  }

  private Identity sign(String alias, String algorithm, String[] more, String... extensions)
      throws IOException, InterruptedException, GeneralSecurityException {
    List<String> options =
        new ArrayList<>(List.of("-dname", "CN=" + alias, "-signer", "ca", "-keyalg", algorithm));
    options.addAll(Arrays.asList(extensions));
    options.addAll(Arrays.asList(more));
    keytool(alias, options.toArray(new String[0]));
    KeyStore all = keys();
    KeyStore own = KeyStore.getInstance("PKCS12");
    own.load(null, null);
    own.setKeyEntry(alias, all.getKey(alias, PASSWORD), PASSWORD, all.getCertificateChain(alias));
    Path certificate = folder.resolve(name + "-" + alias + ".pem");
    pem(certificate, "CERTIFICATE", own.getCertificate(alias).getEncoded());
    Path key = folder.resolve(name + "-" + alias + "-key.pem");
    pem(key, "PRIVATE KEY", own.getKey(alias, PASSWORD).getEncoded());
    return new Identity(certificate, key, own);
  }

  private KeyStore keys() throws IOException, GeneralSecurityException {
    return KeyStore.getInstance(folder.resolve(name + ".p12").toFile(), PASSWORD);
  }

  private void keytool(String alias, String... options) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
    command.addAll(List.of("-genkeypair", "-alias", alias, "-storetype", "PKCS12"));
    command.addAll(List.of("-keystore", folder.resolve(name + ".p12").toString()));
    command.addAll(List.of("-storepass", new String(PASSWORD)));
    command.addAll(Arrays.asList(options));
    if (!command.contains("-keyalg")) {
      command.addAll(List.of("-keyalg", "EC"));
    }
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IOException(output);
    }
  }

  private static void pem(Path file, String what, byte[] bytes) throws IOException {
    String text = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(bytes);
    Files.writeString(
        file, "-----BEGIN " + what + "-----\n" + text + "\n-----END " + what + "-----\n");
  }
}
