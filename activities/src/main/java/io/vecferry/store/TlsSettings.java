package io.vecferry.store;

import io.vecferry.plan.FailureClass;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.SignatureException;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedKeyManager;

/**
 * Whom this worker trusts when it connects by TLS, and how it shows who it is. The same for all
 * that is reached so. Files are read whenever they are needed, so that they can be renewed.
 *
 * @param authority file with the certificates to trust instead of those that Java trusts
 * @param certificate file with the client certificate, and with those between it and its authority
 * @param key file with the key of the client certificate, PKCS#8 without a password
 * @param address field with the address, for messages
 * @param plain what to do when the server has no TLS, as a sentence
 */
public record TlsSettings(
    PemFile authority, PemFile certificate, PemFile key, String address, String plain) {

  /** Keys of a store that say which files of the worker are read for it. */
  public static final List<StoreOption> OPTIONS =
      List.of(
          option(
              "options.caFile",
              "File on the worker with the certificates (PEM) to trust, when Java's are not right."),
          option(
              "options.clientCertificate",
              "File on the worker with the certificate (PEM) that it shows to the server."),
          option(
              "options.clientKey",
              "File on the worker with the key of that certificate (PEM, PKCS#8)."));

  private static final long LARGEST_FILE = 1 << 20;
  private static final List<String> KEY_ALGORITHMS = List.of("RSA", "EC", "EdDSA");
  private static final Pattern PRIVATE_KEY =
      Pattern.compile("-----BEGIN ((?:[A-Z0-9]+ )*)PRIVATE KEY-----(.*?)-----END", Pattern.DOTALL);

  /**
   * A file that may be named.
   *
   * @param field where it is named, for messages
   * @param path null when it is not
   */
  public record PemFile(String field, String path) {
    boolean isNamed() {
      return path != null;
    }

    @Override
    public String toString() {
      return field + ": " + path;
    }
  }

  /**
   * @throws StoreException INCOMPATIBLE when only one of certificate and key is named
   */
  public TlsSettings {
    if (certificate.isNamed() != key.isNamed()) {
      PemFile there = certificate.isNamed() ? certificate : key;
      PemFile missing = certificate.isNamed() ? key : certificate;
      throw unusable(there, "is of no use without " + missing.field() + ". Name both files");
    }
  }

  /**
   * What a section of a spec says.
   *
   * @throws StoreException INCOMPATIBLE when it names a file and its address is not https
   */
  public static TlsSettings of(StoreSettings settings) {
    List<PemFile> files =
        OPTIONS.stream()
            .map(
                option ->
                    new PemFile(
                        settings.role() + "." + option.path(),
                        settings.text(option.path()).orElse(null)))
            .toList();
    String address = settings.role() + ".url";
    String url = settings.text("url", "");
    for (PemFile file : files) {
      if (file.isNamed() && url.startsWith("http:")) {
        throw unusable(
            file,
            "is for TLS, and "
                + address
                + " is "
                + url
                + ". Write https:// there, or leave the file out");
      }
    }
    return new TlsSettings(
        files.get(0), files.get(1), files.get(2), address, "Write http:// in " + address + ".");
  }

  /**
   * Trust in a file only.
   *
   * @param field where it is named, for messages
   */
  public static TlsSettings trusting(String field, String file) {
    PemFile none = new PemFile("", null);
    return new TlsSettings(new PemFile(field, file), none, none, "", "");
  }

  /** Options of a store whose server can be reached by TLS. */
  public static List<StoreOption> optionsWith(List<StoreOption> others) {
    return Stream.concat(others.stream(), OPTIONS.stream()).toList();
  }

  private static StoreOption option(String path, String description) {
    return new StoreOption(path, StoreOption.Kind.TEXT, false, "", description);
  }

  /** Whether nothing is other than Java has it. */
  boolean isUsual() {
    return !authority.isNamed() && !certificate.isNamed();
  }

  /**
   * Reads all files.
   *
   * @throws StoreException MISSING when one cannot be read, INCOMPATIBLE when it cannot be used
   */
  public void check() {
    trustManagers();
    keyManagers();
  }

  /**
   * Who is trusted; null for those that Java trusts.
   *
   * @throws StoreException as {@link #check}
   */
  public TrustManager[] trustManagers() {
    if (!authority.isNamed()) {
      return null;
    }
    try {
      KeyStore store = emptyStore();
      for (Certificate trusted : certificates(authority)) {
        store.setCertificateEntry("trusted-" + store.size(), trusted);
      }
      TrustManagerFactory factory =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      factory.init(store);
      return factory.getTrustManagers();
    } catch (GeneralSecurityException | IOException e) {
      throw unusable(authority, "cannot be used: " + e.getMessage());
    }
  }

  /**
   * What this worker shows; null for nothing.
   *
   * @throws StoreException as {@link #check}
   */
  public KeyManager[] keyManagers() {
    X509ExtendedKeyManager manager = keyManager();
    return manager == null ? null : new KeyManager[] {manager};
  }

  X509ExtendedKeyManager keyManager() {
    if (!certificate.isNamed()) {
      return null;
    }
    Certificate[] chain = certificates(certificate).toArray(new Certificate[0]);
    PrivateKey secret = privateKey();
    try {
      requireFits(secret, chain[0].getPublicKey());
      char[] none = {};
      KeyStore store = emptyStore();
      store.setKeyEntry("client", secret, none, chain);
      KeyManagerFactory factory =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      factory.init(store, none);
      return (X509ExtendedKeyManager) factory.getKeyManagers()[0];
    } catch (GeneralSecurityException | IOException e) {
      throw unusable(certificate, "cannot be used: " + e.getMessage());
    }
  }

  /**
   * Both, as a context of TLS.
   *
   * @throws StoreException as {@link #check}
   */
  public SSLContext context() {
    return context(keyManagers());
  }

  SSLContext context(KeyManager[] keys) {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(keys, trustManagers(), null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The client certificate itself. */
  X509Certificate ownCertificate() {
    return (X509Certificate) certificates(certificate).iterator().next();
  }

  private static KeyStore emptyStore() throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    return store;
  }

  private static Collection<? extends Certificate> certificates(PemFile file) {
    try {
      Collection<? extends Certificate> certificates =
          CertificateFactory.getInstance("X.509")
              .generateCertificates(new ByteArrayInputStream(certificateText(read(file))));
      if (certificates.isEmpty()) {
        throw new CertificateException("there is none");
      }
      return certificates;
    } catch (CertificateException e) {
      throw unusable(
          file,
          "holds no certificates in PEM: "
              + e.getMessage()
              + ". It must have lines that say BEGIN CERTIFICATE");
    }
  }

  /** A file may also hold the key, which the reader of certificates does not want to see. */
  private static byte[] certificateText(String text) {
    return PRIVATE_KEY.matcher(text).find()
        ? Pattern.compile("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", Pattern.DOTALL)
            .matcher(text)
            .results()
            .map(result -> result.group() + "\n")
            .reduce("", String::concat)
            .getBytes(StandardCharsets.ISO_8859_1)
        : text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private PrivateKey privateKey() {
    Matcher pem = PRIVATE_KEY.matcher(read(key));
    if (!pem.find()) {
      throw unusable(
          key, "holds no private key in PEM: it must have a line that says BEGIN PRIVATE KEY");
    }
    if (!pem.group(1).isEmpty()) {
      throw unusable(
          key,
          "holds a key in the form "
              + pem.group(1)
              + "PRIVATE KEY, and must hold one in PKCS#8 without a password (PRIVATE KEY). Convert"
              + " it: openssl pkcs8 -topk8 -nocrypt -in "
              + key.path()
              + " -out "
              + key.path()
              + ".pkcs8");
    }
    byte[] encoded;
    try {
      encoded = Base64.getMimeDecoder().decode(pem.group(2));
    } catch (IllegalArgumentException e) {
      throw unusable(key, "holds a private key that is damaged: it is not base 64");
    }
    for (String algorithm : KEY_ALGORITHMS) {
      try {
        return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(encoded));
      } catch (InvalidKeySpecException e) {
        continue;
      } catch (GeneralSecurityException e) {
        throw new IllegalStateException(e);
      }
    }
    throw unusable(
        key,
        "holds a private key that is damaged or of a kind that is not known: it must be one of "
            + String.join(", ", KEY_ALGORITHMS));
  }

  private void requireFits(PrivateKey secret, PublicKey known) throws GeneralSecurityException {
    boolean fits = secret.getAlgorithm().equals(known.getAlgorithm());
    if (fits) {
      String algorithm =
          switch (secret.getAlgorithm()) {
            case "RSA" -> "SHA256withRSA";
            case "EC" -> "SHA256withECDSA";
            default -> "EdDSA";
          };
      byte[] text = {1, 2, 3};
      try {
        Signature signature = Signature.getInstance(algorithm);
        signature.initSign(secret);
        signature.update(text);
        byte[] signed = signature.sign();
        signature.initVerify(known);
        signature.update(text);
        fits = signature.verify(signed);
      } catch (InvalidKeyException | SignatureException e) {
        fits = false;
      }
    }
    if (!fits) {
      throw unusable(
          key,
          "is not the key of the certificate in "
              + certificate.path()
              + " ("
              + certificate.field()
              + "). Name the two files that were made together; the client certificate has to be the"
              + " first of its file");
    }
  }

  private static String read(PemFile file) {
    try {
      Path path = Path.of(file.path());
      if (Files.size(path) > LARGEST_FILE) {
        throw unusable(file, "is too large: more than " + LARGEST_FILE + " bytes");
      }
      return Files.readString(path, StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      String reason =
          e instanceof NoSuchFileException
              ? "there is no such file"
              : e instanceof AccessDeniedException ? "its user may not read it" : e.getMessage();
      throw new StoreException(
          FailureClass.MISSING,
          file
              + " cannot be read on this worker: "
              + reason
              + ". Put it there, or correct the path.",
          e);
    }
  }

  private static StoreException unusable(PemFile file, String problem) {
    return new StoreException(FailureClass.INCOMPATIBLE, file + " " + problem + ".");
  }
}
