#include <cmath>

#include "canopy/model/histogram_buckets.h"
#include "canopy/model/histogram_math.h"

// h </ bound and h >/ bound.

namespace canopy::model {
namespace {

// What a bucket keeps, and where its observations are taken to be.
struct Kept {
  double count;
  double at;
};

// The value that stands for all within (lower, upper].
double Midpoint(double lower, double upper, bool linear, bool positive) {
  if (std::isinf(lower)) {
    if (std::isinf(upper)) return 0;
    return upper > 0 ? upper / 2 : upper;
  }
  if (std::isinf(upper)) return lower;
  if (linear) return (lower + upper) / 2;
  const double mean = std::sqrt(std::abs(lower * upper));
  return positive ? mean : -mean;
}

double FiniteOrZero(double v) { return std::isinf(v) ? 0 : v; }

// A bucket without a lower end: one that reaches above zero is taken to begin there.
Kept KeepOfLowest(const HistogramBucket& b, double bound, TrimSide side) {
  const bool from_zero = b.upper > 0 && !std::isinf(b.upper);
  if (side == TrimSide::kUpper) {
    if (bound > 0 && from_zero) return {b.count * bound / b.upper, bound / 2};
    if (b.upper <= 0) return {b.count, bound};
    return {0, FiniteOrZero(b.upper)};
  }
  if (bound >= 0 && from_zero) return {b.count * (1 - bound / b.upper), (bound + b.upper) / 2};
  return {0, FiniteOrZero(b.upper)};
}

// The part of a bucket, lower < bound < upper, that is kept. Of a bucket without an upper end
// nobody knows what lies where: all of it is above, none below.
Kept KeepOfSplit(const HistogramBucket& b, double bound, TrimSide side, bool linear,
                 bool positive) {
  if (std::isinf(b.lower)) return KeepOfLowest(b, bound, side);
  if (std::isinf(b.upper)) {
    if (side == TrimSide::kUpper) return {0, FiniteOrZero(b.lower)};
    return {b.count, bound};
  }
  const double below = b.count * FractionBelow(b.lower, b.upper, bound, linear);
  if (side == TrimSide::kUpper) return {below, Midpoint(b.lower, bound, linear, positive)};
  return {b.count - below, Midpoint(bound, b.upper, linear, positive)};
}

Kept KeepOf(const HistogramBucket& b, double bound, TrimSide side, bool linear, bool positive) {
  const bool upper = side == TrimSide::kUpper;
  if (upper ? b.upper <= bound : b.lower >= bound)
    return {b.count, Midpoint(b.lower, b.upper, linear, positive)};
  if (upper ? b.lower < bound : b.upper > bound)
    return KeepOfSplit(b, bound, side, linear, positive);
  return {0, 0};
}

// The zero bucket reaches no farther than zero where there are no buckets beyond it.
Kept KeepOfZero(const FloatHistogram& h, double bound, TrimSide side, bool any_positive,
                bool any_negative) {
  const double lower = any_positive && !any_negative ? 0 : -h.zero_threshold;
  const double upper = any_negative && !any_positive ? 0 : h.zero_threshold;
  const Kept all{h.zero_count, (lower + upper) / 2};
  if (bound <= lower) return side == TrimSide::kUpper ? Kept{0, 0} : all;
  if (bound >= upper) return side == TrimSide::kUpper ? all : Kept{0, 0};
  if (side == TrimSide::kUpper)
    return {h.zero_count * ((bound - lower) / (upper - lower)), (lower + bound) / 2};
  return {h.zero_count * ((upper - bound) / (upper - lower)), (bound + upper) / 2};
}

}  // namespace

void Trim(FloatHistogram& h, double bound, TrimSide side) {
  double count = 0;
  double sum = 0;
  bool changed = false;
  const auto keep = [&](double& cell, const Kept& kept) {
    count += kept.count;
    sum += kept.at * kept.count;
    changed |= cell != kept.count;
    cell = kept.count;
  };
  bool any_positive = false;
  bool any_negative = false;
  ForEachBucket(h.positive, [&](int32_t index, double& cell) {
    if (cell == 0) return;
    any_positive = true;
    keep(cell, KeepOf(PositiveBucket(h, index, cell), bound, side, h.custom_buckets(), true));
  });
  ForEachBucket(h.negative, [&](int32_t index, double& cell) {
    if (cell == 0) return;
    any_negative = true;
    keep(cell, KeepOf(NegativeBucket(h, index, cell), bound, side, false, false));
  });
  if (h.zero_count > 0) keep(h.zero_count, KeepOfZero(h, bound, side, any_positive, any_negative));
  // Untouched, it keeps the sum that was observed.
  if (!changed) return;
  h.count = count;
  h.sum = sum;
  Compact(h);
}

}  // namespace canopy::model
