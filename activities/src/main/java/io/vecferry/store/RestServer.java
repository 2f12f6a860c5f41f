package io.vecferry.store;

import io.vecferry.plan.FailureClass;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpResponse;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.Locale;
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
 * @param certificateRemedy what to do about a certificate that is not trusted, as a sentence
 */
public record RestServer(String role, URI url, Duration timeout, String certificateRemedy) {
  public static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);

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
    if (cause instanceof SSLException) {
      return noTls((SSLException) cause);
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

  private StoreException noTls(SSLException cause) {
    String message = String.valueOf(cause.getMessage());
    String text = message.toLowerCase(Locale.ROOT);
    if (text.contains("unrecognized ssl message") || text.contains("plaintext")) {
      return new StoreException(
          FailureClass.INCOMPATIBLE,
          url + " does not speak TLS. Write http:// in " + field("url") + ".",
          cause);
    }
    if (text.contains("pkix") || text.contains("certificat")) {
      return new StoreException(
          FailureClass.INCOMPATIBLE,
          url
              + " shows a certificate that this worker does not trust: "
              + message
              + ". "
              + certificateRemedy,
          cause);
    }
    return new StoreException(
        FailureClass.TRANSIENT, url + " and this worker cannot agree on TLS: " + message, cause);
  }

  private String field(String key) {
    return role + "." + key;
  }
}
