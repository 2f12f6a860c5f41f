package io.vecferry.notification;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vecferry.activity.Notification;
import io.vecferry.activity.NotificationTask;
import io.vecferry.plan.FailureClass;
import io.vecferry.spec.NotificationTarget;
import io.vecferry.spec.NotificationTemplate;
import io.vecferry.spec.SpecValues;
import io.vecferry.store.Secrets;
import io.vecferry.store.StoreException;
import io.vecferry.store.TlsSettings;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/** Posts notifications to webhooks: as JSON, or as Slack wants them. */
final class HttpNotifier {
  /** Version of the JSON body. */
  static final int BODY_VERSION = 1;

  /** For connection, request and answer together. */
  private static final Duration LIMIT = Duration.ofSeconds(15);

  private static final HttpClient HTTP = client(null);
  private static final ObjectMapper JSON = JsonMapper.builder().build();

  private HttpNotifier() {}

  static void send(NotificationTask task) {
    NotificationTarget target = task.target();
    URI address = address(task);
    HttpRequest.Builder request =
        HttpRequest.newBuilder(address)
            .timeout(LIMIT)
            .header("Content-Type", "application/json; charset=utf-8")
            .header("Idempotency-Key", task.notification().id())
            .POST(HttpRequest.BodyPublishers.ofString(body(task)));
    if (target.bearer() != null) {
      request.header("Authorization", "Bearer " + token(task));
    }
    int status = post(task, request.build());
    if (status / 100 != 2) {
      throw new StoreException(
          failureClass(status),
          task.field()
              + " answered "
              + status
              + (status / 100 == 3 ? "; redirects are not followed." : "."));
    }
  }

  static void check(NotificationTask task) {
    address(task);
    if (task.target().bearer() != null) {
      token(task);
    }
    client(task);
  }

  private static HttpClient client(NotificationTask task) {
    HttpClient.Builder client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(LIMIT)
            .followRedirects(HttpClient.Redirect.NEVER);
    return task == null || task.target().caFile() == null
        ? client.build()
        : client
            .sslContext(
                TlsSettings.trusting(task.field() + ".caFile", task.target().caFile()).context())
            .build();
  }

  private static URI address(NotificationTask task) {
    NotificationTarget target = task.target();
    String field = task.field() + ".url";
    boolean secret = Secrets.isReference(target.url());
    String text = secret ? Secrets.resolve(field, target.url()) : target.url();
    URI address;
    try {
      address = new URI(text);
    } catch (URISyntaxException e) {
      address = URI.create("");
    }
    if (secret) {
      // Messages about connections show parts of an address.
      Stream.of(address.getRawPath(), address.getRawQuery())
          .filter(Objects::nonNull)
          .forEach(Secrets::hide);
    }
    boolean protectedByTls = "https".equals(address.getScheme());
    if (address.getHost() == null
        || address.getRawUserInfo() != null
        || !protectedByTls && !"http".equals(address.getScheme())) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE,
          field + ": " + target.url() + " holds no http or https address without a user.");
    }
    if ((secret || target.bearer() != null)
        && !protectedByTls
        && !SpecValues.isLoopback(address.getHost())) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE, field + " must be https, because a secret is sent there.");
    }
    return address;
  }

  private static String token(NotificationTask task) {
    String field = task.field() + ".auth.bearer";
    String token = Secrets.resolve(field, task.target().bearer());
    if (!token.chars().allMatch(character -> character > ' ' && character < 0x7f)) {
      throw new StoreException(
          FailureClass.INCOMPATIBLE,
          field + ": " + task.target().bearer() + " holds characters that no token has.");
    }
    return token;
  }

  private static int post(NotificationTask task, HttpRequest request) {
    HttpClient client = task.target().caFile() == null ? HTTP : client(task);
    CompletableFuture<HttpResponse<Void>> answer =
        client.sendAsync(request, HttpResponse.BodyHandlers.discarding());
    try {
      return answer.get(LIMIT.toMillis(), TimeUnit.MILLISECONDS).statusCode();
    } catch (TimeoutException e) {
      throw tooLate(task);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof HttpTimeoutException) {
        throw tooLate(task);
      }
      throw new StoreException(
          FailureClass.TRANSIENT,
          task.field() + " cannot be reached: " + NotificationSender.said(e.getCause()) + ".");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoreException(FailureClass.TRANSIENT, task.field() + ": the worker stops.");
    } finally {
      answer.cancel(true);
    }
  }

  private static StoreException tooLate(NotificationTask task) {
    return new StoreException(
        FailureClass.TRANSIENT,
        task.field() + " did not answer within " + LIMIT.toSeconds() + " seconds.");
  }

  private static FailureClass failureClass(int status) {
    return switch (status) {
      case 401, 403, 407 -> FailureClass.PERMISSION;
      case 404, 410 -> FailureClass.MISSING;
      case 408, 425 -> FailureClass.TRANSIENT;
      case 429 -> FailureClass.RATE_LIMITED;
      default -> status / 100 == 5 ? FailureClass.TRANSIENT : FailureClass.INCOMPATIBLE;
    };
  }

  private static String body(NotificationTask task) {
    ObjectNode body = JSON.createObjectNode();
    Notification notification = task.notification();
    if (task.target().type() == NotificationTarget.Type.SLACK) {
      body.put("text", "*" + escaped(notification.title()) + "*\n" + escaped(text(notification)));
    } else {
      body.put("version", BODY_VERSION)
          .put("id", notification.id())
          .put("sequence", notification.sequence())
          .put("event", notification.event().word())
          .put("reminder", notification.reminder())
          .put("at", Instant.ofEpochMilli(notification.atMillis()).toString())
          .put("migration", notification.migration())
          .put("workflowId", notification.workflowId())
          .put("phase", notification.phase())
          .put("state", notification.state())
          .put("outcome", notification.outcome())
          .put("title", notification.title())
          .put("text", notification.text())
          .put("report", notification.report());
      if (task.target().template() != null) {
        return NotificationTemplate.fill(task.target().template(), key -> body.path(key).asText());
      }
    }
    try {
      return JSON.writeValueAsString(body);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /** What is said to people. */
  static String text(Notification notification) {
    return notification.text()
        + (notification.report().isEmpty() ? "" : "\nReport: " + notification.report());
  }

  /** Slack takes these three characters for markup. */
  private static String escaped(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }
}
