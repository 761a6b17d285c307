#include "row.h"

namespace canopy::promql {

size_t SamplesOf(const model::FloatHistogram& h) {
  // Prometheus's struct, and its time, in floats with their times.
  constexpr size_t kStructBytes = 168 + 8;
  const size_t elements = h.positive.spans.size() + h.negative.spans.size() +
                          h.positive.buckets.size() + h.negative.buckets.size() +
                          h.custom_values.size();
  return (kStructBytes + 8 * elements) / 16;
}

bool Row::AnyPresent() const {
  return std::any_of(values.begin(), values.end(), IsPresent) ||
         std::any_of(histograms.begin(), histograms.end(),
                     [](const HistogramPtr& h) { return h != nullptr; });
}

size_t Row::Samples() const {
  size_t samples = CountPresent(values);
  for (const HistogramPtr& h : histograms)
    if (h) samples += SamplesOf(*h);
  return samples;
}

}  // namespace canopy::promql
