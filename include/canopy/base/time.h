#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "canopy/base/status.h"

namespace canopy {

// Lengths of time are milliseconds throughout: the resolution of every Prometheus wire and file.
using Duration = std::chrono::milliseconds;

// A point in time: milliseconds since the Unix epoch, negative before it. It is the data's time;
// nothing in the store compares it with the wall clock.
class Timestamp {
 public:
  constexpr Timestamp() = default;
  static constexpr Timestamp FromMs(int64_t ms) { return Timestamp(ms); }
  // Rounds to the nearest millisecond.
  static Timestamp FromSeconds(double seconds);
  static constexpr Timestamp Min() { return Timestamp(std::numeric_limits<int64_t>::min()); }
  static constexpr Timestamp Max() { return Timestamp(std::numeric_limits<int64_t>::max()); }

  constexpr int64_t ms() const { return ms_; }
  constexpr double seconds() const { return static_cast<double>(ms_) / 1000.0; }

  friend constexpr auto operator<=>(Timestamp, Timestamp) = default;
  // Saturates at Min() and Max(): callers subtract lookbacks from Min() without care.
  friend constexpr Timestamp operator+(Timestamp t, Duration d) {
    int64_t out = 0;
    if (__builtin_add_overflow(t.ms_, d.count(), &out)) return d.count() > 0 ? Max() : Min();
    return Timestamp(out);
  }
  friend constexpr Timestamp operator-(Timestamp t, Duration d) {
    int64_t out = 0;
    if (__builtin_sub_overflow(t.ms_, d.count(), &out)) return d.count() > 0 ? Min() : Max();
    return Timestamp(out);
  }
  friend constexpr Duration operator-(Timestamp a, Timestamp b) {
    int64_t out = 0;
    if (__builtin_sub_overflow(a.ms_, b.ms_, &out))
      return a > b ? Duration::max() : Duration::min();
    return Duration(out);
  }

 private:
  explicit constexpr Timestamp(int64_t ms) : ms_(ms) {}
  int64_t ms_ = 0;
};

// (after, until]: open on the left, closed on the right, as range selectors of PromQL 3 and
// federation windows are. Empty unless after < until.
struct Window {
  Timestamp after;
  Timestamp until;

  constexpr bool Contains(Timestamp t) const { return after < t && t <= until; }
  constexpr bool empty() const { return after >= until; }
  constexpr Duration length() const { return until - after; }
  constexpr bool Overlaps(const Window& o) const {
    return !empty() && !o.empty() && after < o.until && o.after < until;
  }
  friend constexpr bool operator==(const Window&, const Window&) = default;
};

// Prometheus's duration text: "1h30m", "15s", "500ms", "1d", "1w", "1y"; units descending, each at
// most once; "0" is zero. Anything else is kInvalid with the offending text.
Result<Duration> ParseDuration(std::string_view text);

// The shortest such text: 5400000 ms -> "1h30m", 0 -> "0s".
std::string FormatDuration(Duration d);

// "2026-01-02T15:04:05.678Z"; milliseconds only when there are some.
std::string FormatRfc3339(Timestamp t);

// RFC 3339, or Unix seconds with a fraction, as the HTTP API takes them.
Result<Timestamp> ParseTimestamp(std::string_view text);

}  // namespace canopy
