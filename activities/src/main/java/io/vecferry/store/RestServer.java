package io.vecferry.store;

import io.vecferry.plan.FailureClass;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpResponse;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLException;

/**
 * A server that speaks HTTP, as far as it is about getting an answer at all. Knows nothing of what
 * is asked and answered.
 *
 * @param role {@code source} or {@code target}, for messages
 * @param url its address, without a slash at its end
 * @param timeout how long an answer may take
 */
public record RestServer(String role, URI url, Duration timeout, TlsSettings tls) {
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);
  private static final int TLS_PORT = 443;

  /** One for all stores that need no more than Java has: it keeps connections by address. */
  private static final HttpClient USUAL = builder().build();

  /**
   * What connects to it.
   *
   * @throws StoreException when a file with certificates or a key cannot be used
   */
  public HttpClient client() {
    return tls.isUsual() ? USUAL : builder().sslContext(tls.context()).build();
  }

  private static HttpClient.Builder builder() {
    return HttpClient.newBuilder()
        .version(HttpClient.Version.HTTP_1_1)
        .connectTimeout(CONNECT_TIMEOUT)
        .followRedirects(HttpClient.Redirect.NEVER);
  }

  /**
   * Waits for an answer of any status.
   *
   * @param doing what is being done, for messages
   * @throws StoreException that says why there is none
   */
  public HttpResponse<Answer> await(
      CompletableFuture<HttpResponse<Answer>> response, String doing) {
    try {
      // The request's own time limit ends with the first byte of the answer.
      return response.get(timeout.toMillis() + 1000, TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      response.cancel(true);
      throw tooLate(doing, e);
    } catch (InterruptedException e) {
      response.cancel(true);
      Thread.currentThread().interrupt();
      throw new StoreException(FailureClass.TRANSIENT, "the work was stopped while " + doing, e);
    } catch (ExecutionException e) {
      throw broken(e.getCause(), doing);
    }
  }

  private StoreException tooLate(String doing, Throwable cause) {
    return new StoreException(
        FailureClass.TRANSIENT,
        url
            + " did not answer within "
            + timeout.toSeconds()
            + " s while "
            + doing
            + ". When it only needs longer, set "
            + field("options.timeoutSeconds")
            + " higher.",
        cause);
  }

  private StoreException broken(Throwable cause, String doing) {
    if (cause instanceof HttpConnectTimeoutException) {
      return new StoreException(
          FailureClass.TRANSIENT,
          url
              + " cannot be reached within "
              + CONNECT_TIMEOUT.toSeconds()
              + " s. "
              + "Check "
              + field("url")
              + "."
              + " It may be behind a firewall.",
          cause);
    }
    if (cause instanceof java.net.http.HttpTimeoutException) {
      return tooLate(doing, cause);
    }
    if (cause instanceof ConnectException) {
      boolean unknown = cause.getCause() instanceof UnresolvedAddressException;
      return new StoreException(
          FailureClass.TRANSIENT,
          url
              + " cannot be reached: "
              + (unknown
                  ? "the host is not known here"
                  : cause.getMessage() == null
                      ? "nothing answers there"
                      : cause.getMessage().toLowerCase(Locale.ROOT))
              + ". Start the server, or correct "
              + field("url")
              + ".",
          cause);
    }
    if ("https".equals(url.getScheme())) {
      int port = url.getPort() < 0 ? TLS_PORT : url.getPort();
      Optional<StoreException> refusal =
          TlsRefusal.find(tls, url.toString(), url.getHost(), port, "");
      if (refusal.isPresent()) {
        return refusal.get();
      }
    }
    if (cause instanceof SSLException failure) {
      return new StoreException(
          FailureClass.TRANSIENT,
          url + " and this worker cannot agree on TLS: " + TlsRefusal.said(failure),
          cause);
    }
    return new StoreException(
        FailureClass.TRANSIENT,
        url
            + " broke the connection while "
            + doing
            + ": "
            + cause.getMessage()
            + ("http".equals(url.getScheme())
                ? ". If it speaks TLS, write https:// in " + field("url") + "."
                : "."),
        cause);
  }

  private String field(String key) {
    return role + "." + key;
  }
}
