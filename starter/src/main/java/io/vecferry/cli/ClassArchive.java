package io.vecferry.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vecferry.store.StoreException;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.StoreSettings;
import io.vecferry.store.Stores;
import io.vecferry.store.VectorStore;
import java.io.IOException;
import java.nio.file.Path;
import java.util.jar.JarFile;

/**
 * Loads the classes that migrations need, for the JDK's archive of loaded classes that the launcher
 * makes once: those of the demo, which it runs, those of every store, and those of its client,
 * which tries to reach a server that is not there.
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
}
