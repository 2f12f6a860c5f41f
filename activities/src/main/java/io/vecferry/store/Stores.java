package io.vecferry.store;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;

/** The stores that this installation knows. */
public final class Stores {
  private static final List<StoreProvider> PROVIDERS = load();

  private Stores() {}

  /** All providers, by type. */
  public static List<StoreProvider> all() {
    return PROVIDERS;
  }

  public static Optional<StoreProvider> find(String type) {
    return PROVIDERS.stream().filter(provider -> provider.type().equals(type)).findFirst();
  }

  /** The provider of a type that is known to exist. */
  public static StoreProvider get(String type) {
    return find(type)
        .orElseThrow(() -> new IllegalArgumentException("no store of type '" + type + "'"));
  }

  private static List<StoreProvider> load() {
    List<StoreProvider> providers = new ArrayList<>();
    ServiceLoader.load(StoreProvider.class, Stores.class.getClassLoader()).forEach(providers::add);
    providers.sort(Comparator.comparing(StoreProvider::type));
    return List.copyOf(providers);
  }
}
