package io.vecferry.store.qdrant;

import static org.assertj.core.api.Assertions.assertThat;

import io.vecferry.record.IdKind;
import io.vecferry.store.LoadNote;
import io.vecferry.store.LoadStamp;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class IdMappingTest {
  private static final String UUID = "4d1d1a65-5215-4078-b025-e8d1dcc21d3c";

  @Test
  void whatQdrantHasStaysWhatItIs() {
    assertMapped(Set.of(IdKind.UINT64), IdKind.UINT64, "18446744073709551615", true, false);
    assertMapped(Set.of(IdKind.INT64), IdKind.INT64, "0", true, false);
    assertMapped(Set.of(IdKind.INT64), IdKind.INT64, "9223372036854775807", true, false);
    assertMapped(Set.of(IdKind.UUID), IdKind.UUID, UUID, true, false);
    assertMapped(Set.of(IdKind.STRING, IdKind.UUID), IdKind.UUID, UUID, true, false);
    assertMapped(Set.of(IdKind.INT64), IdKind.UINT64, "9223372036854775808", true, false);
  }

  @Test
  void everythingElseIsKeptAsText() {
    assertMapped(Set.of(IdKind.STRING), IdKind.STRING, "1", false, false);
    assertMapped(Set.of(IdKind.STRING), IdKind.STRING, "", false, false);
    assertMapped(Set.of(IdKind.STRING), IdKind.STRING, UUID, false, false);
    assertMapped(Set.of(IdKind.INT64), IdKind.INT64, "-1", false, false);
    assertMapped(Set.of(IdKind.UUID), IdKind.UUID, UUID.toUpperCase(), false, true);
    assertMapped(Set.of(IdKind.UINT64), IdKind.STRING, "7", false, true);
    assertMapped(Set.of(IdKind.UINT64), IdKind.STRING, "07", false, false);
    assertMapped(Set.of(IdKind.STRING), IdKind.INT64, "7", false, true);
    assertMapped(Set.of(IdKind.INT64), IdKind.UINT64, "7", false, true);
    assertMapped(Set.of(IdKind.INT64, IdKind.UINT64), IdKind.INT64, "7", false, true);
    assertMapped(Set.of(IdKind.INT64, IdKind.UINT64), IdKind.UINT64, "7", true, false);
  }

  private static void assertMapped(
      Set<IdKind> held, IdKind kind, String text, boolean own, boolean keepsKind) {
    IdMapping mapping = mapping(held);
    IdMapping.Mapped mapped = mapping.map(kind, text);
    assertThat(mapped.keepsText()).isEqualTo(!own);
    assertThat(mapped.keepsKind()).isEqualTo(keepsKind);
    if (own) {
      assertThat(mapped.key()).hasToString(text);
    }
    String keptText = mapped.keepsText() ? text : null;
    IdKind keptKind = mapped.keepsKind() ? kind : null;
    assertThat(mapping.kindOf(mapped.key(), keptText, keptKind)).isEqualTo(kind);
  }

  @Test
  void differentIdsNeverMeet() {
    for (Set<IdKind> held :
        List.of(
            Set.<IdKind>of(),
            Set.of(IdKind.STRING),
            Set.of(IdKind.INT64),
            Set.of(IdKind.values()))) {
      IdMapping mapping = mapping(held);
      Map<PointKey, String> seen = new HashMap<>();
      for (IdKind kind : IdKind.values()) {
        for (String text : List.of("1", "01", "-1", "18446744073709551615", UUID, "x", "int64:1")) {
          assertThat(seen.put(mapping.map(kind, text).key(), kind + text)).isNull();
        }
      }
    }
  }

  /** Whoever knows the namespace finds a record by its id, today and in ten years. */
  @Test
  void theMappingOfTextsNeverChanges() {
    assertThat(mapping(Set.of(IdKind.STRING)).map(IdKind.STRING, "row-1").key())
        .hasToString("33f1e888-6cf4-5d5a-9bd0-bd62a34c0ed4");
  }

  @Test
  void nativeCollectionsHaveUnsignedNumbersAndUuids() {
    IdMapping mapping = new IdMapping(null);
    assertThat(mapping.kindOf(PointKey.ofNumber(5), null, null)).isEqualTo(IdKind.UINT64);
    assertThat(mapping.kindOf(PointKey.parse(UUID), null, null)).isEqualTo(IdKind.UUID);
  }

  private static IdMapping mapping(Set<IdKind> held) {
    return new IdMapping(new LoadNote(new LoadStamp("m", "l"), held, Map.of()));
  }
}
