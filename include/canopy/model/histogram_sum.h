#pragma once

#include <memory>

#include "canopy/model/histogram.h"
#include "canopy/model/histogram_math.h"

namespace canopy::model {

// A sum of histograms that keeps, for every number in it, what rounding took (Kahan, Neumaier). Not
// thread-safe.
class HistogramSum {
 public:
  explicit HistogramSum(const FloatHistogram& first);
  ~HistogramSum();
  HistogramSum(HistogramSum&&) noexcept;
  HistogramSum& operator=(HistogramSum&&) noexcept;

  // Nothing changes when they are not compatible.
  HistogramMerge Add(const FloatHistogram& h);
  // May have empty buckets.
  FloatHistogram Total() const;

 private:
  friend class HistogramMean;
  struct State;
  std::unique_ptr<State> state_;
};

// The mean of histograms: a sum divided, until that sum would overflow; from then on an incremental
// mean. Not thread-safe.
class HistogramMean {
 public:
  explicit HistogramMean(const FloatHistogram& first);

  HistogramMerge Add(const FloatHistogram& h);
  FloatHistogram Mean() const;

 private:
  HistogramMerge AddIncrementally(const FloatHistogram& h);

  HistogramSum sum_;  // once incremental, the mean so far
  double count_ = 1;
  double largest_;  // no number of the sum is larger
  bool incremental_ = false;
};

}  // namespace canopy::model
