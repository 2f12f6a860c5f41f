package io.vecferry.phase;

import io.vecferry.archive.Archive;
import io.vecferry.plan.Phase;
import io.vecferry.store.RequestsFound;
import io.vecferry.store.StoreException;
import io.vecferry.workflow.Payloads;
import java.util.Locale;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says in the archive what requests were like, as this process has found them. Nothing depends on
 * it: what cannot be written or read is left out.
 */
final class RequestsNote {
  private static final Logger LOG = LoggerFactory.getLogger(RequestsNote.class);

  private RequestsNote() {}

  private static String name(Phase phase) {
    return Archive.REPORTS + "/requests-" + phase.name().toLowerCase(Locale.ROOT) + ".json";
  }

  /**
   * Keeps it.
   *
   * @return what is kept, in words; empty when this process has done no part of the phase, and no
   *     other one has kept anything
   */
  static String keep(Workspace workspace, Phase phase) {
    Archive archive = workspace.archive();
    try {
      workspace
          .requests(phase)
          .ifPresent(found -> archive.writeJson(name(phase), Payloads.MAPPER, found));
    } catch (StoreException e) {
      LOG.warn("what requests were like is not kept: {}", e.getMessage());
    }
    return find(archive, phase)
        .map(found -> found.words(phase == Phase.EXPORT ? "gave" : "took"))
        .orElse("");
  }

  static Optional<RequestsFound> find(Archive archive, Phase phase) {
    try {
      return archive.exists(name(phase))
          ? Optional.of(archive.readJson(name(phase), Payloads.MAPPER, RequestsFound.class))
          : Optional.empty();
    } catch (StoreException e) {
      LOG.warn("what requests were like is left out: {}", e.getMessage());
      return Optional.empty();
    }
  }
}
