#pragma once

#include "canopy/model/histogram.h"
#include "canopy/model/histogram_buckets.h"

namespace canopy::federation {

// Calls fn(bound, cumulative count) for each bound that a histogram with custom buckets lists; the
// last bucket, up to +Inf, has all of its observations.
template <class Fn>
void ForEachClassicBucket(const model::FloatHistogram& h, Fn fn) {
  size_t next = 0;
  double cumulative = 0;
  model::ForEachBucket(h.positive, [&](int32_t index, double count) {
    // Up to the bucket before, nothing is added.
    for (; next < h.custom_values.size() && static_cast<int64_t>(next) < index; ++next)
      fn(h.custom_values[next], cumulative);
    cumulative += count;
  });
  for (; next < h.custom_values.size(); ++next) fn(h.custom_values[next], cumulative);
}

}  // namespace canopy::federation
