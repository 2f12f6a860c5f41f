package io.vecferry.testing;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A real server that a test uses. */
public final class RunningServer {
  private final Launchers launchers;
  private final List<String> arguments;
  private final boolean ownedByThisJvm;
  private volatile Description description;

  /** What {@code deploy/local/status} says of it. */
  private record Description(String name, long pid, String url, Path log) {}

  private RunningServer(Launchers launchers, List<String> arguments, boolean ownedByThisJvm) {
    this.launchers = launchers;
    this.arguments = arguments;
    this.ownedByThisJvm = ownedByThisJvm;
  }

  /**
   * Starts a server, or finds it running.
   *
   * @param instance empty for the one that all share
   */
  static RunningServer start(Launchers launchers, Server server, String instance)
      throws ServerUnavailableException {
    List<String> arguments = new ArrayList<>(List.of(server.launcherName()));
    if (!instance.isEmpty()) {
      arguments.addAll(List.of("--instance", instance + "-" + ProcessHandle.current().pid()));
    }
    RunningServer running =
        new RunningServer(launchers, List.copyOf(arguments), !instance.isEmpty());
    running.bringUp();
    return running;
  }

  /** Name of the server and its instance. */
  public String name() {
    return description.name();
  }

  /** Its address as a specification names it; of Temporal, host and port. */
  public String url() {
    return description.url();
  }

  /** Process id of the server, 0 when it was started elsewhere. */
  public long pid() {
    return description.pid();
  }

  /** File to which the server writes what it does; an empty one when it was started elsewhere. */
  public Path log() {
    return description.log();
  }

  /** Ends the server by SIGKILL. Only for a server of this JVM's own. */
  public void kill() {
    if (!ownedByThisJvm) {
      throw new IllegalStateException(
          "others use " + name() + "; ask for an instance with @WithServer(instance = ...)");
    }
    try {
      launchers.run("kill", arguments);
    } catch (ServerUnavailableException e) {
      throw new IllegalStateException(e.getMessage(), e);
    }
  }

  /** Starts the server on the data and ports it had. Does nothing when it runs. */
  public void restart() {
    try {
      bringUp();
    } catch (ServerUnavailableException e) {
      throw new IllegalStateException(e.getMessage(), e);
    }
  }

  /** Whether tests may have killed it. */
  boolean isOwnedByThisJvm() {
    return ownedByThisJvm;
  }

  /** Says that this JVM does not need it any more. */
  void release() throws ServerUnavailableException {
    launchers.run("down", withUser());
  }

  private void bringUp() throws ServerUnavailableException {
    launchers.run("up", withUser());
    String[] words = launchers.run("status", arguments).strip().split("\\s+", 7);
    long pid = words[2].equals("-") ? 0 : Long.parseLong(words[2]);
    description = new Description(words[0], pid, words[5], Path.of(words[6]));
  }

  private List<String> withUser() {
    List<String> more = new ArrayList<>(arguments);
    more.addAll(List.of("--for", Long.toString(ProcessHandle.current().pid())));
    return more;
  }

  @Override
  public String toString() {
    return name() + " at " + url();
  }
}
