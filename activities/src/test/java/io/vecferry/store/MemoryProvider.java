package io.vecferry.store;

import java.util.List;

/** Collections in the memory of a test; see {@link MemoryStore}. */
public final class MemoryProvider implements StoreProvider {

  @Override
  public String type() {
    return "memory";
  }

  @Override
  public String description() {
    return "Collections in memory, with every kind of vector field";
  }

  @Override
  public List<StoreOption> options() {
    return List.of(
        new StoreOption("collection", StoreOption.Kind.TEXT, true, List.of(), "", "Its name."),
        new StoreOption(
            "options.takeOverName",
            StoreOption.Kind.BOOLEAN,
            false,
            List.of(),
            "false",
            "Whether a switch destroys what has the name."));
  }

  @Override
  public StoreSettings loadSettings(StoreSettings settings, String migration) {
    return settings.with("collection", settings.text("collection", "") + ".loading-" + migration);
  }

  @Override
  public VectorStore open(StoreSettings settings) {
    return new MemoryStore(
        settings.text("collection", ""), settings.flag("options.takeOverName", false));
  }
}
