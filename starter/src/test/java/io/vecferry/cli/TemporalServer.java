package io.vecferry.cli;

import io.vecferry.worker.EmbeddedTemporal;
import java.io.IOException;

/** A Temporal service in a process of its own: prints its address and lives until input ends. */
final class TemporalServer {
  private TemporalServer() {}

  public static void main(String[] arguments) throws IOException {
    try (EmbeddedTemporal service = EmbeddedTemporal.start()) {
      System.out.println(service.address());
      while (System.in.read() >= 0) {
        continue;
      }
    }
    System.exit(0);
  }
}
