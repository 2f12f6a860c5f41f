package io.vecferry.store;

import java.math.BigDecimal;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * A parameter of an index of vectors, or of a search in it.
 *
 * @param name its name in specs, plans and reports
 * @param otherNames what else it may be called; neither case nor punctuation counts in any name
 * @param smallest smallest number
 * @param largest largest number
 * @param whole whether only whole numbers are taken
 * @param words allowed words; empty for a number
 */
public record IndexParameter(
    String name,
    List<String> otherNames,
    double smallest,
    double largest,
    boolean whole,
    List<String> words) {
  private static final int LONGEST_NUMBER = 40;

  /** A whole number. */
  public static IndexParameter whole(
      String name, long smallest, long largest, String... otherNames) {
    return new IndexParameter(name, List.of(otherNames), smallest, largest, true, List.of());
  }

  /** A number. */
  public static IndexParameter number(
      String name, double smallest, double largest, String... otherNames) {
    return new IndexParameter(name, List.of(otherNames), smallest, largest, false, List.of());
  }

  /** One of some words. */
  public static IndexParameter words(String name, String... words) {
    return new IndexParameter(name, List.of(), 0, 0, false, List.of(words));
  }

  /** Links of a record in a graph, by any name that a store has for them. */
  public static IndexParameter degree(String name, long smallest, long largest) {
    return whole(name, smallest, largest, "M", "max_neighbors", "hnsw:M");
  }

  /** How widely a graph is searched when a record is added to it, by any name. */
  public static IndexParameter buildBeam(String name, long smallest, long largest) {
    return whole(
        name,
        smallest,
        largest,
        "efConstruction",
        "ef_construct",
        "construction_ef",
        "hnsw:construction_ef");
  }

  /** How widely a graph is searched by a query, by any name. */
  public static IndexParameter searchBeam(String name, long smallest, long largest) {
    return whole(
        name,
        smallest,
        largest,
        "ef",
        "efSearch",
        "search_ef",
        "hnsw_ef",
        "hnsw:search_ef",
        "num_candidates");
  }

  boolean isCalled(String given) {
    return plain(name).equals(plain(given))
        || otherNames.stream().anyMatch(other -> plain(other).equals(plain(given)));
  }

  private static String plain(String name) {
    return name.replaceAll("[^A-Za-z0-9]", "").toLowerCase(Locale.ROOT);
  }

  /** A value as stores take it: whole numbers in digits only; empty when it is not allowed. */
  public Optional<String> read(String value) {
    if (!words.isEmpty()) {
      return words.contains(value) ? Optional.of(value) : Optional.empty();
    }
    if (value.length() > LONGEST_NUMBER) {
      return Optional.empty();
    }
    try {
      BigDecimal number = new BigDecimal(value.strip());
      boolean inside = number.doubleValue() >= smallest && number.doubleValue() <= largest;
      return inside
          ? Optional.of(whole ? Long.toString(number.longValueExact()) : value.strip())
          : Optional.empty();
    } catch (NumberFormatException e) {
      return Optional.empty();
    } catch (ArithmeticException e) {
      // It is no whole number.
      return Optional.empty();
    }
  }

  /** What is allowed, as {@code a whole number from 1 to 10}. */
  public String allowed() {
    if (!words.isEmpty()) {
      return "one of " + String.join(", ", words);
    }
    return (whole ? "a whole number from " : "a number from ")
        + (long) smallest
        + (largest >= Long.MAX_VALUE ? " on" : " to " + (long) largest);
  }
}
