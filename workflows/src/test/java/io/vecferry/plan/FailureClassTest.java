package io.vecferry.plan;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class FailureClassTest {
  private static final Pattern ROW = Pattern.compile("(?m)^\\| `([A-Z_]+)` \\|[^|]+\\|([^|]+)\\|");

  @Test
  void everyClassIsDocumentedWithWhatItDecides() throws IOException {
    List<MatchResult> rows =
        ROW.matcher(Files.readString(Path.of("../docs/error-handling.md"))).results().toList();

    assertThat(rows)
        .extracting(row -> row.group(1))
        .containsExactlyElementsOf(Arrays.stream(FailureClass.values()).map(Enum::name).toList());
    for (MatchResult row : rows) {
      boolean retried = row.group(2).strip().startsWith("tried again");
      assertThat(FailureClass.valueOf(row.group(1)).retryable())
          .as(row.group(1))
          .isEqualTo(retried);
    }
  }
}
