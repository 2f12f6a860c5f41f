package io.vecferry.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.vecferry.phase.SpecCheck;
import io.vecferry.testing.SpecSchemaFile;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
@Tag("slow")
class InitTest {
  @TempDir Path folder;

  private final ByteArrayOutputStream asked = new ByteArrayOutputStream();

  /** What somebody types, one answer in a line. */
  private void answer(Path file, String answers) {
    InitCommand init = new InitCommand();
    init.output = file;
    init.write(
        InitCommand.person(
            new BufferedReader(new StringReader(answers)),
            new PrintStream(asked, true, StandardCharsets.UTF_8)));
  }

  @Test
  void asksUntilTheAnswersAreRight() throws IOException {
    Path file = folder.resolve("products.yaml");
    answer(
        file,
        """
        chrom
        Chroma
        localhost:8000
        http://localhost:8000
        products
        token
        hush-1234567890
        env:CHROMA_TOKEN
        milvus
        http://localhost:19530

        vectors

        products
        """);
    JsonNode spec = new YAMLMapper().readTree(file.toFile());
    assertThat(spec.at("/source/auth/token").asText()).isEqualTo("env:CHROMA_TOKEN");
    assertThat(spec.at("/target/collection").asText()).isEqualTo("vectors");
    assertThat(spec.path("target").has("auth")).isFalse();
    assertThat(SpecCheck.check(spec)).isEmpty();
    assertThat(SpecSchemaFile.read().problems(spec)).isEmpty();
    assertThat(asked.toString(StandardCharsets.UTF_8))
        .contains("Did you mean 'chroma'?", "Must be an address such as", "Never give the secret")
        .doesNotContain("hush");
    assertThat(Files.readString(file)).doesNotContain("hush");
  }

  /** What is in comments can be taken as it is. */
  @Test
  void commentsAreKeysWithTheirDefaults() throws IOException {
    Path file = folder.resolve("x.yaml");
    answer(file, "faiss\na\nfaiss\nb\nx\n");
    String text = Files.readString(file).replaceAll("(?m)^#(?=[a-z]+: \\{)", "");
    text = text.replace("  # ifExists", "  ifExists");
    ObjectNode spec = (ObjectNode) new YAMLMapper().readTree(text);
    assertThat(spec.fieldNames()).toIterable().hasSizeGreaterThan(8);
    assertThat(spec.at("/target/ifExists").asText()).isEqualTo("fail");
    assertThat(SpecCheck.check(spec)).isEmpty();
    assertThat(SpecSchemaFile.read().problems(spec)).isEmpty();
  }

  @Test
  void anArchiveMayBeTheSource() throws IOException {
    Path file = folder.resolve("x.yaml");
    answer(file, "archive\ns3://bucket/archives/products\n\nfaiss\nb\nx\n");
    JsonNode spec = new YAMLMapper().readTree(file.toFile());
    assertThat(spec.at("/source/path").asText()).isEqualTo("s3://bucket/archives/products");
    assertThat(SpecCheck.check(spec)).isEmpty();
  }

  @Test
  void overwritesNothingAndWritesNothingHalf() throws IOException {
    Path file = Files.writeString(folder.resolve("x.yaml"), "mine");
    assertThatThrownBy(() -> answer(file, "faiss\na\nfaiss\nb\nx\n"))
        .isInstanceOf(UserError.class)
        .hasMessageContaining("is there already");
    assertThat(file).hasContent("mine");
    Path other = folder.resolve("y.yaml");
    assertThatThrownBy(() -> answer(other, "faiss\na\n")).isInstanceOf(UserError.class);
    assertThatThrownBy(() -> answer(other, "faiss\na\nfaiss\nb\n../up\n"))
        .isInstanceOf(UserError.class)
        .hasMessageContaining("name: must be 1 to 100 of the characters");
    assertThat(other).doesNotExist();
  }

  /** A script says all in options; the rest is as by hand. */
  @Test
  void needsNoTerminal() {
    Cli.Result lacking = Cli.in(folder).run("init", "--source", "faiss");
    assertThat(lacking.exitCode()).isEqualTo(1);
    assertThat(lacking.err()).contains("init needs --source-address");
    Path source = Cli.home().resolve("examples/fortunes/langchain");
    Cli.Result written =
        Cli.in(folder)
            .run(
                "init",
                "--source=faiss",
                "--source-address=" + source,
                "--target=faiss",
                "--target-address=migrated",
                "--name=fortunes",
                "--output=spec.yaml");
    assertThat(written.out()).contains("Next: vecferry plan spec.yaml");
    Cli.Result plan = Cli.in(folder).run("plan", "spec.yaml");
    assertThat(plan.exitCode()).as("%s", plan).isZero();
    assertThat(Cli.in(folder).run("list").out()).contains("No migration.");

    assertThat(Cli.in(folder).run("run", "spec.yaml").exitCode()).isZero();
    assertThat(Cli.in(folder).run("list", "--store", "LangChain", "--since", "1d").out())
        .matches("(?s)fortunes +MIGRATED +FINALIZE +100% .*langchain -> .*migrated\\R");
  }
}
