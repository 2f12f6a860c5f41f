package io.vecferry.phase;

import io.vecferry.archive.Archive;
import io.vecferry.plan.Phase;
import io.vecferry.store.RequestsFound;
import io.vecferry.store.StoreException;
import io.vecferry.workflow.Payloads;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says in the archive what requests were like, as this process has found them. Nothing depends on
 * it: what cannot be written or read is left out.
 */
final class RequestsNote {
  private static final Logger LOG = LoggerFactory.getLogger(RequestsNote.class);
  private static final Set<Phase> KEPT = EnumSet.of(Phase.EXPORT, Phase.IMPORT);

  private RequestsNote() {}

  private static String name(Phase phase) {
    return Archive.REPORTS + "/requests-" + phase.name().toLowerCase(Locale.ROOT) + ".json";
  }

  /** Keeps what this process knows; what another one has kept when it knows nothing. */
  static Optional<RequestsFound> keep(Workspace workspace, Phase phase) {
    Archive archive = workspace.archive();
    Optional<RequestsFound> found = workspace.requests(phase);
    try {
      found.ifPresent(known -> archive.writeJson(name(phase), Payloads.MAPPER, known));
    } catch (StoreException e) {
      LOG.warn("what requests were like is not kept: {}", e.getMessage());
    }
    return found.isPresent() ? found : find(archive, phase);
  }

  /** What is kept of a phase. */
  static Optional<RequestsFound> find(Archive archive, Phase phase) {
    try {
      return KEPT.contains(phase) && archive.exists(name(phase))
          ? Optional.of(archive.readJson(name(phase), Payloads.MAPPER, RequestsFound.class))
          : Optional.empty();
    } catch (StoreException e) {
      LOG.warn("what requests were like is left out: {}", e.getMessage());
      return Optional.empty();
    }
  }
}
