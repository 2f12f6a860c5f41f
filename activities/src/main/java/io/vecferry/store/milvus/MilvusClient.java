package io.vecferry.store.milvus;

import com.google.common.util.concurrent.ListenableFuture;
import io.milvus.grpc.GetVersionRequest;
import io.milvus.grpc.MilvusServiceGrpc;
import io.milvus.grpc.MilvusServiceGrpc.MilvusServiceBlockingStub;
import io.milvus.grpc.MilvusServiceGrpc.MilvusServiceFutureStub;
import io.milvus.grpc.Status;
import io.milvus.shaded.io.grpc.ChannelCredentials;
import io.milvus.shaded.io.grpc.Grpc;
import io.milvus.shaded.io.grpc.InsecureChannelCredentials;
import io.milvus.shaded.io.grpc.ManagedChannel;
import io.milvus.shaded.io.grpc.Metadata;
import io.milvus.shaded.io.grpc.Status.Code;
import io.milvus.shaded.io.grpc.StatusRuntimeException;
import io.milvus.shaded.io.grpc.TlsChannelCredentials;
import io.milvus.shaded.io.grpc.stub.MetadataUtils;
import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import io.vecferry.store.TlsRefusal;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import javax.net.ssl.KeyManager;
import javax.net.ssl.TrustManager;

/**
 * A connection to a server: deadlines, credentials, and what a failed call means. Calls go to the
 * generated stubs, because the client of the SDK tries again by itself, hides codes, and takes rows
 * one by one as trees of JSON. Thread-safe.
 */
final class MilvusClient implements AutoCloseable {
  private static final Duration CONNECT = Duration.ofSeconds(10);
  private static final Duration LONGEST_CALL = Duration.ofSeconds(120);

  /** Milvus lets clients ask for signs of life this often. */
  private static final Duration KEEP_ALIVE = Duration.ofSeconds(55);

  private static final Duration KEEP_ALIVE_ANSWER = Duration.ofSeconds(20);

  private final MilvusOptions options;
  private final ManagedChannel channel;
  private final MilvusServiceBlockingStub blocking;
  private final MilvusServiceFutureStub future;
  private final ServerVersion version;

  private MilvusClient(MilvusOptions options, ManagedChannel channel) {
    this.options = options;
    this.channel = channel;
    Metadata headers = new Metadata();
    if (options.token() != null) {
      headers.put(
          key("authorization"),
          Base64.getEncoder().encodeToString(options.token().getBytes(StandardCharsets.UTF_8)));
    }
    if (!options.database().isEmpty()) {
      headers.put(key("dbname"), options.database());
    }
    var interceptor = MetadataUtils.newAttachHeadersInterceptor(headers);
    this.blocking = MilvusServiceGrpc.newBlockingStub(channel).withInterceptors(interceptor);
    this.future = MilvusServiceGrpc.newFutureStub(channel).withInterceptors(interceptor);
    this.version = askVersion();
  }

  private static Metadata.Key<String> key(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }

  /**
   * Connects.
   *
   * @throws StoreException when no Milvus answers, or not to this user
   */
  static MilvusClient connect(MilvusOptions options) {
    ManagedChannel channel =
        Grpc.newChannelBuilderForAddress(options.url().getHost(), options.port(), security(options))
            .maxInboundMessageSize(Integer.MAX_VALUE)
            .keepAliveTime(KEEP_ALIVE.toSeconds(), TimeUnit.SECONDS)
            .keepAliveTimeout(KEEP_ALIVE_ANSWER.toSeconds(), TimeUnit.SECONDS)
            .disableRetry()
            .build();
    try {
      return new MilvusClient(options, channel);
    } catch (RuntimeException e) {
      channel.shutdownNow();
      throw e;
    }
  }

  private static ChannelCredentials security(MilvusOptions options) {
    if (!options.speaksTls()) {
      return InsecureChannelCredentials.create();
    }
    TlsChannelCredentials.Builder credentials = TlsChannelCredentials.newBuilder();
    TrustManager[] trusted = options.tls().trustManagers();
    if (trusted != null) {
      credentials.trustManager(trusted);
    }
    KeyManager[] own = options.tls().keyManagers();
    if (own != null) {
      credentials.keyManager(own);
    }
    return credentials.build();
  }

  private StoreException failed(String doing, StatusRuntimeException failure) {
    boolean mayBeTls = options.speaksTls() && failure.getStatus().getCode() == Code.UNAVAILABLE;
    return (mayBeTls
            ? TlsRefusal.find(
                options.tls(), options.server(), options.url().getHost(), options.port(), "h2")
            : Optional.<StoreException>empty())
        .orElseGet(() -> MilvusErrors.of(doing, options.server(), failure));
  }

  private ServerVersion askVersion() {
    String doing = "connecting to " + options.server();
    try {
      var answer =
          blocking
              .withDeadlineAfter(CONNECT.toMillis(), TimeUnit.MILLISECONDS)
              .getVersion(GetVersionRequest.getDefaultInstance());
      if (!MilvusErrors.isOk(answer.getStatus())) {
        throw MilvusErrors.of(MilvusErrors.Call.ADMINISTER, doing, answer.getStatus());
      }
      return ServerVersion.parse(answer.getVersion());
    } catch (StatusRuntimeException e) {
      throw failed(doing, e);
    }
  }

  ServerVersion version() {
    return version;
  }

  /**
   * Makes a call whose answer is a status.
   *
   * @param doing what is tried, for messages
   */
  void run(String doing, Function<MilvusServiceBlockingStub, Status> call) {
    Status status = ask(doing, call);
    if (!MilvusErrors.isOk(status)) {
      throw MilvusErrors.of(MilvusErrors.Call.ADMINISTER, doing, status);
    }
  }

  /** Makes a call whose answer holds a status. */
  <T> T get(
      MilvusErrors.Call kind,
      String doing,
      Function<MilvusServiceBlockingStub, T> call,
      Function<T, Status> statusOf) {
    T answer = ask(doing, call);
    if (!MilvusErrors.isOk(statusOf.apply(answer))) {
      throw MilvusErrors.of(kind, doing, statusOf.apply(answer));
    }
    return answer;
  }

  /** Makes a call; the caller looks at the status in the answer. */
  <T> T ask(String doing, Function<MilvusServiceBlockingStub, T> call) {
    try {
      return call.apply(blocking.withDeadlineAfter(LONGEST_CALL.toMillis(), TimeUnit.MILLISECONDS));
    } catch (StatusRuntimeException e) {
      throw failed(doing, e);
    }
  }

  /** Starts a call; see {@link #await}. */
  <T> ListenableFuture<T> start(Function<MilvusServiceFutureStub, ListenableFuture<T>> call) {
    return call.apply(future.withDeadlineAfter(LONGEST_CALL.toMillis(), TimeUnit.MILLISECONDS));
  }

  /** The answer to a call that was started. */
  <T> T await(String doing, ListenableFuture<T> answer) {
    try {
      return answer.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      answer.cancel(true);
      throw new StoreException(FailureClass.TRANSIENT, doing + ": the work was stopped.", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof StatusRuntimeException failure) {
        throw failed(doing, failure);
      }
      throw new StoreException(FailureClass.BUG, doing + ": " + e.getCause(), e.getCause());
    }
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }
}
