package io.vecferry.report;

import java.util.List;
import java.util.Locale;

/**
 * Draws plots as inline SVG. Widths are relative and heights fixed, so letters keep their size from
 * a phone to a printed page. Colours and line styles come from the style sheet ({@code series-1} to
 * {@code series-4}).
 */
final class Plot {
  private static final int HEIGHT = 190;
  private static final int LABELLED_GROUPS = 6;

  private Plot() {}

  /** A named line through points in order of x. */
  record Series(String name, int style, List<Point> points) {}

  /** One point. */
  record Point(double x, double y) {}

  /** A labelled group of bars, one value per series. */
  record Group(String label, List<Long> values) {}

  /** Draws lines over two axes. The description says in words what the picture shows. */
  static void lines(
      Html html, String title, String description, Axis x, Axis y, List<Series> series) {
    begin(html, title, description);
    grid(html, y);
    for (Axis.Mark mark : x.marks()) {
      String at = percent(x.position(mark.value()));
      html.empty(
          "line", "class", "tick", "x1", at, "x2", at, "y1", "" + HEIGHT, "y2", "" + (HEIGHT + 4));
      html.element("text", mark.label(), "x", at, "y", "" + (HEIGHT + 18), "text-anchor", "middle");
    }
    html.open(
        "svg",
        "width",
        "100%",
        "height",
        "" + HEIGHT,
        "viewBox",
        "0 0 1000 " + HEIGHT,
        "preserveAspectRatio",
        "none",
        "class",
        "data");
    for (Series line : series) {
      StringBuilder path = new StringBuilder();
      for (Point point : line.points()) {
        path.append(path.isEmpty() ? "M" : "L")
            .append(decimal(1000 * x.position(point.x())))
            .append(' ')
            .append(decimal(HEIGHT * (1 - y.position(point.y()))));
      }
      html.empty("path", "class", "line series-" + line.style(), "d", path.toString());
    }
    html.close();
    end(
        html,
        series.stream().map(Series::name).toList(),
        series.stream().map(Series::style).toList(),
        true);
  }

  /**
   * Draws groups of bars side by side; every bar tells its value, in the picture where there is
   * room.
   */
  static void bars(
      Html html, String title, String description, List<String> names, List<Group> groups) {
    long largest = 1;
    for (Group group : groups) {
      for (long value : group.values()) {
        largest = Math.max(largest, value);
      }
    }
    Axis y = Axis.count(largest);
    begin(html, title, description);
    grid(html, y);
    double slot = 1.0 / groups.size();
    double width = slot * 0.76 / names.size();
    int labelEvery = (groups.size() + 10) / 11;
    for (int i = 0; i < groups.size(); i++) {
      Group group = groups.get(i);
      if (i % labelEvery == 0) {
        html.element(
            "text",
            group.label(),
            "x",
            percent((i + 0.5) * slot),
            "y",
            "" + (HEIGHT + 18),
            "text-anchor",
            "middle");
      }
      for (int j = 0; j < group.values().size(); j++) {
        double height =
            Math.max(
                group.values().get(j) > 0 ? 1.5 : 0, HEIGHT * y.position(group.values().get(j)));
        html.open(
                "rect",
                "class",
                "bar series-" + (j + 1),
                "x",
                percent(i * slot + slot * 0.12 + j * width),
                "width",
                percent(width * 0.92),
                "y",
                decimal(HEIGHT - height),
                "height",
                decimal(height))
            .element(
                "title",
                names.get(j) + ", " + group.label() + ": " + Format.count(group.values().get(j)))
            .close();
        if (groups.size() <= LABELLED_GROUPS) {
          html.element(
              "text",
              Format.count(group.values().get(j)),
              "class",
              "value",
              "x",
              percent(i * slot + slot * 0.12 + (j + 0.46) * width),
              "y",
              decimal(HEIGHT - height - 4),
              "text-anchor",
              "middle");
        }
      }
    }
    end(html, names, List.of(1, 2), false);
  }

  /** A percentage of the width, for a share from 0 to 1. */
  static String percent(double share) {
    return decimal(100 * share) + "%";
  }

  private static void begin(Html html, String title, String description) {
    String titleId = html.identifier();
    String descriptionId = html.identifier();
    html.open("figure").element("figcaption", title);
    html.open("div", "class", "plot")
        .open(
            "svg",
            "role",
            "img",
            "aria-labelledby",
            titleId + " " + descriptionId,
            "width",
            "100%",
            "height",
            "" + (HEIGHT + 26))
        .element("title", title, "id", titleId)
        .element("desc", description, "id", descriptionId);
  }

  private static void grid(Html html, Axis y) {
    for (Axis.Mark mark : y.marks()) {
      double at = HEIGHT * (1 - y.position(mark.value()));
      html.empty(
          "line",
          "class",
          mark.value() == y.minimum() ? "base" : "grid",
          "x1",
          "0",
          "x2",
          "100%",
          "y1",
          decimal(at),
          "y2",
          decimal(at));
      html.element("text", mark.label(), "x", "-8", "y", decimal(at + 4), "text-anchor", "end");
    }
  }

  private static void end(Html html, List<String> names, List<Integer> styles, boolean lines) {
    html.close().close();
    html.open("ul", "class", "legend");
    for (int i = 0; i < names.size(); i++) {
      html.open("li").open("svg", "width", "22", "height", "10", "aria-hidden", "true");
      if (lines) {
        html.empty("path", "class", "line series-" + styles.get(i), "d", "M0 5L22 5");
      } else {
        html.empty(
            "rect",
            "class",
            "bar series-" + styles.get(i),
            "x",
            "6",
            "width",
            "10",
            "height",
            "10");
      }
      html.close().text(names.get(i)).close();
    }
    html.close().close().line();
  }

  private static String decimal(double value) {
    return Format.trim(String.format(Locale.ROOT, "%.2f", value));
  }
}
