package io.vecferry.store.qdrant;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import io.vecferry.plan.FailureClass;
import io.vecferry.store.StoreException;
import java.net.URI;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Texts are those of the servers and of gRPC. */
class FailuresTest {
  private final Failures failures =
      new Failures(URI.create("http://store:6334"), QdrantTests.USUAL_TLS, "target");

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          RESOURCE_EXHAUSTED | Rate limiting exceeded: Write rate limit exceeded: Operation requires 500 tokens but only 3.0 were available. Retry after 5s | RATE_LIMITED
          RESOURCE_EXHAUSTED | Rate limiting exceeded: Write rate limit exceeded, request larger than rate limiter capacity, please try to split your request | TOO_LARGE
          RESOURCE_EXHAUSTED | gRPC message exceeds maximum size 4194304: 5000000 | TOO_LARGE
          RESOURCE_EXHAUSTED | SERVER: Received message larger than max (5000000 vs. 4194304) | TOO_LARGE
          RESOURCE_EXHAUSTED | the quota of this account is used up | RESOURCE_EXHAUSTED
          OUT_OF_RANGE | Error, decoded message length too large: found 5 bytes, the limit is: 4 bytes | TOO_LARGE
          UNKNOWN | HTTP status code 413 | TOO_LARGE
          INVALID_ARGUMENT | Bad request: Limit exceeded 2000 > 1000 for "upsert limit". Help: Reduce the "upsert limit" parameter to or below 1000. | TOO_LARGE
          INVALID_ARGUMENT | Bad request: Limit exceeded 2000 > 1000 for "hnsw_ef". Help: Reduce the "hnsw_ef" parameter to or below 1000. | INCOMPATIBLE
          INVALID_ARGUMENT | Bad request: Index required but not found for "x" of one of the following types: [keyword]. Help: Create an index for this key or use a different filter. | INCOMPATIBLE
          INVALID_ARGUMENT | Bad request: Disk usage is at 97% of total capacity, exceeding the configured limit of 95%. Help: Reduce disk usage. | RESOURCE_EXHAUSTED
          INVALID_ARGUMENT | Wrong input: Vector dimension error: expected dim: 4, got 3 | BAD_RECORD
          INTERNAL | Service internal error: No space left on device: WAL buffer size exceeds available disk space | RESOURCE_EXHAUSTED
          INTERNAL | Service internal error: task panicked | TRANSIENT
          UNAUTHENTICATED | Invalid API key or JWT | PERMISSION
          PERMISSION_DENIED | Forbidden: Access to collection products is required | PERMISSION
          NOT_FOUND | Not found: Collection `x` doesn't exist! | MISSING
          ALREADY_EXISTS | Wrong input: Collection `x` already exists! | TARGET_CHANGED
          UNAVAILABLE | Shard temporarily unavailable: recovering | TRANSIENT
          DEADLINE_EXCEEDED | Timeout: Operation 'Scroll' timed out after 60 seconds | TRANSIENT
          FAILED_PRECONDITION | Storage locked: snapshot | TRANSIENT
          """)
  void classifies(Status.Code code, String text, FailureClass expected) {
    assertThat(of(code, text).failureClass()).isEqualTo(expected);
  }

  @Test
  void namesPlaceWorkAndText() {
    assertThat(of(Status.Code.INVALID_ARGUMENT, "Wrong input: x"))
        .hasMessage("Qdrant at http://store:6334: writing: Wrong input: x");
    assertThat(of(Status.Code.UNAUTHENTICATED, "Invalid API key or JWT"))
        .hasMessage(
            "Qdrant at http://store:6334 refuses: Invalid API key or JWT. Check target.auth.apiKey;"
                + " it names where the worker finds the key, as env:QDRANT_API_KEY.");
    assertThat(of(Status.Code.PERMISSION_DENIED, "Forbidden"))
        .hasMessage(
            "Qdrant at http://store:6334 does not allow writing: Forbidden. Use a key with the"
                + " rights for it in target.auth.apiKey.");
    assertThat(of(Status.Code.UNIMPLEMENTED, "unknown service qdrant.Points"))
        .hasMessage(
            "Qdrant at http://store:6334 does not know the call for writing (unknown service"
                + " qdrant.Points). It must be a Qdrant server, 1.10 or newer.");
    assertThat(of(Status.Code.UNIMPLEMENTED, "HTTP status code 404\ninvalid content-type: null"))
        .hasMessage(
            "http://store:6334 is a web server and no gRPC API (HTTP status code 404). Give the port"
                + " of Qdrant's gRPC API in target.url, usually 6334 (6333 is REST).");
  }

  @Test
  void aRefusedReadIsNoBadRecord() {
    StoreException refused = failures.of(Status.INVALID_ARGUMENT.asRuntimeException(), "reading");
    assertThat(refused.failureClass()).isEqualTo(FailureClass.INCOMPATIBLE);
    assertThat(refused).hasMessage("Qdrant at http://store:6334: reading: INVALID_ARGUMENT");
  }

  private StoreException of(Status.Code code, String text) {
    return failures.ofWrite(code.toStatus().withDescription(text).asRuntimeException(), "writing");
  }
}
