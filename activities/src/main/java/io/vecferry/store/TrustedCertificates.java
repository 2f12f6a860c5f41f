package io.vecferry.store;

import io.vecferry.plan.FailureClass;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/** Trust in the certificates of a file and in no others, for servers that Java does not know. */
public final class TrustedCertificates {
  private TrustedCertificates() {}

  /**
   * Managers that trust a file of certificates (PEM).
   *
   * @param field where the file is named, for messages
   * @throws StoreException MISSING when it cannot be read, INCOMPATIBLE when it holds none
   */
  public static TrustManager[] managers(String field, String file) {
    String named = field + ": " + file;
    try (InputStream in = Files.newInputStream(Path.of(file))) {
      KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null, null);
      for (Certificate certificate :
          CertificateFactory.getInstance("X.509").generateCertificates(in)) {
        store.setCertificateEntry("trusted-" + store.size(), certificate);
      }
      if (store.size() == 0) {
        throw new CertificateException("there is none");
      }
      TrustManagerFactory factory =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      factory.init(store);
      return factory.getTrustManagers();
    } catch (IOException e) {
      throw new StoreException(
          FailureClass.MISSING, named + " cannot be read on this worker: " + e.getMessage(), e);
    } catch (GeneralSecurityException e) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE,
          named + " holds no certificates in PEM: " + e.getMessage() + ".",
          e);
    }
  }

  /** The same for whatever wants to have a context of TLS. */
  public static SSLContext context(String field, String file) {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, managers(field, file), null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }
}
