package io.vecferry.worker;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.LoggingEvent;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.vecferry.store.Secrets;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;

class LogEncoderTest {
  private static final String SECRET = "pa\"ss\\word-of-the-log-test";

  private final LoggerContext context = new LoggerContext();
  private final Logger logger = context.getLogger("io.vecferry.phase.Calls");

  private String encode(String format, Map<String, String> places, Throwable failure) {
    Secrets.hide(SECRET);
    LogEncoder encoder = new LogEncoder();
    encoder.setContext(context);
    encoder.setFormat(format);
    encoder.start();
    LoggingEvent event =
        new LoggingEvent(
            "", logger, Level.WARN, "refused {} twice\nand again", failure, new Object[] {SECRET});
    event.setMDCPropertyMap(places);
    return new String(encoder.encode(event), StandardCharsets.UTF_8);
  }

  @Test
  void aLineOfJsonIsOneObject() throws IOException {
    String line =
        encode(
            "json",
            Map.of("migration", "m", "phase", "IMPORT", "part", "p000-000001", "other", "x"),
            new IllegalStateException("with " + SECRET));

    assertThat(line.strip().lines()).hasSize(1);
    JsonNode object = new ObjectMapper().readTree(line);
    assertThat(object.path("level").asText()).isEqualTo("WARN");
    assertThat(object.path("logger").asText()).isEqualTo("io.vecferry.phase.Calls");
    assertThat(object.path("message").asText()).isEqualTo("refused (a secret) twice\nand again");
    assertThat(object.path("migration").asText()).isEqualTo("m");
    assertThat(object.path("phase").asText()).isEqualTo("IMPORT");
    assertThat(object.path("part").asText()).isEqualTo("p000-000001");
    assertThat(object.has("other")).isFalse();
    assertThat(object.path("error").asText())
        .startsWith("java.lang.IllegalStateException: with (a secret)")
        .contains("LogEncoderTest");
  }

  @Test
  void aLineForPeopleNamesThePlaceIfThereIsOne() {
    assertThat(encode("human", Map.of("phase", "IMPORT", "migration", "m"), null))
        .endsWith("WARN  i.v.phase.Calls [m IMPORT] refused (a secret) twice\nand again\n");
    assertThat(encode("human", Map.of(), null)).contains("Calls refused (a secret)");
  }
}
