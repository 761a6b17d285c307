#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// Points and lengths of time as Go's time package has them, for the methods that templates call on
// the results of toTime and toDuration.

namespace canopy::rules {

// time.Duration: nanoseconds.
struct GoDuration {
  int64_t nanos = 0;
  friend bool operator==(const GoDuration&, const GoDuration&) = default;
};

// time.Time with a fixed zone.
struct GoTime {
  int64_t seconds = 0;  // since the Unix epoch
  int32_t nanos = 0;    // [0, 1e9)
  int32_t offset = 0;   // seconds east of Greenwich
  std::string zone = "UTC";
};

// A time's parts in its zone. month from 1; weekday from 0 (Sunday); year_day from 1.
struct CivilTime {
  int64_t year = 1970;
  int month = 1, day = 1, hour = 0, minute = 0, second = 0, weekday = 0, year_day = 1;
};
CivilTime ToCivil(const GoTime& t);
// The Unix seconds of a UTC date; month and day may lie outside their ranges, as in time.Date.
int64_t FromCivil(int64_t year, int64_t month, int64_t day, int64_t second_of_day);

std::string_view MonthName(int64_t month);      // "January"; "" outside 1..12
std::string_view WeekdayName(int64_t weekday);  // "Sunday"; "" outside 0..6

// time.Time.Format: the layout is how "Mon Jan 2 15:04:05 MST 2006" is to look.
std::string FormatGoTime(const GoTime& t, std::string_view layout);
// time.Time.String: "2015-06-23 13:19:44.128 +0000 UTC".
std::string GoTimeText(const GoTime& t);
// time.Duration.String: "1h2m3.5s", "100ms", "0s".
std::string GoDurationText(GoDuration d);

// Stays within some 300 million years of the epoch: a template cannot make this program overflow.
GoTime AddDuration(const GoTime& t, GoDuration d);
// a - b; saturates, as time.Time.Sub does.
GoDuration TimeBetween(const GoTime& a, const GoTime& b);
// The same moment where this machine is.
GoTime InLocalZone(const GoTime& t);

}  // namespace canopy::rules
