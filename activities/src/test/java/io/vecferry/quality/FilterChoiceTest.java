package io.vecferry.quality;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.record.TextColumn;
import io.vecferry.store.TextFilter;
import org.junit.jupiter.api.Test;

class FilterChoiceTest {
  @Test
  void onlyKeysOfTextsAreChosen() {
    FilterChoice choice = new FilterChoice();
    TextColumn.Builder metadata = new TextColumn.Builder(12);
    for (int row = 0; row < 12; row++) {
      String text = row % 3 == 0 ? "\"blue\"" : "\"red\"";
      metadata.add(
          "{\"plain\":%s,\"list\":%s,\"number\":%s%s}"
              .formatted(
                  row == 5 ? "null" : text,
                  row == 4 ? "[\"red\",\"blue\"]" : text,
                  row == 11 ? "7" : text,
                  row == 0 ? "" : ",\"absent\":" + text));
    }
    choice.add(metadata.build());
    assertThat(choice.best(9))
        .containsExactlyInAnyOrder(new TextFilter("plain", "red"), new TextFilter("absent", "red"));
  }
}
