#pragma once

#include <cstdint>

// What the time at which a counter started says about two samples of it, one after the other. Rules
// as prometheus/prometheus@d15adb9ad7 promql/functions.go has them.

namespace canopy::promql {

struct StartedSample {
  int64_t start;  // 0: not known
  int64_t time;
};

// True when the counter started again between the two. A start that is the time of the sample
// before is one only when that sample's own start is known: then each sample counts for itself
// (delta temporality).
inline bool IsNewStart(const StartedSample& before, const StartedSample& now) {
  if (now.start == 0 || now.start >= now.time || now.start < before.time) return false;
  if (now.start > before.time) return true;
  return before.start != 0 && before.start < before.time;
}

// True when a counter that started anew did so before the last sample of the old one.
inline bool Overlaps(const StartedSample& before, int64_t start) {
  return start != 0 && start < before.time && start != before.start;
}

}  // namespace canopy::promql
