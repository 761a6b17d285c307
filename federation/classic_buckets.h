#pragma once

#include <algorithm>

#include "canopy/model/histogram.h"
#include "canopy/model/histogram_buckets.h"

namespace canopy::federation {

// Calls fn(bound, cumulative count) for each bound that a histogram with custom buckets lists; the
// last bucket, up to +Inf, has all of its observations. None has more, though sums of floats may
// come to a bit more: who reads the page would refuse it.
template <class Fn>
void ForEachClassicBucket(const model::FloatHistogram& h, Fn fn) {
  size_t next = 0;
  double cumulative = 0;
  const auto show = [&] { fn(h.custom_values[next], std::min(cumulative, h.count)); };
  model::ForEachBucket(h.positive, [&](int32_t index, double count) {
    // Up to the bucket before, nothing is added.
    for (; next < h.custom_values.size() && static_cast<int64_t>(next) < index; ++next) show();
    cumulative += count;
  });
  for (; next < h.custom_values.size(); ++next) show();
}

}  // namespace canopy::federation
