#include "canopy/base/time.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "canopy/base/number.h"

namespace canopy {
namespace {

struct Unit {
  std::string_view name;
  int64_t ms;
  bool only_whole;  // written only when nothing remains: 90d reads better than 12w6d
};

// Largest first: the order in which a duration's text must name them.
constexpr Unit kUnits[] = {
    {"y", int64_t{365} * 86'400'000, true},
    {"w", int64_t{7} * 86'400'000, true},
    {"d", 86'400'000, false},
    {"h", 3'600'000, false},
    {"m", 60'000, false},
    {"s", 1000, false},
    {"ms", 1, false},
};

// Prometheus holds durations as int64 nanoseconds and refuses what does not fit there; ours would
// hold more, but a configuration must not be valid here and invalid there.
constexpr int64_t kMaxDurationMs = std::numeric_limits<int64_t>::max() / 1'000'000;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

Status BadDuration(std::string_view text) {
  return Status::Invalid("not a valid duration string: \"" + std::string(text) + "\"");
}

// Takes the digits at the front of `text` as a number of at most `max_digits` digits; -1 when there
// are none or too many.
int64_t TakeNumber(std::string_view& text, size_t max_digits) {
  size_t n = 0;
  int64_t v = 0;
  while (n < text.size() && IsDigit(text[n])) {
    if (n == max_digits) return -1;
    v = v * 10 + (text[n] - '0');
    ++n;
  }
  text.remove_prefix(n);
  return n == 0 ? -1 : v;
}

bool TakeChar(std::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

// Exactly two digits, at most `max`; -1 otherwise.
int TakeTwoDigits(std::string_view& text, int max) {
  if (text.size() < 2 || !IsDigit(text[0]) || !IsDigit(text[1])) return -1;
  const int v = (text[0] - '0') * 10 + (text[1] - '0');
  text.remove_prefix(2);
  return v <= max ? v : -1;
}

bool LeapYear(int64_t y) { return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0; }

int DaysInMonth(int64_t y, int m) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return m == 2 && LeapYear(y) ? 29 : kDays[m - 1];
}

int64_t DaysSinceEpoch(int year, int month, int day) {
  using namespace std::chrono;
  return sys_days(std::chrono::year(year) / month / day).time_since_epoch().count();
}

// "Z" or "+hh:mm": the offset in milliseconds. False when it is neither.
bool TakeZone(std::string_view& text, int64_t& offset_ms) {
  if (TakeChar(text, 'Z') || TakeChar(text, 'z')) {
    offset_ms = 0;
    return true;
  }
  const bool negative = !text.empty() && text[0] == '-';
  if (!TakeChar(text, '+') && !TakeChar(text, '-')) return false;
  const int h = TakeTwoDigits(text, 23);
  if (h < 0 || !TakeChar(text, ':')) return false;
  const int m = TakeTwoDigits(text, 59);
  if (m < 0) return false;
  offset_ms = (int64_t{h} * 60 + m) * 60'000 * (negative ? -1 : 1);
  return true;
}

// Digits after the point, cut to milliseconds as the time's resolution is.
bool TakeFraction(std::string_view& text, int64_t& ms) {
  ms = 0;
  if (!TakeChar(text, '.') && !TakeChar(text, ',')) return true;
  if (text.empty() || !IsDigit(text[0])) return false;
  for (int64_t place = 100; !text.empty() && IsDigit(text[0]); place /= 10) {
    ms += place * (text[0] - '0');
    text.remove_prefix(1);
  }
  return true;
}

bool ParseRfc3339(std::string_view text, Timestamp& out) {
  if (text.size() < 5 || text[4] != '-') return false;
  const int64_t year = TakeNumber(text, 4);
  if (year < 0 || !TakeChar(text, '-')) return false;
  const int month = TakeTwoDigits(text, 12);
  if (month < 1 || !TakeChar(text, '-')) return false;
  const int day = TakeTwoDigits(text, DaysInMonth(year, month));
  if (day < 1 || (!TakeChar(text, 'T') && !TakeChar(text, 't'))) return false;
  const int hour = TakeTwoDigits(text, 23);
  if (hour < 0 || !TakeChar(text, ':')) return false;
  const int minute = TakeTwoDigits(text, 59);
  if (minute < 0 || !TakeChar(text, ':')) return false;
  const int second = TakeTwoDigits(text, 59);
  int64_t ms = 0;
  int64_t offset_ms = 0;
  if (second < 0 || !TakeFraction(text, ms) || !TakeZone(text, offset_ms) || !text.empty())
    return false;
  const int64_t seconds = DaysSinceEpoch(static_cast<int>(year), month, day) * 86'400 +
                          hour * 3600 + minute * 60 + second;
  out = Timestamp::FromMs(seconds * 1000 + ms - offset_ms);
  return true;
}

}  // namespace

Timestamp Timestamp::FromSeconds(double seconds) {
  const double ms = std::round(seconds * 1000.0);
  // The bounds are powers of two, so that the comparison is exact.
  if (std::isnan(ms)) return Timestamp();
  if (ms >= 0x1p63) return Max();
  if (ms < -0x1p63) return Min();
  return FromMs(static_cast<int64_t>(ms));
}

Result<Duration> ParseDuration(std::string_view text) {
  if (text.empty()) return Status::Invalid("empty duration string");
  if (text == "0") return Duration(0);
  std::string_view rest = text;
  size_t next_unit = 0;
  int64_t total = 0;
  while (!rest.empty()) {
    size_t digits = 0;
    while (digits < rest.size() && IsDigit(rest[digits])) ++digits;
    const auto number = base::ParseUint(rest.substr(0, digits));
    rest.remove_prefix(digits);
    size_t letters = 0;
    while (letters < rest.size() && !IsDigit(rest[letters])) ++letters;
    if (!number || letters == 0) return BadDuration(text);
    const std::string_view name = rest.substr(0, letters);
    rest.remove_prefix(letters);

    size_t unit = 0;
    while (unit < std::size(kUnits) && kUnits[unit].name != name) ++unit;
    if (unit == std::size(kUnits)) {
      return Status::Invalid("unknown unit \"" + std::string(name) + "\" in duration \"" +
                             std::string(text) + "\"");
    }
    if (unit < next_unit) return BadDuration(text);
    next_unit = unit + 1;
    if (*number > static_cast<uint64_t>((kMaxDurationMs - total) / kUnits[unit].ms))
      return Status::Invalid("duration out of range");
    total += static_cast<int64_t>(*number) * kUnits[unit].ms;
  }
  return Duration(total);
}

std::string FormatDuration(Duration d) {
  if (d.count() == 0) return "0s";
  std::string out;
  // Unsigned: the smallest int64 has no positive counterpart.
  auto rest = static_cast<uint64_t>(d.count());
  if (d.count() < 0) {
    out.push_back('-');
    rest = 0 - rest;
  }
  for (const Unit& unit : kUnits) {
    const auto ms = static_cast<uint64_t>(unit.ms);
    if (rest < ms || (unit.only_whole && rest % ms != 0)) continue;
    base::AppendUint(out, rest / ms);
    out.append(unit.name);
    rest %= ms;
  }
  return out;
}

std::string FormatRfc3339(Timestamp t) {
  using namespace std::chrono;
  int64_t ms = t.ms() % 1000;
  int64_t seconds = t.ms() / 1000;
  if (ms < 0) {
    ms += 1000;
    --seconds;
  }
  int64_t of_day = seconds % 86'400;
  int64_t days = seconds / 86'400;
  if (of_day < 0) {
    of_day += 86'400;
    --days;
  }
  // Years beyond what the calendar type holds are not dates that anybody reads; clamp them.
  constexpr int64_t kMaxDays = 11'248'738;  // 32767-12-31
  days = std::clamp<int64_t>(days, -kMaxDays, kMaxDays);
  const year_month_day date{sys_days(std::chrono::days(static_cast<int>(days)))};
  char buffer[64];
  int n = std::snprintf(buffer, sizeof buffer, "%04d-%02u-%02uT%02d:%02d:%02d",
                        static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                        static_cast<unsigned>(date.day()), static_cast<int>(of_day / 3600),
                        static_cast<int>(of_day / 60 % 60), static_cast<int>(of_day % 60));
  std::string out(buffer, static_cast<size_t>(n));
  if (ms != 0) {
    n = std::snprintf(buffer, sizeof buffer, ".%03d", static_cast<int>(ms));
    out.append(buffer, static_cast<size_t>(n));
    while (out.back() == '0') out.pop_back();
  }
  out.push_back('Z');
  return out;
}

Result<Timestamp> ParseTimestamp(std::string_view text) {
  if (const auto seconds = base::ParseFloat(text)) {
    // Prometheus turns these seconds into int64 nanoseconds and wraps around silently where they
    // do not fit milliseconds; saying so is kinder.
    if (!std::isfinite(*seconds) || std::abs(*seconds) * 1000.0 >= 0x1p63)
      return Status::Invalid("cannot parse \"" + std::string(text) + "\" to a valid timestamp");
    return Timestamp::FromSeconds(*seconds);
  }
  Timestamp t;
  if (ParseRfc3339(text, t)) return t;
  return Status::Invalid("cannot parse \"" + std::string(text) + "\" to a valid timestamp");
}

}  // namespace canopy
