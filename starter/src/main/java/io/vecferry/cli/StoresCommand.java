package io.vecferry.cli;

import io.vecferry.store.StoreOption;
import io.vecferry.store.StoreProvider;
import io.vecferry.store.Stores;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
    name = "stores",
    footer = "  vecferry stores",
    mixinStandardHelpOptions = true,
    description = "Lists the stores that this installation knows, and the keys of each.")
final class StoresCommand implements Callable<Integer> {
  @Option(names = "--json", description = "Print JSON.")
  boolean json;

  @Override
  public Integer call() {
    List<StoreProvider> stores = Stores.all();
    if (json) {
      System.out.println(
          MigrationCommand.json(
              stores.stream()
                  .map(
                      store ->
                          Map.of(
                              "type", store.type(),
                              "description", store.description(),
                              "options", store.options()))
                  .toList()));
      return ExitCode.OK;
    }
    for (StoreProvider store : stores) {
      System.out.println(store.type() + "  " + store.description());
      for (StoreOption option : store.options()) {
        System.out.println(
            String.format(
                Locale.ROOT,
                "  %-20s %s%s%s%s",
                option.path(),
                option.description(),
                option.allowed().isEmpty()
                    ? ""
                    : " One of " + String.join(", ", option.allowed()) + ".",
                option.defaultValue().isEmpty() ? "" : " Default: " + option.defaultValue() + ".",
                option.required() ? " Required." : ""));
      }
    }
    return ExitCode.OK;
  }
}
