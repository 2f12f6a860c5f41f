package io.vecferry.phase;

import io.vecferry.archive.Archive;
import io.vecferry.plan.Phase;
import io.vecferry.store.RequestsFound;
import io.vecferry.workflow.Payloads;
import java.util.Locale;
import java.util.Optional;

/** Says in the archive what requests were like, as the last part has found them. */
final class RequestsNote {
  private RequestsNote() {}

  private static String name(Phase phase) {
    return Archive.REPORTS + "/requests-" + phase.name().toLowerCase(Locale.ROOT) + ".json";
  }

  static void write(Archive archive, Phase phase, RequestsFound found) {
    archive.writeJson(name(phase), Payloads.MAPPER, found);
  }

  static Optional<RequestsFound> find(Archive archive, Phase phase) {
    return archive.exists(name(phase))
        ? Optional.of(archive.readJson(name(phase), Payloads.MAPPER, RequestsFound.class))
        : Optional.empty();
  }

  /** The same in words; empty when there is none. */
  static String words(Archive archive, Phase phase) {
    return find(archive, phase)
        .map(found -> found.words(phase == Phase.EXPORT ? "gave" : "took"))
        .orElse("");
  }
}
