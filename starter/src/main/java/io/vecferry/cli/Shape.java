package io.vecferry.cli;

import java.util.Locale;

/** How a vector field is printed. */
final class Shape {
  private Shape() {}

  /**
   * For instance {@code 768 dimensions}, {@code 768 dimensions of int8}, {@code sparse}, {@code
   * several of 128 dimensions}.
   */
  static String of(String kind, String element, int dimension) {
    String components =
        String.format(Locale.ROOT, "%d dimensions", dimension)
            + (element.equals("FLOAT32") ? "" : " of " + element.toLowerCase(Locale.ROOT));
    return switch (kind) {
      case "SPARSE" -> "sparse";
      case "MULTI" -> "several of " + components;
      default -> components;
    };
  }
}
