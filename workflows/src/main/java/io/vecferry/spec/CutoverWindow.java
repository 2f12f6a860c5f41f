package io.vecferry.spec;

import java.time.DateTimeException;
import java.time.DayOfWeek;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A time of the week in which readers may be switched over. It opens at a time of the clock on the
 * wall: at the same hour in summer and in winter. Where clocks are put forward over that time, it
 * opens as much later as they are put forward; where the time occurs twice, at the first.
 *
 * @param timeZone name of a time zone, as {@code Europe/Berlin}
 * @param weekdays days on which it opens
 * @param start when it opens, as {@code 02:00}
 * @param durationMillis how long it stays open, in milliseconds; also across midnight and a change
 *     of the clocks
 */
public record CutoverWindow(
    String timeZone, List<DayOfWeek> weekdays, String start, long durationMillis) {
  /** Longest duration: a window that is open from one opening to the next. */
  public static final long LONGEST_MILLIS = 7 * 86_400_000L;

  private static final int DAYS = 7;
  private static final DateTimeFormatter MOMENT =
      DateTimeFormatter.ofPattern("EEEE yyyy-MM-dd HH:mm z", Locale.ENGLISH);

  public CutoverWindow {
    weekdays = List.copyOf(weekdays);
  }

  /** One opening of a window, in milliseconds since 1970; open before {@code end}. */
  public record Opening(long start, long end, String timeZone) {

    /** The moment at which it opens, for people. */
    public String startWords() {
      return MOMENT.format(Instant.ofEpochMilli(start).atZone(ZoneId.of(timeZone)));
    }

    /** The moment at which it closes, for people. */
    public String endWords() {
      return MOMENT.format(Instant.ofEpochMilli(end).atZone(ZoneId.of(timeZone)));
    }
  }

  /** The opening that a moment is in, or the next one. */
  Opening at(long millis) {
    ZoneId zone = ZoneId.of(timeZone);
    LocalDate today = Instant.ofEpochMilli(millis).atZone(zone).toLocalDate();
    // The longest window may have opened a week before.
    for (LocalDate day = today.minusDays(DAYS + 1); ; day = day.plusDays(1)) {
      long opens = day.atTime(LocalTime.parse(start)).atZone(zone).toInstant().toEpochMilli();
      if (weekdays.contains(day.getDayOfWeek()) && opens + durationMillis > millis) {
        return new Opening(opens, opens + durationMillis, timeZone);
      }
    }
  }

  /** Reads a window and reports what is wrong with it; null when it cannot be one. */
  static CutoverWindow read(SpecSection section) {
    String timeZone = section.requiredText("timeZone", "timeZone: Europe/Berlin");
    String start = section.requiredText("start", "start: \"02:00\"");
    Long duration = section.millis("duration");
    int before = section.problems();
    if (!timeZone.isEmpty() && !isZone(timeZone)) {
      section.problem(
          "timeZone",
          "must be the name of a time zone such as Europe/Berlin or UTC, got \""
              + timeZone
              + "\".");
    }
    section.requireForm(
        "start", start, "([01][0-9]|2[0-3]):[0-5][0-9]", "must be a time such as 02:00 or 22:30");
    if (section.requires("duration", "duration: 4h")
        && duration != null
        && (duration < 60_000 || duration > LONGEST_MILLIS)) {
      section.problem(
          "duration", "must be 1m to 7d, got \"" + section.text("duration", "") + "\".");
    }
    List<DayOfWeek> weekdays = weekdays(section);
    section.finish();
    return section.problems() > before || timeZone.isEmpty() || start.isEmpty() || duration == null
        ? null
        : new CutoverWindow(timeZone, weekdays, start, duration);
  }

  private static boolean isZone(String name) {
    try {
      ZoneId.of(name);
      return true;
    } catch (DateTimeException e) {
      return false;
    }
  }

  /** All days when none is named. */
  private static List<DayOfWeek> weekdays(SpecSection section) {
    List<DayOfWeek> days = new ArrayList<>();
    for (String word : section.texts("weekdays")) {
      DayOfWeek found = null;
      for (DayOfWeek day : DayOfWeek.values()) {
        String name = day.name().toLowerCase(Locale.ROOT);
        String lower = word.toLowerCase(Locale.ROOT);
        if (lower.length() >= 3 && name.startsWith(lower)) {
          found = day;
        }
      }
      if (found == null) {
        section.problem("weekdays", "must be days such as [sat, sun], got \"" + word + "\".");
      } else if (!days.contains(found)) {
        days.add(found);
      }
    }
    return days.isEmpty() ? List.of(DayOfWeek.values()) : days;
  }
}
