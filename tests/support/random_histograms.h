#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include "canopy/model/histogram.h"

namespace canopy::testing {

struct HistogramKinds {
  bool gauge = false;
  bool custom_buckets = false;
  // Spans of no length, which are valid, but not to every reader.
  bool empty_spans = true;
  // Of 1000 histograms: so many come after a reset, have another layout, or are staleness markers.
  unsigned resets = 20;
  unsigned layouts = 10;
  unsigned markers = 15;
};

// Histograms as a target shows them, one after the other: valid, with buckets that come, and empty
// ones between them that are listed or not. Not thread-safe.
class RandomHistograms {
 public:
  RandomHistograms(uint32_t seed, const HistogramKinds& kinds);

  model::Histogram Next();
  // The same, with counts that are no integers.
  model::FloatHistogram NextFloat();

 private:
  using Counts = std::map<int32_t, int64_t>;

  uint32_t Below(uint32_t n) { return static_cast<uint32_t>(random_() % n); }
  void NewLayout();
  void Observe(Counts& side);
  // Some of the empty buckets are listed.
  model::HistogramSide<int64_t> Side(const Counts& counts);

  std::mt19937 random_;
  const HistogramKinds kinds_;
  int32_t schema_ = 0;
  double zero_threshold_ = 0;
  std::vector<double> bounds_;
  uint64_t zero_count_ = 0;
  double sum_ = 0;
  Counts positive_;
  Counts negative_;
};

// Equal in all that is stored; the hint is none of it. Markers are all the same.
bool SameStored(const model::Histogram& a, const model::Histogram& b);
bool SameStored(const model::FloatHistogram& a, const model::FloatHistogram& b);

}  // namespace canopy::testing
