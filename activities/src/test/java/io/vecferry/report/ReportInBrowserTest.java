package io.vecferry.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Reports in a real browser: nothing on its console, and something on its page. The pictures stay
 * in {@code target/report-pictures}. Skipped where there is no Chromium.
 */
@Tag("slow")
@Timeout(120)
final class ReportInBrowserTest {
  private static final Path PICTURES = Path.of("target/report-pictures");
  private static final int WIDTH = 1200;

  private static Path browser;

  @TempDir Path profile;

  @BeforeAll
  static void writeReports() throws IOException {
    browser =
        Stream.of(System.getenv("PATH").split(":"))
            .flatMap(
                folder ->
                    Stream.of("chromium", "chromium-browser", "google-chrome")
                        .map(Path.of(folder)::resolve))
            .filter(Files::isExecutable)
            .findFirst()
            .orElse(null);
    assumeTrue(browser != null, "no Chromium on the PATH");
    SampleReport.main(new String[] {PICTURES.toString()});
  }

  @ParameterizedTest(name = "{0}, {1}")
  @CsvSource({"products,light", "products,dark", "reviews,light", "images,light"})
  void opensWithoutACommentFromTheBrowser(String report, String scheme) throws Exception {
    Path picture = PICTURES.resolve(report + "-" + scheme + ".png");
    Path log = profile.resolve("log");
    List<String> command =
        new ArrayList<>(
            List.of(
                browser.toString(),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--enable-logging=stderr",
                "--hide-scrollbars",
                "--user-data-dir=" + profile.resolve("profile"),
                "--window-size=" + WIDTH + ",2400",
                "--screenshot=" + picture.toAbsolutePath()));
    if (scheme.equals("dark")) {
      command.add("--blink-settings=preferredColorScheme=0");
    }
    command.add(PICTURES.resolve(report + ".html").toAbsolutePath().toUri().toString());
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    try {
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("the browser ends").isTrue();
    } finally {
      process.destroyForcibly();
    }
    String said = Files.readString(log);
    assertThat(process.exitValue()).as(said).isZero();
    assertThat(said).doesNotContain("CONSOLE");

    BufferedImage image = ImageIO.read(picture.toFile());
    assertThat(image.getWidth()).isEqualTo(WIDTH);
    Set<Integer> colours = new HashSet<>();
    for (int y = 0; y < image.getHeight(); y += 2) {
      for (int x = 0; x < WIDTH; x += 2) {
        colours.add(image.getRGB(x, y));
      }
    }
    assertThat(colours).as("the page is not empty").hasSizeGreaterThan(50);
    int paper = image.getRGB(2, 2) & 0xff;
    assertThat(paper < 128).as("the paper is dark").isEqualTo(scheme.equals("dark"));
  }
}
