package io.vecferry.store.qdrant;

import com.google.common.util.concurrent.ListenableFuture;
import com.google.protobuf.Message;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ChannelCredentials;
import io.grpc.ClientInterceptors;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.qdrant.client.grpc.QdrantGrpc;
import io.qdrant.client.grpc.QdrantOuterClass.HealthCheckReply;
import io.qdrant.client.grpc.QdrantOuterClass.HealthCheckRequest;
import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import io.vecferry.store.TlsSettings;
import java.net.URI;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManager;
import javax.net.ssl.TrustManager;

/**
 * The way to one server. Nothing is tried again here but a read that the server asked to make
 * later. Thread-safe.
 */
final class Connection implements AutoCloseable {
  /** The default, 4 MiB, is less than many a page. */
  static final int LARGEST_ANSWER = 256 << 20;

  private static final Duration FIRST_ANSWER = Duration.ofSeconds(8);
  private static final Duration PATIENCE = Duration.ofSeconds(120);

  /**
   * Time that a read spends on waiting; activities must say in less than a minute that they live.
   */
  private static final Duration RATE_LIMIT_PATIENCE = Duration.ofSeconds(40);

  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(8);
  private static final Duration CLOSE_DEADLINE = Duration.ofSeconds(5);

  /**
   * Levels of messages in an answer: three for each level of the payload, which may have 500. The
   * default, 100, is less than servers send.
   */
  private static final int DEEPEST_ANSWER = 1600;

  private static final Metadata.Key<String> RETRY_AFTER =
      Metadata.Key.of("retry-after", Metadata.ASCII_STRING_MARSHALLER);

  private final ManagedChannel channel;
  private final Channel calls;
  private final Failures failures;
  private final ServerVersion version;

  private Connection(ManagedChannel channel, String apiKey, Failures failures) {
    this.channel = channel;
    this.failures = failures;
    if (apiKey == null) {
      calls = channel;
    } else {
      Metadata headers = new Metadata();
      headers.put(Metadata.Key.of("api-key", Metadata.ASCII_STRING_MARSHALLER), apiKey);
      calls =
          ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(headers));
    }
    version = ServerVersion.parse(health().getVersion());
  }

  /**
   * Connects and asks for the version.
   *
   * @param address {@code http} or {@code https}, host, and port or none
   * @param apiKey null for none
   * @param role {@code source} or {@code target}, for messages
   * @param largestAnswer bytes of the largest message that is taken
   */
  static Connection open(
      URI address, TlsSettings tls, String apiKey, String role, int largestAnswer) {
    Failures failures = new Failures(address, tls, role);
    ManagedChannel channel =
        Grpc.newChannelBuilderForAddress(
                address.getHost(), failures.port(), credentials(address, tls))
            .maxInboundMessageSize(largestAnswer)
            .keepAliveTime(30, TimeUnit.SECONDS)
            .keepAliveTimeout(20, TimeUnit.SECONDS)
            // Tried again is whole parts, by the workflow.
            .disableRetry()
            .userAgent("vecferry")
            .build();
    try {
      return new Connection(channel, apiKey, failures);
    } catch (RuntimeException e) {
      channel.shutdownNow();
      throw e;
    }
  }

  private static ChannelCredentials credentials(URI address, TlsSettings tls) {
    if (!"https".equals(address.getScheme())) {
      return InsecureChannelCredentials.create();
    }
    TlsChannelCredentials.Builder credentials = TlsChannelCredentials.newBuilder();
    TrustManager[] trusted = tls.trustManagers();
    if (trusted != null) {
      credentials.trustManager(trusted);
    }
    KeyManager[] own = tls.keyManagers();
    if (own != null) {
      credentials.keyManager(own);
    }
    return credentials.build();
  }

  ServerVersion version() {
    return version;
  }

  /**
   * Makes a call and waits for its answer.
   *
   * @param doing what it is for, for messages
   */
  <Q, A extends Message> A call(MethodDescriptor<Q, A> method, Q request, String doing) {
    try {
      return ClientCalls.blockingUnaryCall(calls, deep(method), options(), request);
    } catch (StatusRuntimeException e) {
      reconnectIfLost(e);
      throw failures.of(e, doing);
    }
  }

  /** As {@link #call}, for a request with records. */
  <Q, A extends Message> A write(MethodDescriptor<Q, A> method, Q request, String doing) {
    try {
      return ClientCalls.blockingUnaryCall(calls, deep(method), options(), request);
    } catch (StatusRuntimeException e) {
      reconnectIfLost(e);
      throw failures.ofWrite(e, doing);
    }
  }

  /** As {@link #call}, but waits and asks again as long as the server says that it was too soon. */
  <Q, A extends Message> A read(MethodDescriptor<Q, A> method, Q request, String doing) {
    return await(method, request, start(method, request), doing);
  }

  /** Starts a read; its answer is for {@link #await}. */
  <Q, A extends Message> ListenableFuture<A> start(MethodDescriptor<Q, A> method, Q request) {
    return ClientCalls.futureUnaryCall(calls.newCall(deep(method), options()), request);
  }

  /** The answer of a read that was started with this request. */
  <Q, A extends Message> A await(
      MethodDescriptor<Q, A> method, Q request, ListenableFuture<A> started, String doing) {
    long deadline = System.nanoTime() + RATE_LIMIT_PATIENCE.toNanos();
    long pause = 250;
    ListenableFuture<A> answer = started;
    while (true) {
      try {
        return answer.get();
      } catch (InterruptedException e) {
        answer.cancel(true);
        throw interrupted(e);
      } catch (CancellationException e) {
        throw new StoreException(FailureClass.TRANSIENT, "the work was stopped: " + doing, e);
      } catch (ExecutionException e) {
        if (!(e.getCause() instanceof StatusRuntimeException status)) {
          throw new StoreException(FailureClass.BUG, doing + ": " + e.getCause(), e.getCause());
        }
        long wait = Math.max(pause, retryAfterMillis(status));
        boolean late = System.nanoTime() + wait * 1_000_000 > deadline;
        if (!Failures.isRateLimit(status) || late) {
          reconnectIfLost(status);
          throw failures.of(status, doing);
        }
        sleep(wait);
        pause = Math.min(2 * pause, LONGEST_PAUSE.toMillis());
        answer = start(method, request);
      }
    }
  }

  /**
   * A channel that has lost its server waits up to two minutes before it tries again, and fails all
   * calls until then. The next call is to find out by itself.
   */
  private void reconnectIfLost(StatusRuntimeException e) {
    if (e.getStatus().getCode() == Status.Code.UNAVAILABLE) {
      channel.enterIdle();
    }
  }

  /** Waits a little before something is looked at again. */
  static void sleep(long millis) {
    try {
      TimeUnit.MILLISECONDS.sleep(millis);
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
  }

  @Override
  public void close() {
    channel.shutdownNow();
    try {
      channel.awaitTermination(CLOSE_DEADLINE.toSeconds(), TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private HealthCheckReply health() {
    try {
      return ClientCalls.blockingUnaryCall(
          calls,
          QdrantGrpc.getHealthCheckMethod(),
          CallOptions.DEFAULT.withDeadlineAfter(FIRST_ANSWER.toSeconds(), TimeUnit.SECONDS),
          HealthCheckRequest.getDefaultInstance());
    } catch (StatusRuntimeException e) {
      throw failures.of(e, "asking for the version");
    }
  }

  private static CallOptions options() {
    return CallOptions.DEFAULT.withDeadlineAfter(PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  @SuppressWarnings("unchecked")
  private static <Q, A extends Message> MethodDescriptor<Q, A> deep(MethodDescriptor<Q, A> method) {
    MethodDescriptor.PrototypeMarshaller<A> marshaller =
        (MethodDescriptor.PrototypeMarshaller<A>) method.getResponseMarshaller();
    return method.toBuilder(
            method.getRequestMarshaller(),
            ProtoUtils.marshallerWithRecursionLimit(
                marshaller.getMessagePrototype(), DEEPEST_ANSWER))
        .build();
  }

  private static long retryAfterMillis(StatusRuntimeException e) {
    String text = e.getTrailers() == null ? null : e.getTrailers().get(RETRY_AFTER);
    try {
      return text == null ? 0 : 1000 * Long.parseLong(text);
    } catch (NumberFormatException notSeconds) {
      return 0;
    }
  }

  private static StoreException interrupted(InterruptedException cause) {
    Thread.currentThread().interrupt();
    return new StoreException(FailureClass.TRANSIENT, "the work was stopped", cause);
  }
}
