package io.vecferry.phase;

import io.vecferry.activity.Compensation;
import io.vecferry.archive.Archive;
import io.vecferry.workflow.Payloads;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What would have to be undone, in the archive before it takes effect. The workflow has its own
 * record; this one is for the case that the workflow is lost.
 *
 * @param open newest first
 */
record UndoLog(List<Compensation> open) {
  private static final String NAME = "undo.json";

  UndoLog {
    open = List.copyOf(open);
  }

  /** Empty when nothing has taken effect. */
  static UndoLog read(Archive archive) {
    return archive.exists(NAME)
        ? archive.readJson(NAME, Payloads.MAPPER, UndoLog.class)
        : new UndoLog(List.of());
  }

  /**
   * Says that from now on this may have to be undone. What an earlier run has said already keeps
   * its place: what came after it is still undone first.
   */
  static void arm(Archive archive, Compensation compensation) {
    UndoLog log = read(archive);
    if (log.find(compensation.kind()).isEmpty()) {
      List<Compensation> open = new ArrayList<>(log.open);
      open.add(0, compensation);
      new UndoLog(open).write(archive);
    }
  }

  /** What may have to be undone of a kind. */
  Optional<Compensation> find(Compensation.Kind kind) {
    return open.stream().filter(compensation -> compensation.kind() == kind).findFirst();
  }

  /** Says that this is undone, or has not taken effect. */
  static void undone(Archive archive, Compensation.Kind kind) {
    new UndoLog(without(archive, kind)).write(archive);
  }

  /** Says that nothing will be undone any more. */
  static void close(Archive archive) {
    new UndoLog(List.of()).write(archive);
  }

  private static List<Compensation> without(Archive archive, Compensation.Kind kind) {
    List<Compensation> open = new ArrayList<>(read(archive).open());
    open.removeIf(compensation -> compensation.kind() == kind);
    return open;
  }

  private void write(Archive archive) {
    archive.writeJson(NAME, Payloads.MAPPER, this);
  }
}
