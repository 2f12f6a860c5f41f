package io.vecferry.notification;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.vecferry.activity.Notification;
import io.vecferry.activity.NotificationTask;
import io.vecferry.plan.FailureClass;
import io.vecferry.spec.NotificationTarget;
import io.vecferry.spec.NotificationTarget.Event;
import io.vecferry.spec.SpecReader;
import io.vecferry.store.StoreException;
import io.vecferry.store.TestCertificate;
import io.vecferry.testing.HookServer;
import io.vecferry.testing.MailServer;
import io.vecferry.testing.TestAuthority;
import io.vecferry.testing.TlsProxy;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What receivers get, and what becomes of what they answer. */
@Timeout(120)
class NotificationSenderTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final ObjectMapper LENIENT =
      JsonMapper.builder()
          .enable(JsonReadFeature.ALLOW_UNQUOTED_FIELD_NAMES, JsonReadFeature.ALLOW_SINGLE_QUOTES)
          .build();
  private static final String SECRET = "geheim-4711";

  @TempDir Path folder;
  private final Notification notification =
      new Notification(
          "run-1-3",
          3,
          Event.ATTENTION,
          1,
          1_764_370_800_000L,
          "products",
          "migration-products",
          "IMPORT",
          "NEEDS_ATTENTION",
          "",
          "products: needs attention (reminder 1)",
          "It waits for: retry or rollback: IMPORT \u00e9 <a> & \"b\"\n- retry: again",
          "/archive/report.html");
  private HookServer hook;

  @BeforeEach
  void start() throws IOException {
    hook = HookServer.start();
  }

  @AfterEach
  void stop() {
    hook.close();
  }

  @Test
  void webhookGetsWhatItsTemplateSays() throws IOException {
    send(
        """
        {type: 'webhook', url: '%s', template: '{"summary": "{{title}}", "n": {{sequence}},
          "details": {"body": "{{ text }}", "dedup": "vecferry/{{migration}}"}}'}
        """
            .formatted(hook.url("/hook"))
            .replace("\n", " "));

    JsonNode body = JSON.readTree(hook.received().get(0).body());
    assertThat(body.path("summary").asText()).isEqualTo(notification.title());
    assertThat(body.path("n").isInt()).isTrue();
    assertThat(body.path("details").path("body").asText()).isEqualTo(notification.text());
    assertThat(body.path("details").path("dedup").asText()).isEqualTo("vecferry/products");
    assertThat(body).hasSize(3);
  }

  @Test
  void webhookGetsJson() throws IOException {
    String token = secret("token", SECRET + "\n");
    send("{type: 'webhook', url: '%s', auth: {bearer: '%s'}}".formatted(hook.url("/hook"), token));

    HookServer.Received request = hook.received().get(0);
    assertThat(request.path()).isEqualTo("/hook");
    assertThat(request.headers())
        .containsEntry("idempotency-key", "run-1-3")
        .containsEntry("authorization", "Bearer " + SECRET)
        .containsEntry("content-type", "application/json; charset=utf-8");
    JsonNode body = JSON.readTree(request.body());
    assertThat(body)
        .isEqualTo(
            JSON.readTree(
                """
                {"version": 1, "id": "run-1-3", "sequence": 3, "event": "attention", "reminder": 1,
                 "at": "2025-11-28T23:00:00Z", "migration": "products",
                 "workflowId": "migration-products", "phase": "IMPORT",
                 "state": "NEEDS_ATTENTION", "outcome": "",
                 "title": "products: needs attention (reminder 1)",
                 "text": "It waits for: retry or rollback: IMPORT \u00e9 <a> & \\"b\\"\\n- retry: again",
                 "report": "/archive/report.html"}
                """));
  }

  @Test
  void slackGetsAText() throws IOException {
    String url = secret("url", hook.url("/services/T0/" + SECRET));
    send("{type: 'slack', url: '%s'}".formatted(url));

    HookServer.Received request = hook.received().get(0);
    assertThat(request.path()).isEqualTo("/services/T0/" + SECRET);
    assertThat(JSON.readTree(request.body()))
        .isEqualTo(
            JSON.createObjectNode()
                .put(
                    "text",
                    "*products: needs attention (reminder 1)*\n"
                        + "It waits for: retry or rollback: IMPORT \u00e9 &lt;a&gt; &amp; \"b\"\n"
                        + "- retry: again\nReport: /archive/report.html"));
  }

  @ParameterizedTest
  @CsvSource({
    "302, INCOMPATIBLE, answered 302; redirects are not followed.",
    "400, INCOMPATIBLE, answered 400.",
    "401, PERMISSION, answered 401.",
    "404, MISSING, answered 404.",
    "408, TRANSIENT, answered 408.",
    "429, RATE_LIMITED, answered 429.",
    "500, TRANSIENT, answered 500.",
    "503, TRANSIENT, answered 503."
  })
  void answersDecideWhetherItIsTriedAgain(int status, FailureClass expected, String message)
      throws IOException {
    hook.answering(request -> status);
    String url = secret("url", hook.url("/" + SECRET + "?token=" + SECRET));
    assertFails(expected, "{type: 'slack', url: '%s'}".formatted(url), "notify[0] " + message);
    assertThat(hook.received()).hasSize(1);
  }

  @Test
  void whoeverCannotBeReachedIsTriedAgain() throws IOException {
    String url = secret("url", hook.url("/" + SECRET));
    hook.close();
    assertFails(
        FailureClass.TRANSIENT,
        "{type: 'webhook', url: '%s'}".formatted(url),
        "notify[0] cannot be reached: ConnectException");
    String nowhere = secret("url", "https://nosuchhost.invalid/" + SECRET);
    assertFails(
        FailureClass.TRANSIENT,
        "{type: 'webhook', url: '%s'}".formatted(nowhere),
        "notify[0] cannot be reached: ");
  }

  @Test
  void whoeverDoesNotAnswerIsGivenUp() throws IOException {
    try (ServerSocket silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String url = secret("url", "http://127.0.0.1:" + silent.getLocalPort() + "/" + SECRET);
      assertFails(
          FailureClass.TRANSIENT,
          "{type: 'webhook', url: '%s'}".formatted(url),
          "notify[0] did not answer within 15 seconds.");
      assertFails(
          FailureClass.TRANSIENT,
          email(silent.getLocalPort(), "tls: 'none'"),
          "notify[0]: the mail was not sent: SocketTimeoutException");
    }
  }

  @Test
  void whatASecretHoldsIsNeverShown() throws IOException {
    String noAddress = secret("url", "hooks.example.com/" + SECRET + " x");
    assertFails(
        FailureClass.INCOMPATIBLE,
        "{type: 'slack', url: '%s'}".formatted(noAddress),
        "notify[0].url: " + noAddress + " holds no http or https address");
    String open = secret("url", "http://hooks.example.com/" + SECRET);
    assertFails(
        FailureClass.INCOMPATIBLE,
        "{type: 'slack', url: '%s'}".formatted(open),
        "notify[0].url must be https, because a secret is sent there.");
    String token = secret("token", SECRET + "\r\nX-Other: 1");
    assertFails(
        FailureClass.INCOMPATIBLE,
        "{type: 'webhook', url: '%s', auth: {bearer: '%s'}}".formatted(hook.url("/"), token),
        "notify[0].auth.bearer: " + token + " holds characters that no token has.");
    assertFails(
        FailureClass.MISSING,
        "{type: 'slack', url: 'env:VECFERRY_NO_SUCH'}",
        "notify[0].url: the environment variable VECFERRY_NO_SUCH is not set on this worker.");
    assertThatThrownBy(
            () ->
                NotificationSender.check(2, target("{type: 'slack', url: 'env:VECFERRY_NO_SUCH'}")))
        .hasMessageStartingWith("notify[2].url: the environment variable");
    NotificationSender.check(0, target("{type: 'webhook', url: '%s'}".formatted(hook.url("/"))));
    assertThat(hook.received()).isEmpty();
  }

  @Test
  void mailIsSent() throws IOException {
    try (MailServer server = MailServer.open()) {
      send(email(server.port(), "tls: 'none'"));

      assertThat(server.received()).hasSize(1);
      assertThat(server.received().get(0).from()).isEqualTo("vecferry@example.com");
      assertThat(server.received().get(0).text())
          .contains("Message-ID: <run-1-3@vecferry>")
          .contains("Subject: [vecferry] products: needs attention (reminder 1)")
          .contains("From: vecferry@example.com", "To: ops@example.com, lead@example.com")
          .contains("Date: Fri, 28 Nov 2025 ")
          .contains("Auto-Submitted: auto-generated", "X-Vecferry-Event: attention")
          .contains("It waits for: retry or rollback: IMPORT ")
          .contains("Report: /archive/report.html");
    }
  }

  @Test
  void mailIsSentWithTlsFromTheFirstByte() throws Exception {
    TestAuthority authority = TestAuthority.make(folder, "ops");
    TestAuthority stranger = TestAuthority.make(folder, "stranger");
    String login =
        "tls: 'tls', auth: {username: '%s', password: '%s'}, caFile: "
            .formatted(secret("user", "vecferry"), secret("password", SECRET));
    try (MailServer server = MailServer.withLogin("vecferry", SECRET);
        TlsProxy secured =
            TlsProxy.open(
                "127.0.0.1:" + server.port(),
                authority.server("mail", "IP:127.0.0.1"),
                authority)) {
      send(email(secured.port(), login + "'" + authority.pem() + "'"));
      assertThat(server.received()).hasSize(1);
      assertFails(
          FailureClass.TRANSIENT,
          email(secured.port(), login + "'" + stranger.pem() + "'"),
          "notify[0]: the mail was not sent: SSLHandshakeException: PKIX path ");
      assertThat(server.received()).hasSize(1);
    }
  }

  @Test
  void secretsComeFromAnyPlaceThatTheWorkerKnows() throws IOException {
    send(
        "{type: 'webhook', url: '%s', auth: {bearer: 'riddle:sphinx'}}"
            .formatted(hook.url("/hook")));
    assertThat(hook.received().get(0).headers())
        .containsEntry("authorization", "Bearer answer-to-sphinx");
  }

  @Test
  void mailIsSentWithTlsAndLogin() throws Exception {
    TestCertificate certificate = TestCertificate.make(folder);
    Path authority = Files.writeString(folder.resolve("ca.pem"), certificate.pem());
    String user = secret("user", "vecferry");
    String right =
        "auth: {username: '%s', password: '%s'}".formatted(user, secret("password", SECRET));
    String trusted = ", caFile: '%s'".formatted(authority);
    try (MailServer server = MailServer.guarded(certificate.context(), "vecferry", SECRET)) {
      send(email(server.port(), right + trusted));
      assertThat(server.received()).hasSize(1);

      assertFails(
          FailureClass.TRANSIENT,
          email(server.port(), right),
          "notify[0]: the mail was not sent: ");
      String wrong =
          "auth: {username: '%s', password: '%s'}".formatted(user, secret("wrong", SECRET + "x"));
      assertFails(
          FailureClass.PERMISSION,
          email(server.port(), wrong + trusted),
          "notify[0]: the mail server refused the login: ");
      assertFails(
          FailureClass.INCOMPATIBLE,
          email(server.port(), "tls: 'none'"),
          "notify[0]: the mail server refused mail to [ops@");
      assertThat(server.received()).hasSize(1);
    }
    try (MailServer open = MailServer.open()) {
      assertFails(
          FailureClass.TRANSIENT,
          email(open.port(), right + trusted),
          "notify[0]: the mail was not sent: ");
      assertThat(open.received()).isEmpty();
    }
  }

  @Test
  void whatIsSentAgainIsTheSame() throws IOException {
    AtomicInteger requests = new AtomicInteger();
    hook.answering(request -> requests.getAndIncrement() == 0 ? 500 : 200);
    String target = "{type: 'webhook', url: '%s'}".formatted(hook.url("/hook"));
    assertFails(FailureClass.TRANSIENT, target, "notify[0] answered 500.");
    send(target);

    assertThat(hook.received().stream().map(HookServer.Received::body).distinct()).hasSize(1);
    assertThat(hook.received())
        .allSatisfy(
            request -> assertThat(request.headers()).containsEntry("idempotency-key", "run-1-3"));
  }

  private static String email(int port, String more) {
    return """
    {type: 'email', host: '127.0.0.1', port: %d, from: 'vecferry@example.com',
     to: ['ops@example.com', 'lead@example.com'], %s}
    """
        .formatted(port, more);
  }

  private String secret(String name, String text) throws IOException {
    return "file:" + Files.writeString(folder.resolve(name), text);
  }

  private void send(String target) throws IOException {
    NotificationSender.send(new NotificationTask(0, target(target), notification));
  }

  private void assertFails(FailureClass expected, String target, String message) {
    assertThatThrownBy(() -> send(target))
        .hasMessageStartingWith(message)
        .hasNoCause()
        .hasMessageNotContaining(SECRET)
        .isInstanceOfSatisfying(
            StoreException.class, e -> assertThat(e.failureClass()).isEqualTo(expected));
  }

  private static NotificationTarget target(String text) throws IOException {
    SpecReader.Result read =
        SpecReader.read(
            LENIENT.readTree(
                "{name: 'm', source: {type: 'faiss', path: 'a'}, target: {type: 'faiss', path:"
                    + " 'b'}, notify: ["
                    + text
                    + "]}"));
    assertThat(read.problems()).isEmpty();
    return read.spec().notifications().get(0);
  }
}
