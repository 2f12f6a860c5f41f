package io.vecferry.cli;

import java.net.InetSocketAddress;

/** Addresses on the command line. */
final class HostAndPort {
  private HostAndPort() {}

  static InetSocketAddress parse(String option, String text) {
    int colon = text.lastIndexOf(':');
    try {
      InetSocketAddress address =
          new InetSocketAddress(
              text.substring(0, colon), Integer.parseInt(text.substring(colon + 1)));
      if (!address.isUnresolved()) {
        return address;
      }
    } catch (RuntimeException e) {
      // Said below.
    }
    throw new UserError(
        option + " must be HOST:PORT, for example 127.0.0.1:9090, got '" + text + "'.");
  }
}
