package io.vecferry.store;

import io.vecferry.plan.Finding;
import io.vecferry.spec.Suggestion;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The parameters of one type of index. Pure.
 *
 * @param index the index, for messages, as {@code Chroma's index}
 * @param all its parameters in the order in which they are shown
 */
public record IndexParameters(String index, List<IndexParameter> all) {

  /**
   * The parameter that a spec or another store means; case counts only where names differ by it.
   */
  public Optional<IndexParameter> find(String given) {
    List<IndexParameter> near = all.stream().filter(one -> one.isCalled(given)).toList();
    return near.size() == 1
        ? Optional.of(near.get(0))
        : near.stream().filter(one -> one.name().equals(given)).findFirst();
  }

  /**
   * The values that a spec gives, by the names of the parameters. What is wrong with it becomes a
   * finding.
   */
  public Map<String, String> read(Map<String, String> given, List<Finding> findings) {
    Map<String, String> values = new LinkedHashMap<>();
    Map<String, String> spelled = new LinkedHashMap<>();
    given.forEach(
        (name, value) -> {
          String path = "target.index.params." + name;
          Optional<IndexParameter> found = find(name);
          if (found.isEmpty()) {
            findings.add(unknown(path, name));
            return;
          }
          IndexParameter parameter = found.get();
          String before = spelled.putIfAbsent(parameter.name(), name);
          if (before != null) {
            findings.add(
                Finding.blocking(path, "says the same as " + before + ".", "Keep one of them."));
            return;
          }
          parameter
              .read(value)
              .ifPresentOrElse(
                  good -> values.put(parameter.name(), good),
                  () ->
                      findings.add(
                          Finding.blocking(
                              path,
                              "must be " + parameter.allowed() + ", got " + value + ".",
                              "Correct it or leave it out.")));
        });
    return values;
  }

  private Finding unknown(String path, String name) {
    List<String> names = names();
    return Finding.blocking(
        path,
        names.isEmpty()
            ? index + " has no parameters."
            : "is no parameter of " + index + "." + Suggestion.didYouMean(name, names),
        names.isEmpty() ? "Leave it out." : "Known: " + String.join(", ", names) + ".");
  }

  /** Whole numbers that an index of another store has for the same, brought within the bounds. */
  public Map<String, Long> follow(Map<String, String> source) {
    Map<String, Long> followed = new LinkedHashMap<>();
    source.forEach(
        (name, value) -> {
          if (value.matches("[1-9][0-9]{0,17}")) {
            find(name)
                .filter(IndexParameter::whole)
                .ifPresent(
                    parameter ->
                        followed.put(
                            parameter.name(),
                            (long)
                                Math.max(
                                    parameter.smallest(),
                                    Math.min(parameter.largest(), Long.parseLong(value)))));
          }
        });
    return followed;
  }

  private List<String> names() {
    return all.stream().map(IndexParameter::name).toList();
  }
}
