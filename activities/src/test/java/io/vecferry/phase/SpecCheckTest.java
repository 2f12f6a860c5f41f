package io.vecferry.phase;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vecferry.spec.SpecProblem;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SpecCheckTest {
  private static final String SECRET = "hush-1234567890";

  private static JsonNode spec(String source) throws IOException {
    return new ObjectMapper()
        .readTree(
            "{\"name\":\"m\",\"source\":"
                + source
                + ",\"target\":{\"type\":\"faiss\",\"path\":\"/t\"}}");
  }

  /** Somebody who does not know better writes the secret itself. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "source.url | {`type`:`chroma`,`collection`:`c`,`url`:`http://ada:hush-1234567890@h:1`}",
        "source.url | {`type`:`chroma`,`collection`:`c`,`url`:`http://h:1?token=hush-1234567890`}",
        "source.url | {`type`:`chroma`,`collection`:`c`,`url`:[`hush-1234567890`]}",
        "source.auth |"
            + " {`type`:`qdrant`,`collection`:`c`,`url`:`http://h:1`,`auth`:`hush-1234567890`}",
        "source.auth |"
            + " {`type`:`qdrant`,`collection`:`c`,`url`:`http://h:1`,`auth`:[`hush-1234567890`]}",
        "source.auth.apiKey |"
            + " {`type`:`qdrant`,`collection`:`c`,`url`:`http://h:1`,`auth`:{`apiKey`:`hush-1234567890`}}",
        "source.auth.apiKey |"
            + " {`type`:`elasticsearch`,`collection`:`c`,`url`:`http://h:1`,`auth`:{`apiKey`:{`is`:`hush-1234567890`}}}",
        "source.auth.password |"
            + " {`type`:`milvus`,`collection`:`c`,`url`:`http://h:1`,`auth`:{`username`:`env:U`,`password`:`hush-1234567890`}}",
        "source.auth.token |"
            + " {`type`:`elasticsearch`,`collection`:`c`,`url`:`http://h:1`,`auth`:{`token`:`hush-1234567890`}}",
        "source.auth.bearer |"
            + " {`type`:`chroma`,`collection`:`c`,`url`:`http://h:1`,`auth`:{`bearer`:`hush-1234567890`}}"
      })
  void aSecretIsRefusedAndNotShown(String field, String source) throws IOException {
    assertThat(source).contains(SECRET);
    assertThat(SpecCheck.check(spec(source.replace('`', '"'))))
        .singleElement()
        .satisfies(problem -> assertThat(problem.toString()).startsWith(field))
        .satisfies(problem -> assertThat(problem.toString()).doesNotContain(SECRET));
  }

  @Test
  void filesOfTlsAreOfUseWithTlsOnly() throws IOException {
    String source =
        "{\"type\":\"milvus\",\"collection\":\"c\",\"url\":\"%s://h:1\",\"options\":{\"%s\":\"/ca.pem\"}}";
    assertThat(SpecCheck.check(spec(source.formatted("http", "caFile"))))
        .extracting(SpecProblem::toString)
        .containsExactly(
            "source.options: source.options.caFile: /ca.pem is for TLS, and source.url is http://h:1."
                + " Write https:// there, or leave the file out.");
    assertThat(SpecCheck.check(spec(source.formatted("https", "clientKey"))))
        .extracting(SpecProblem::toString)
        .containsExactly(
            "source.options: source.options.clientKey: /ca.pem is of no use without"
                + " source.options.clientCertificate. Name both files.");
    assertThat(SpecCheck.check(spec(source.formatted("https", "caFile")))).isEmpty();
  }

  /** Whether a place of secrets is known, can only a worker say, and the command line beside it. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "true | {`type`:`slack`,`url`:`riddle:hook`}",
        "true | {`type`:`webhook`,`url`:`https://h/`,`auth`:{`bearer`:`riddle:token`}}",
        "false | {`type`:`slack`,`url`:`vault:hush-1234567890`}",
        "false | {`type`:`slack`,`url`:`https://hooks.example.com/hush-1234567890`}",
        "false | {`type`:`webhook`,`url`:`https://h/`,`auth`:{`bearer`:`vault:hush-1234567890`}}",
        "false | {`type`:`email`,`host`:`h`,`from`:`a@b`,`to`:[`c@d`],"
            + "`auth`:{`username`:`env:U`,`password`:`vault:hush-1234567890`}}"
      })
  void notificationsTakeSecretsFromWhereStoresDo(boolean good, String target) throws IOException {
    ObjectNode spec = (ObjectNode) spec("{\"type\":\"faiss\",\"path\":\"/s\"}");
    spec.withArray("notify").add(new ObjectMapper().readTree(target.replace('`', '"')));
    List<SpecProblem> problems = SpecCheck.check(spec);
    assertThat(problems).hasSize(good ? 0 : 1);
    assertThat(problems)
        .allSatisfy(
            problem ->
                assertThat(problem.toString())
                    .startsWith("notify[0].")
                    .contains("must say where the worker finds the secret, as env:NAME")
                    .doesNotContain(SECRET));
  }
}
