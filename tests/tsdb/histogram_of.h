#pragma once

#include <cstdint>

#include "canopy/model/histogram_buckets.h"
#include "canopy/storage/appender.h"

namespace canopy::tsdb {

// The sample of series `n` at `t` ms, always the same one: of integers, or of floats for odd
// numbers.
inline storage::HistogramValue HistogramOf(unsigned n, int64_t t) {
  const uint64_t count = static_cast<uint64_t>(t / 1000) % 100'000 + n;
  model::Histogram h;
  h.schema = 2;
  h.count = 3 * count;
  h.sum = static_cast<double>(count) / 2;
  h.positive = {{{1, 2}}, {static_cast<int64_t>(count), static_cast<int64_t>(count)}};
  if (n % 2 == 0) return h;
  model::FloatHistogram floats;
  model::ToFloat(h, floats);
  return floats;
}

}  // namespace canopy::tsdb
