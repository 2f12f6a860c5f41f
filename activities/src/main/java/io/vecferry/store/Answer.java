package io.vecferry.store;

import java.net.http.HttpHeaders;
import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;

/**
 * The bytes of an answer.
 *
 * @param bytes an array that begins with them
 * @param length how many there are
 */
public record Answer(byte[] bytes, int length) {
  /** Whatever is announced beyond this has to come before there is memory for it. */
  private static final int LARGEST_AT_ONCE = 64 << 20;

  /** As text, without the secrets that a server may repeat in it. */
  public String text() {
    return Secrets.hidden(new String(bytes, 0, length, StandardCharsets.UTF_8));
  }

  /** Gathers an answer in one array, which is made in the right size when the server tells it. */
  public static BodySubscriber<Answer> subscriber(HttpHeaders headers) {
    long announced = headers.firstValueAsLong("content-length").orElse(0);
    return new Gatherer((int) Math.min(LARGEST_AT_ONCE, Math.max(1024, announced)));
  }

  private static final class Gatherer implements BodySubscriber<Answer> {
    private final CompletableFuture<Answer> result = new CompletableFuture<>();
    private byte[] bytes;
    private int length;

    Gatherer(int size) {
      this.bytes = new byte[size];
    }

    @Override
    public CompletionStage<Answer> getBody() {
      return result;
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      subscription.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(List<ByteBuffer> buffers) {
      for (ByteBuffer buffer : buffers) {
        int needed = Math.addExact(length, buffer.remaining());
        if (needed > bytes.length) {
          bytes = Arrays.copyOf(bytes, (int) Math.min(Integer.MAX_VALUE - 16, 2L * needed));
        }
        int count = buffer.remaining();
        buffer.get(bytes, length, count);
        length += count;
      }
    }

    @Override
    public void onError(Throwable problem) {
      result.completeExceptionally(problem);
    }

    @Override
    public void onComplete() {
      result.complete(new Answer(bytes, length));
    }
  }
}
