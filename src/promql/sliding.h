#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "canopy/base/kahan.h"
#include "quantile.h"

// Aggregates of windows that move forward over one array of values: each value is looked at a
// bounded number of times, however large the windows are.

namespace canopy::promql {

using base::KahanSum;

// What State::Add makes of the values of a window, and State::Merge of two windows that follow each
// other. The window is split somewhere: of the part before the split the states of all suffixes are
// known, of the part behind it the state so far; nothing is ever taken off, so no error is left
// behind by what has gone.
template <class State>
class SlidingFold {
 public:
  explicit SlidingFold(std::span<const double> values) : values_(values) {}

  // REQUIRES: neither end moves back; begin < end. Inlined by force: for several kinds of states
  // g++ 12 does not, and sums are a quarter slower.
  [[gnu::always_inline]] State Of(uint32_t begin, uint32_t end) {
    while (end_ < end) back_.Add(values_[end_++]);
    if (begin >= split_) Split(begin);
    State total = suffixes_[begin - base_];
    total.Merge(back_);
    return total;
  }

 private:
  void Split(uint32_t begin) {
    base_ = begin;
    split_ = end_;
    suffixes_.resize(split_ - base_);
    State suffix;
    for (uint32_t i = split_; i-- > base_;) {
      suffix.Add(values_[i]);
      suffixes_[i - base_] = suffix;
    }
    back_ = {};
  }

  const std::span<const double> values_;
  uint32_t base_ = 0;
  uint32_t split_ = 0;
  uint32_t end_ = 0;
  std::vector<State> suffixes_;
  State back_;
};

// Each partial sum carries its error, as Kahan's does: the result is as exact as a sum over the
// window itself, and differs from it by some units in the last place at most.
// REQUIRES of values: finite, and no sum of theirs overflows.
struct MergeableSum : KahanSum {
  void Merge(const MergeableSum& later) {
    const double errors = c + later.c;
    c = 0;
    Add(later.sum);
    c += errors;
  }
};
using SlidingSum = SlidingFold<MergeableSum>;

// Squares of distances from the mean, as Welford sums them up and Chan adds two such sums.
// REQUIRES of values: finite, and no square of a difference of theirs overflows, nor their sum.
struct Spread {
  double count = 0;
  double mean = 0;
  double squares = 0;

  void Add(double v) {
    count += 1;
    const double delta = v - mean;
    mean += delta / count;
    squares += delta * (v - mean);
  }
  void Merge(const Spread& later) {
    if (later.count == 0) return;
    const double delta = later.mean - mean;
    const double both = count + later.count;
    squares += later.squares + delta * delta * (count * later.count / both);
    mean += delta * (later.count / both);
    count = both;
  }
  double variance() const { return squares / count; }
};
using SlidingSpread = SlidingFold<Spread>;

// The index of the first among the best values of each window, where Better(a, b) says that a beats
// b. Values that are not a number count only when there is nothing else.
template <class Better>
class SlidingBest {
 public:
  SlidingBest(std::span<const double> values, Better better) : values_(values), better_(better) {}

  // REQUIRES: neither end moves back; begin < end.
  uint32_t Of(uint32_t begin, uint32_t end) {
    for (; end_ < end; ++end_) {
      const double v = values_[end_];
      if (v != v) continue;
      while (!candidates_.empty() && better_(v, values_[candidates_.back()]))
        candidates_.pop_back();
      candidates_.push_back(end_);
    }
    while (!candidates_.empty() && candidates_.front() < begin) candidates_.pop_front();
    return candidates_.empty() ? begin : candidates_.front();
  }

 private:
  const std::span<const double> values_;
  const Better better_;
  uint32_t end_ = 0;
  // Each one is beaten by no later one.
  std::deque<uint32_t> candidates_;
};

// The values of a window in the order of quantiles. A step costs a search and a move of memory for
// each value that comes or goes.
class SlidingOrder {
 public:
  explicit SlidingOrder(std::span<const double> values) : values_(values) {}

  // REQUIRES: neither end moves back.
  std::span<const double> Of(uint32_t begin, uint32_t end) {
    if (begin >= end_) {
      sorted_.clear();
      begin_ = end_ = begin;
    }
    for (; begin_ < begin; ++begin_) sorted_.erase(Place(values_[begin_]));
    for (; end_ < end; ++end_) sorted_.insert(Place(values_[end_]), values_[end_]);
    return sorted_;
  }

 private:
  std::vector<double>::iterator Place(double v) {
    return std::lower_bound(sorted_.begin(), sorted_.end(), v, QuantileLess);
  }

  const std::span<const double> values_;
  uint32_t begin_ = 0;
  uint32_t end_ = 0;
  std::vector<double> sorted_;
};

}  // namespace canopy::promql
