package io.vecferry.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.vecferry.phase.SideBySide;
import io.vecferry.quality.Interval;
import io.vecferry.quality.QualityCheck;
import io.vecferry.quality.QualityResult;
import io.vecferry.quality.SearchSweep;
import io.vecferry.spec.SpecReader;
import io.vecferry.store.StoreException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

@Command(
    name = "compare",
    footer = {
      "  vecferry compare products.yaml",
      "  vecferry compare products.yaml --clients 8 --seconds 5"
    },
    mixinStandardHelpOptions = true,
    description =
        "Asks source and target of a spec the same queries: right answers of each, latency,"
            + " throughput. Both must exist and have the same ids. Writes nothing.")
final class CompareCommand implements Callable<Integer> {
  @ParentCommand Vecferry root;

  private static final int MOST_CLIENTS = 256;
  private static final double LONGEST_SECONDS = 600;

  @Parameters(paramLabel = "SPEC", description = "Spec, YAML or JSON.")
  Path file;

  @Option(
      names = "--clients",
      paramLabel = "N",
      description = "Measure throughput up to this many clients (default: processors); 0 for none.")
  int clients = Math.min(8, Runtime.getRuntime().availableProcessors());

  @Option(
      names = "--seconds",
      paramLabel = "S",
      description = "Seconds of each side with each number of clients (default: 1).")
  double seconds = 1;

  @Option(names = "--json", description = "Print JSON.")
  boolean json;

  @Override
  public Integer call() {
    if (clients < 0 || clients > MOST_CLIENTS) {
      throw new UserError("--clients must be from 0 to " + MOST_CLIENTS + ", got " + clients + ".");
    }
    if (!(seconds > 0 && seconds <= LONGEST_SECONDS)) {
      throw new UserError(
          "--seconds must be above 0 and at most " + LONGEST_SECONDS + ", got " + seconds + ".");
    }
    JsonNode document = SpecFile.read(file);
    root.check(document, file);
    SideBySide.Result result;
    try {
      result =
          SideBySide.compare(
              root.connections().resolve(SpecReader.read(document).spec()),
              clients,
              Math.round(seconds * 1e9));
    } catch (StoreException e) {
      throw new UserError(e.getMessage());
    }
    if (json) {
      System.out.println(MigrationCommand.json(result));
    } else {
      print(result);
    }
    return result.passed() ? ExitCode.OK : ExitCode.NEEDS_PERSON;
  }

  private static void print(SideBySide.Result result) {
    side("Source", result.source());
    side("Target", result.target());
    result.notes().forEach(System.out::println);
    QualityResult quality = result.quality();
    System.out.println(
        String.format(
            Locale.ROOT,
            "%s, %d answers each, right answers by exact search over the source",
            quality.asked(),
            quality.k()));
    row("", "source", "target");
    row("recall@" + quality.k(), four(quality.sourceRecall()), four(quality.targetRecall()));
    row("95 % interval", range(quality.sourceInterval()), range(quality.targetInterval()));
    row("answers in common", "", four(quality.agreement()));
    row("rank agreement", "", four(quality.rankAgreement()));
    row(
        "largest score difference",
        "",
        String.format(Locale.ROOT, "%.2g", quality.largestScoreDifference()));
    for (int percent : new int[] {50, 95, 99}) {
      row(
          "latency p" + percent + " ms",
          latency(quality.sourceMillis(), percent),
          latency(quality.targetMillis(), percent));
    }
    for (QualityResult.Throughput measured : quality.throughput()) {
      row(
          "queries/s, clients: " + measured.clients(),
          perSecond(measured.source()),
          perSecond(measured.target()));
    }
    row(
        "queries/s, many at once",
        perSecond(quality.sourceQueries() / quality.sourceBatchSeconds()),
        perSecond(quality.queries() / quality.targetBatchSeconds()));
    if (quality.sweep() != null) {
      for (SearchSweep.Step step : quality.sweep().steps()) {
        row("recall, " + quality.sweep().parameter() + " " + step.value(), "", four(step.recall()));
      }
    }
    for (QualityResult.Filtered filter : quality.filters()) {
      row(
          "recall, " + filter.key() + " = " + filter.text(),
          filtered(filter.sourceRecall(), filter.sourceNotMeasured()),
          filtered(filter.targetRecall(), filter.targetNotMeasured()));
      notMeasured("source", filter.sourceNotMeasured());
      notMeasured("target", filter.targetNotMeasured());
    }
    System.out.println(result.explanation());
    System.out.println(
        String.format(
            Locale.ROOT,
            "%s: recall at least %.4f, score difference at most %s.",
            result.passed() ? "Passes" : "Does not pass",
            result.requiredRecall(),
            result.scoreTolerance()));
  }

  private static void side(String title, SideBySide.Side side) {
    System.out.println(
        String.format(
            Locale.ROOT,
            "%-8s%s  %s  %,d records, %s",
            title,
            side.store(),
            side.collection(),
            side.rows(),
            side.metric()));
  }

  private static void row(String name, String source, String target) {
    System.out.println(
        String.format(Locale.ROOT, "  %-28s %18s %18s", name, source, target).stripTrailing());
  }

  private static String four(double value) {
    return String.format(Locale.ROOT, "%.4f", value);
  }

  private static String filtered(Double recall, String notMeasured) {
    if (notMeasured != null) {
      return "not measured";
    }
    return recall == null ? "no filter" : four(recall);
  }

  private static void notMeasured(String side, String reason) {
    if (reason != null) {
      System.out.println("    " + side + " not measured: " + reason);
    }
  }

  private static String range(Interval interval) {
    return four(interval.low()) + " to " + four(interval.high());
  }

  private static String latency(List<Double> millis, int percent) {
    return millis.isEmpty()
        ? ""
        : String.format(Locale.ROOT, "%.3f", QualityCheck.quantile(millis, percent / 100.0));
  }

  private static String perSecond(double value) {
    return String.format(Locale.ROOT, "%,.0f", value);
  }
}
