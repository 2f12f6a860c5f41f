package io.vecferry.spec;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StoreSpecTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{type: faiss, path: /data/b} | faiss /data/b",
        "{type: faiss, path: /data/./x/../b/} | faiss /data/b",
        "{type: faiss, path: /data//b} | faiss /data/b",
        "{type: faiss, path: ./b} | faiss b",
        "{type: faiss, path: /} | faiss /",
        "{type: qdrant, url: 'http://LOCALHOST:6334/', collection: Products}"
            + " | qdrant http://127.0.0.1:6334 Products",
        "{type: chroma, url: 'http://h:8000', collection: c, tenant: default_tenant, database: d}"
            + " | chroma http://h:8000 d c",
        "{type: milvus, url: 'http://h:1', database: default, collection: c} | milvus http://h:1 c"
      })
  void oneTargetHasOneAddress(String target, String address) throws IOException {
    assertThat(spec(target).address()).isEqualTo(address);
  }

  @Test
  void aLongAddressIsCutAndStaysDistinct() throws IOException {
    String first = spec("{type: faiss, path: /" + "x".repeat(300) + "1}").address();
    String second = spec("{type: faiss, path: /" + "x".repeat(300) + "2}").address();

    assertThat(first).hasSizeLessThanOrEqualTo(200).isNotEqualTo(second);
  }

  private static StoreSpec spec(String target) throws IOException {
    ObjectMapper lenient =
        new ObjectMapper()
            .enable(com.fasterxml.jackson.core.JsonParser.Feature.ALLOW_UNQUOTED_FIELD_NAMES)
            .enable(com.fasterxml.jackson.core.JsonParser.Feature.ALLOW_SINGLE_QUOTES);
    String quoted = target.replaceAll(": ([^'{}, ]+)", ": '$1'");
    return SpecReader.read(
            lenient.readTree(
                "{name: 'x', source: {type: 'faiss', path: 's'}, target: " + quoted + "}"))
        .spec()
        .target();
  }
}
