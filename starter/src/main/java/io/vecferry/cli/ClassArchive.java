package io.vecferry.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.vecferry.archive.ArtifactStore;
import io.vecferry.archive.ArtifactStore.WritableArtifact;
import io.vecferry.archive.place.ArchiveRoot;
import io.vecferry.archive.s3.S3Settings;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import io.vecferry.store.VectorStore;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.JarFile;

/**
 * Loads the classes that migrations need, for the JDK's archive of loaded classes that the launcher
 * makes once: those of the demo, which it runs, those of every store, and those of its client,
 * which tries to reach a server that is not there. The client of S3 gets answers.
 */
final class ClassArchive {
  private static final String NOWHERE = "http://127.0.0.1:1";

  private ClassArchive() {}

  /**
   * @param arguments options of the demo
   */
  public static void main(String[] arguments) throws Exception {
    loadStores();
    Stores.all().forEach(ClassArchive::connect);
    useS3();
    String[] demo = new String[arguments.length + 1];
    demo[0] = "demo";
    System.arraycopy(arguments, 0, demo, 1, arguments.length);
    Vecferry.main(demo);
  }

  private static void loadStores() throws Exception {
    Class<?> stores = Stores.class;
    String folder = stores.getPackageName().replace('.', '/') + "/";
    Path jar = Path.of(stores.getProtectionDomain().getCodeSource().getLocation().toURI());
    try (JarFile file = new JarFile(jar.toFile())) {
      file.stream()
          .map(entry -> entry.getName())
          .filter(name -> name.startsWith(folder) && name.endsWith(".class"))
          .map(name -> name.substring(0, name.length() - ".class".length()).replace('/', '.'))
          .forEach(ClassArchive::load);
    } catch (IOException e) {
      throw new IllegalStateException("cannot read " + jar, e);
    }
  }

  private static void load(String name) {
    try {
      Class.forName(name, false, ClassArchive.class.getClassLoader());
    } catch (ClassNotFoundException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void connect(StoreProvider provider) {
    ObjectNode settings =
        JsonNodeFactory.instance.objectNode().put("url", NOWHERE).put("collection", "none");
    try (VectorStore store = provider.open(new StoreSettings("source", settings))) {
      store.exists();
    } catch (StoreException | IllegalArgumentException expected) {
      // Its classes are loaded by now.
    }
  }

  /** Writes, reads, lists and removes an object of a server that has one object. */
  private static void useS3() throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", ClassArchive::answer);
    server.start();
    Path key = Files.createTempFile("key", null);
    try {
      Files.writeString(key, "none");
      URI address = URI.create("http://127.0.0.1:" + server.getAddress().getPort());
      String reference = "file:" + key;
      S3Settings settings =
          new S3Settings(address, null, null, null, null, reference, reference, null, 0);
      ArtifactStore store = ArchiveRoot.of("s3://none/none", settings).store();
      store.exists("missing");
      store.writeBytes("object", new byte[1]);
      try (WritableArtifact artifact = store.create("object")) {
        artifact.write(new byte[1], 0, 1);
        artifact.publish();
      }
      store.readBytes("object");
      store.list("none");
      store.discardUnpublished("none");
      store.delete("object");
    } finally {
      server.stop(0);
      Files.delete(key);
    }
  }

  private static void answer(HttpExchange exchange) throws IOException {
    exchange.getRequestBody().readAllBytes();
    String question = String.valueOf(exchange.getRequestURI().getQuery());
    boolean range = exchange.getRequestHeaders().containsKey("Range");
    int status = exchange.getRequestURI().getPath().endsWith("missing") ? 404 : range ? 206 : 200;
    exchange.getResponseHeaders().add("ETag", "\"tag\"");
    exchange.getResponseHeaders().add("Content-Range", "bytes 0-0/1");
    String body = "x";
    if (question.startsWith("list-type")) {
      body = "<ListBucketResult><Contents><Key>none/a</Key></Contents></ListBucketResult>";
    } else if (question.startsWith("uploads")) {
      body =
          exchange.getRequestMethod().equals("GET")
              ? "<ListMultipartUploadsResult/>"
              : "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>";
    } else if (exchange.getRequestMethod().equals("POST")) {
      body = "<CompleteMultipartUploadResult><ETag>tag</ETag></CompleteMultipartUploadResult>";
    }
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    boolean silent = exchange.getRequestMethod().equals("HEAD");
    exchange.sendResponseHeaders(status, silent ? -1 : bytes.length);
    if (!silent) {
      exchange.getResponseBody().write(bytes);
    }
    exchange.close();
  }
}
