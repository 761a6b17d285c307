#include "native_quantile.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "canopy/base/kahan.h"
#include "canopy/model/histogram_math.h"

namespace canopy::promql {
namespace {

using model::FloatHistogram;
using model::HistogramBucket;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// A bucket around zero ends there where the histogram has no buckets beyond it.
void CutAtZero(const FloatHistogram& h, HistogramBucket& b) {
  if (h.negative.buckets.empty() && !h.positive.buckets.empty()) b.lower = 0;
  if (h.positive.buckets.empty() && !h.negative.buckets.empty()) b.upper = 0;
}

// Where a quantile falls: the bucket, and how many observations were passed up to its far end.
struct Place {
  HistogramBucket bucket;
  double count = 0;
};

template <class It>
Place FindPlace(It it, It end, double rank) {
  Place out;
  for (; it != end; ++it) {
    out.bucket = *it;
    if (it->count == 0) continue;
    out.count += it->count;
    if (out.count >= rank) break;
  }
  return out;
}

// `fraction` of the way through the bucket.
double Interpolate(const HistogramBucket& b, double fraction, bool custom) {
  if (custom || (b.lower <= 0 && b.upper >= 0)) return b.lower + (b.upper - b.lower) * fraction;
  const double lower = std::log2(std::abs(b.lower));
  const double upper = std::log2(std::abs(b.upper));
  if (b.lower > 0) return std::exp2(lower + (upper - lower) * fraction);
  return -std::exp2(upper + (lower - upper) * (1 - fraction));
}

double TotalOf(const std::vector<HistogramBucket>& buckets) {
  double total = 0;
  for (const HistogramBucket& b : buckets) total += b.count;
  return total;
}

// Observations below `value`, where buckets reach as far.
std::optional<double> RankOf(const FloatHistogram& h, const std::vector<HistogramBucket>& buckets,
                             double value) {
  double rank = 0;
  for (HistogramBucket b : buckets) {
    const bool around_zero = b.lower <= 0 && b.upper >= 0;
    if (around_zero) CutAtZero(h, b);
    if (b.lower >= value) return rank;
    if (b.upper > value) {
      const bool linear = h.custom_buckets() || around_zero;
      // Nothing is known of where observations lie in a bucket without a lower end.
      if (linear && b.lower == -kInf) return b.count;
      return rank + b.count * model::FractionBelow(b.lower, b.upper, value, linear);
    }
    rank += b.count;
  }
  return std::nullopt;
}

}  // namespace

NativeQuantileResult NativeQuantile(double q, const FloatHistogram& h,
                                    std::vector<HistogramBucket>& buckets) {
  if (q < 0) return {-kInf};
  if (q > 1) return {kInf};
  if (h.count == 0 || std::isnan(q)) return {kNan};
  model::AllBuckets(h, buckets);
  // From the nearer end, for exactness; but observations that are NaN lie beyond the upper one.
  const bool may_have_nans = std::isnan(h.sum);
  const bool forward = may_have_nans || q < 0.5;
  const double rank = (forward ? q : 1 - q) * h.count;
  Place place = forward ? FindPlace(buckets.begin(), buckets.end(), rank)
                        : FindPlace(buckets.rbegin(), buckets.rend(), rank);
  HistogramBucket& b = place.bucket;
  if (h.custom_buckets()) {
    if (b.lower == -kInf) {
      if (b.upper <= 0) return {b.upper};
      b.lower = 0;
    } else if (b.upper == kInf) {
      return {b.lower};
    }
  } else if (b.lower < 0 && b.upper > 0) {
    CutAtZero(h, b);
  }
  const double count = std::min(place.count, h.count);
  if (count < rank) {
    if (may_have_nans) return {kNan, true, false};
    return {b.upper};
  }
  const double within = forward ? rank - (count - b.count) : count - rank;
  NativeQuantileResult out{Interpolate(b, within / b.count, h.custom_buckets())};
  out.skewed = may_have_nans && TotalOf(buckets) < h.count;
  return out;
}

NativeFractionResult NativeFraction(double lower, double upper, const FloatHistogram& h,
                                    std::vector<HistogramBucket>& buckets) {
  if (h.count == 0 || std::isnan(lower) || std::isnan(upper)) return {kNan};
  if (lower >= upper) return {0};
  model::AllBuckets(h, buckets);
  double total = h.count;
  NativeFractionResult out;
  if (std::isnan(h.sum)) {
    total = TotalOf(buckets);
    out.excludes_nans = total < h.count;
  }
  const auto rank_of = [&](double value) {
    return std::min(RankOf(h, buckets, value).value_or(total), total);
  };
  out.value = (rank_of(upper) - rank_of(lower)) / h.count;
  return out;
}

double NativeVariance(const FloatHistogram& h, std::vector<HistogramBucket>& buckets) {
  model::AllBuckets(h, buckets);
  const double mean = h.sum / h.count;
  base::KahanSum squares;
  for (const HistogramBucket& b : buckets) {
    if (b.count == 0) continue;
    double value = 0;  // of the zero bucket
    if (h.custom_buckets()) {
      value = (b.upper + b.lower) / 2;
    } else if (b.lower > 0 || b.upper < 0) {
      value = std::sqrt(b.upper * b.lower);
      if (b.upper < 0) value = -value;
    }
    squares.Add(b.count * (value - mean) * (value - mean));
  }
  return (squares.sum + squares.c) / h.count;
}

}  // namespace canopy::promql
