#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "function_impl.h"

// What is known of a series with native histograms, or with samples that say when their counter
// started, before any window of it is looked at: each sample is looked at once, not once for each
// window that it lies in.

namespace canopy::promql {

// Counts of samples with some property, by windows.
class SampleCounts {
 public:
  template <class Has>
  SampleCounts(size_t samples, Has has) : until_(samples + 1, 0) {
    for (uint32_t n = 0; n < samples; ++n) until_[n + 1] = until_[n] + (has(n) ? 1 : 0);
  }
  uint32_t in(uint32_t begin, uint32_t end) const {
    return begin < end && end < until_.size() ? until_[end] - until_[begin] : 0;
  }

 private:
  std::vector<uint32_t> until_;
};

class CounterFacts {
 public:
  explicit CounterFacts(const RangeInput& in);

  uint32_t histograms(uint32_t begin, uint32_t end) const { return histograms_.in(begin, end); }
  uint32_t with_custom_buckets(uint32_t begin, uint32_t end) const {
    return custom_.in(begin, end);
  }
  uint32_t gauges(uint32_t begin, uint32_t end) const { return gauges_.in(begin, end); }
  // Whether the counter of some sample but the first started before the sample before, and not with
  // its counter.
  bool overlap(uint32_t begin, uint32_t end) const {
    return !in_.start_times.empty() && overlaps_.in(begin + 1, end) > 0;
  }
  // Whether the counter started again between samples n - 1 and n, which are of one kind.
  bool IsReset(uint32_t n) const;
  // The samples of (begin, end) before which it did, ascending. REQUIRES: neither end moves back.
  std::span<const uint32_t> ResetsIn(uint32_t begin, uint32_t end);
  // The lowest schema of histograms in a window. REQUIRES: begin < end, and neither moves back.
  int32_t LowestSchema(uint32_t begin, uint32_t end) const;

 private:
  const RangeInput& in_;
  const SampleCounts histograms_;
  const SampleCounts custom_;
  const SampleCounts gauges_;
  const SampleCounts overlaps_;
  const SampleCounts schema_changes_;
  std::vector<uint32_t>& resets_;  // of samples up to next_
  size_t first_ = 0;
  uint32_t next_ = 1;
};

// Whether the counter started again between samples n - 1 and n, as far as their start times say.
bool StartedAgain(const RangeInput& in, uint32_t n);

}  // namespace canopy::promql
