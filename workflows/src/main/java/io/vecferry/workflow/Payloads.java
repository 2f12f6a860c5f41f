package io.vecferry.workflow;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.temporal.api.common.v1.Payload;
import io.temporal.client.WorkflowClientOptions;
import io.temporal.common.converter.CodecDataConverter;
import io.temporal.common.converter.DataConverter;
import io.temporal.common.converter.DefaultDataConverter;
import io.temporal.common.converter.JacksonJsonPayloadConverter;
import io.temporal.failure.ApplicationFailure;
import io.temporal.payload.codec.PayloadCodec;
import java.util.List;

/**
 * How contracts travel. A field that an older worker does not know must not stop it, so unknown
 * fields are ignored.
 */
public final class Payloads {
  /** Reads and writes the records of this module. */
  public static final ObjectMapper MAPPER =
      JacksonJsonPayloadConverter.newDefaultObjectMapper()
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS);

  /** Most bytes of one argument, result or message; the service warns above and refuses at 2 MB. */
  public static final int LARGEST = 256 << 10;

  /** Failure type when something is larger. */
  public static final String TOO_LARGE = "PayloadTooLarge";

  private Payloads() {}

  /** The converter that worker and clients have to use. */
  public static DataConverter converter() {
    return new CodecDataConverter(plain(), List.of(new SizeLimit()));
  }

  /**
   * The same with a codec, as one that encrypts; worker and clients need the same one.
   *
   * @param failures whether messages and traces of failures go through it too
   */
  public static DataConverter converter(PayloadCodec codec, boolean failures) {
    return new CodecDataConverter(plain(), List.of(codec, new SizeLimit()), failures);
  }

  /** Options with the converter that is needed, where they have none with a codec. */
  public static WorkflowClientOptions in(WorkflowClientOptions options) {
    return options.getDataConverter() instanceof CodecDataConverter
        ? options
        : WorkflowClientOptions.newBuilder(options).setDataConverter(converter()).build();
  }

  private static DataConverter plain() {
    return DefaultDataConverter.newDefaultInstance()
        .withPayloadConverterOverrides(new JacksonJsonPayloadConverter(MAPPER));
  }

  /**
   * Changes nothing. What is too large ends as a failure that says so, and not as one of the
   * service that looks like a time-out.
   */
  private static final class SizeLimit implements PayloadCodec {
    @Override
    public List<Payload> encode(List<Payload> payloads) {
      for (Payload payload : payloads) {
        int bytes = payload.getData().size();
        if (bytes > LARGEST) {
          throw ApplicationFailure.newNonRetryableFailure(
              "A payload of "
                  + bytes
                  + " bytes is larger than the "
                  + LARGEST
                  + " that may travel; it begins with: "
                  + payload.getData().substring(0, 100).toStringUtf8(),
              TOO_LARGE);
        }
      }
      return payloads;
    }

    @Override
    public List<Payload> decode(List<Payload> payloads) {
      return payloads;
    }
  }
}
