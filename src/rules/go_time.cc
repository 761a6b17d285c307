#include "rules/go_time.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <utility>

#include "canopy/base/number.h"

namespace canopy::rules {

namespace {

constexpr int64_t kDaySeconds = 86400;
constexpr int64_t kSecondNanos = 1'000'000'000;
// Some 300 million years: nothing that is computed from such seconds overflows.
constexpr int64_t kFarthest = 10'000'000'000'000'000;

constexpr std::array<std::string_view, 12> kMonths = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
constexpr std::array<std::string_view, 7> kWeekdays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};

int64_t FloorDiv(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// Days since the epoch of a date whose month is in 1..12 (H. Hinnant's civil-day algorithm: years
// begin in March, so that the leap day is the last one).
int64_t DaysFromCivil(int64_t year, int64_t month, int64_t day) {
  if (month <= 2) --year;
  const int64_t era = FloorDiv(year, 400);
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

void AppendPadded(std::string& out, int64_t v, size_t width, char pad = '0') {
  std::string digits = std::to_string(std::abs(v));
  if (v < 0) out.push_back('-');
  if (digits.size() < width) out.append(width - digits.size(), pad);
  out += digits;
}

// The parts of a layout, by what they look like. Of two that begin alike the longer stands first.
enum class Part : unsigned char {
  kMonthName,
  kMonthShort,
  kMonthPadded,
  kMonth,
  kWeekday,
  kWeekdayShort,
  kYear,
  kYearShort,
  kDay,
  kDayPadded,
  kDaySpaced,
  kYearDay,
  kYearDaySpaced,
  kHour,
  kHour12,
  kHour12Padded,
  kMinute,
  kMinutePadded,
  kSecond,
  kSecondPadded,
  kPmUpper,
  kPmLower,
  kZoneName,
  kOffset,
  kUnderscoreYear,
};
struct Element {
  std::string_view text;
  Part part;
};
constexpr std::array<Element, 34> kElements = {{
    {"January", Part::kMonthName}, {"Jan", Part::kMonthShort},
    {"Monday", Part::kWeekday},    {"Mon", Part::kWeekdayShort},
    {"MST", Part::kZoneName},      {"002", Part::kYearDay},
    {"01", Part::kMonthPadded},    {"02", Part::kDayPadded},
    {"03", Part::kHour12Padded},   {"04", Part::kMinutePadded},
    {"05", Part::kSecondPadded},   {"06", Part::kYearShort},
    {"15", Part::kHour},           {"1", Part::kMonth},
    {"2006", Part::kYear},         {"2", Part::kDay},
    {"__2", Part::kYearDaySpaced}, {"_2006", Part::kUnderscoreYear},
    {"_2", Part::kDaySpaced},      {"3", Part::kHour12},
    {"4", Part::kMinute},          {"5", Part::kSecond},
    {"PM", Part::kPmUpper},        {"pm", Part::kPmLower},
    {"-070000", Part::kOffset},    {"-07:00:00", Part::kOffset},
    {"-0700", Part::kOffset},      {"-07:00", Part::kOffset},
    {"-07", Part::kOffset},        {"Z070000", Part::kOffset},
    {"Z07:00:00", Part::kOffset},  {"Z0700", Part::kOffset},
    {"Z07:00", Part::kOffset},     {"Z07", Part::kOffset},
}};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

const Element* FindElement(std::string_view rest) {
  for (const Element& e : kElements) {
    if (!rest.starts_with(e.text)) continue;
    // "Janet" and "Monk" are words, not months and days.
    const bool word = e.part == Part::kMonthShort || e.part == Part::kWeekdayShort;
    if (word && rest.size() > 3 && rest[3] >= 'a' && rest[3] <= 'z') continue;
    return &e;
  }
  return nullptr;
}

// ".000" or ",999" at the start of `rest`: its length, or 0. A digit after it makes it no fraction.
size_t FractionLength(std::string_view rest) {
  if (rest.size() < 2 || (rest[0] != '.' && rest[0] != ',')) return 0;
  if (rest[1] != '0' && rest[1] != '9') return 0;
  size_t end = 1;
  while (end < rest.size() && rest[end] == rest[1]) ++end;
  return end < rest.size() && IsDigit(rest[end]) ? 0 : end;
}

void AppendFraction(std::string& out, int32_t nanos, std::string_view form) {
  std::string digits;
  AppendPadded(digits, nanos, 9);
  digits.resize(std::min<size_t>(form.size() - 1, 9), '0');
  if (form[1] == '9') {
    while (!digits.empty() && digits.back() == '0') digits.pop_back();
    if (digits.empty()) return;
  }
  out.push_back(form[0]);
  out += digits;
}

void AppendOffset(std::string& out, int32_t offset, std::string_view form) {
  if (form[0] == 'Z' && offset == 0) {
    out.push_back('Z');
    return;
  }
  out.push_back(offset < 0 ? '-' : '+');
  const int32_t size = std::abs(offset);
  const bool colons = form.find(':') != std::string_view::npos;
  const size_t fields = (form.size() - 1 - (colons ? (form.size() > 6 ? 2 : 1) : 0)) / 2;
  AppendPadded(out, size / 3600, 2);
  if (fields >= 2) {
    if (colons) out.push_back(':');
    AppendPadded(out, size / 60 % 60, 2);
  }
  if (fields >= 3) {
    if (colons) out.push_back(':');
    AppendPadded(out, size % 60, 2);
  }
}

int Hour12(int hour) { return hour % 12 == 0 ? 12 : hour % 12; }

void AppendPart(std::string& out, const GoTime& t, const CivilTime& c, const Element& e) {
  switch (e.part) {
    case Part::kMonthName:
      out += MonthName(c.month);
      return;
    case Part::kMonthShort:
      out += MonthName(c.month).substr(0, 3);
      return;
    case Part::kMonthPadded:
      return AppendPadded(out, c.month, 2);
    case Part::kMonth:
      return AppendPadded(out, c.month, 1);
    case Part::kWeekday:
      out += WeekdayName(c.weekday);
      return;
    case Part::kWeekdayShort:
      out += WeekdayName(c.weekday).substr(0, 3);
      return;
    case Part::kUnderscoreYear:
      out.push_back('_');
      [[fallthrough]];
    case Part::kYear:
      return AppendPadded(out, c.year, 4);
    case Part::kYearShort:
      return AppendPadded(out, std::abs(c.year % 100), 2);
    case Part::kDay:
      return AppendPadded(out, c.day, 1);
    case Part::kDayPadded:
      return AppendPadded(out, c.day, 2);
    case Part::kDaySpaced:
      return AppendPadded(out, c.day, 2, ' ');
    case Part::kYearDay:
      return AppendPadded(out, c.year_day, 3);
    case Part::kYearDaySpaced:
      return AppendPadded(out, c.year_day, 3, ' ');
    case Part::kHour:
      return AppendPadded(out, c.hour, 2);
    case Part::kHour12:
      return AppendPadded(out, Hour12(c.hour), 1);
    case Part::kHour12Padded:
      return AppendPadded(out, Hour12(c.hour), 2);
    case Part::kMinute:
      return AppendPadded(out, c.minute, 1);
    case Part::kMinutePadded:
      return AppendPadded(out, c.minute, 2);
    case Part::kSecond:
      return AppendPadded(out, c.second, 1);
    case Part::kSecondPadded:
      return AppendPadded(out, c.second, 2);
    case Part::kPmUpper:
      out += c.hour >= 12 ? "PM" : "AM";
      return;
    case Part::kPmLower:
      out += c.hour >= 12 ? "pm" : "am";
      return;
    case Part::kZoneName:
      out += t.zone;
      return;
    case Part::kOffset:
      return AppendOffset(out, t.offset, e.text);
  }
}

}  // namespace

std::string_view MonthName(int64_t month) {
  return month >= 1 && month <= 12 ? kMonths[static_cast<size_t>(month - 1)] : std::string_view();
}

std::string_view WeekdayName(int64_t weekday) {
  return weekday >= 0 && weekday <= 6 ? kWeekdays[static_cast<size_t>(weekday)]
                                      : std::string_view();
}

CivilTime ToCivil(const GoTime& t) {
  const int64_t local = t.seconds + t.offset;
  const int64_t days = FloorDiv(local, kDaySeconds);
  const auto second = static_cast<int>(local - days * kDaySeconds);
  CivilTime c;
  c.hour = second / 3600;
  c.minute = second / 60 % 60;
  c.second = second % 60;
  c.weekday = static_cast<int>(((days + 4) % 7 + 7) % 7);
  // The inverse of DaysFromCivil.
  const int64_t shifted = days + 719468;
  const int64_t era = FloorDiv(shifted, 146097);
  const int64_t doe = shifted - era * 146097;
  const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const int64_t mp = (5 * doy + 2) / 153;
  c.day = static_cast<int>(doy - (153 * mp + 2) / 5 + 1);
  c.month = static_cast<int>(mp < 10 ? mp + 3 : mp - 9);
  c.year = yoe + era * 400 + (c.month <= 2 ? 1 : 0);
  c.year_day = static_cast<int>(days - DaysFromCivil(c.year, 1, 1) + 1);
  return c;
}

int64_t FromCivil(int64_t year, int64_t month, int64_t day, int64_t second_of_day) {
  const int64_t months = month - 1;
  year += FloorDiv(months, 12);
  const int64_t month0 = months - FloorDiv(months, 12) * 12;
  return (DaysFromCivil(year, month0 + 1, 1) + day - 1) * kDaySeconds + second_of_day;
}

std::string FormatGoTime(const GoTime& t, std::string_view layout) {
  const CivilTime civil = ToCivil(t);
  std::string out;
  while (!layout.empty()) {
    if (const Element* e = FindElement(layout)) {
      AppendPart(out, t, civil, *e);
      layout.remove_prefix(e->text.size());
    } else if (const size_t size = FractionLength(layout)) {
      AppendFraction(out, t.nanos, layout.substr(0, size));
      layout.remove_prefix(size);
    } else {
      out.push_back(layout[0]);
      layout.remove_prefix(1);
    }
  }
  return out;
}

std::string GoTimeText(const GoTime& t) {
  return FormatGoTime(t, "2006-01-02 15:04:05.999999999 -0700 MST");
}

std::string GoDurationText(GoDuration d) {
  if (d.nanos == 0) return "0s";
  // Unsigned, because the most negative number has no positive twin.
  uint64_t rest = d.nanos < 0 ? 0 - static_cast<uint64_t>(d.nanos) : static_cast<uint64_t>(d.nanos);
  std::string out = d.nanos < 0 ? "-" : "";
  const auto append = [&out](uint64_t whole, uint64_t part, size_t digits, std::string_view unit) {
    base::AppendUint(out, whole);
    if (part != 0) {
      std::string fraction = std::to_string(part);
      fraction.insert(0, digits - fraction.size(), '0');
      while (fraction.back() == '0') fraction.pop_back();
      out.push_back('.');
      out += fraction;
    }
    out += unit;
  };
  if (rest < 1000) {
    append(rest, 0, 0, "ns");
  } else if (rest < 1'000'000) {
    append(rest / 1000, rest % 1000, 3, "µs");
  } else if (rest < kSecondNanos) {
    append(rest / 1'000'000, rest % 1'000'000, 6, "ms");
  } else {
    const uint64_t seconds = rest / kSecondNanos;
    if (seconds >= 3600) append(seconds / 3600, 0, 0, "h");
    if (seconds >= 60) append(seconds / 60 % 60, 0, 0, "m");
    append(seconds % 60, rest % kSecondNanos, 9, "s");
  }
  return out;
}

GoTime AddDuration(const GoTime& t, GoDuration d) {
  GoTime out = t;
  int64_t nanos = t.nanos + d.nanos % kSecondNanos;
  int64_t seconds = d.nanos / kSecondNanos;
  if (nanos < 0) {
    nanos += kSecondNanos;
    --seconds;
  } else if (nanos >= kSecondNanos) {
    nanos -= kSecondNanos;
    ++seconds;
  }
  out.nanos = static_cast<int32_t>(nanos);
  out.seconds = std::clamp(t.seconds + seconds, -kFarthest, kFarthest);
  return out;
}

GoDuration TimeBetween(const GoTime& a, const GoTime& b) {
  int64_t seconds = 0;
  int64_t nanos = 0;
  if (__builtin_sub_overflow(a.seconds, b.seconds, &seconds) ||
      __builtin_mul_overflow(seconds, kSecondNanos, &nanos) ||
      __builtin_add_overflow(nanos, a.nanos - b.nanos, &nanos)) {
    return {a.seconds > b.seconds ? std::numeric_limits<int64_t>::max()
                                  : std::numeric_limits<int64_t>::min()};
  }
  return {nanos};
}

GoTime InLocalZone(const GoTime& t) {
  GoTime out = t;
  const auto seconds = static_cast<time_t>(t.seconds);
  struct tm local = {};
  if (localtime_r(&seconds, &local) == nullptr) return out;
  out.offset = static_cast<int32_t>(local.tm_gmtoff);
  out.zone = local.tm_zone;
  return out;
}

}  // namespace canopy::rules
