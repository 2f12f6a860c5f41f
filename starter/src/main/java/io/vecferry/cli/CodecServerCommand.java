package io.vecferry.cli;

import io.vecferry.worker.CodecServer;
import io.vecferry.worker.PayloadEncryption;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
    name = "codec-server",
    footer = "  vecferry codec-server --listen 127.0.0.1:8081",
    mixinStandardHelpOptions = true,
    description = {
      "Decrypts for the Temporal UI, with the keys of VECFERRY_PAYLOAD_KEYS, until it is asked to"
          + " end.",
      "Who reaches it can read what is encrypted: it asks nobody who they are."
    })
final class CodecServerCommand implements Callable<Integer> {
  @Option(
      names = "--listen",
      paramLabel = "HOST:PORT",
      defaultValue = "127.0.0.1:8081",
      description = "Where it listens (default: ${DEFAULT-VALUE}).")
  String listen;

  @Option(
      names = "--origin",
      paramLabel = "URL",
      split = ",",
      defaultValue = "http://localhost:8233,http://127.0.0.1:8233",
      description =
          "Addresses of the Temporal UI whose pages may use it (default: ${DEFAULT-VALUE}).")
  Set<String> origins;

  @Override
  public Integer call() throws IOException, InterruptedException {
    PayloadEncryption encryption = PayloadEncryption.ofEnvironment();
    if (!encryption.encrypts()) {
      throw new UserError(
          "codec-server has no keys: set " + PayloadEncryption.VARIABLE + " as on the worker.");
    }
    InetSocketAddress address = HostAndPort.parse("--listen", listen);
    try (CodecServer server = CodecServer.start(address, encryption, origins)) {
      System.err.println(
          "Codec server on http://"
              + address.getHostString()
              + ":"
              + server.address().getPort()
              + " for pages of "
              + String.join(", ", origins));
      if (!address.getAddress().isLoopbackAddress()) {
        System.err.println(
            "Other machines reach it. Put a proxy before it that asks who they are, and speaks"
                + " TLS.");
      }
      new CountDownLatch(1).await();
    }
    return ExitCode.OK;
  }
}
