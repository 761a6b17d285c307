#include "quantile.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace canopy::promql {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Counts of neighbours that differ by less, relatively, differ by rounding only.
constexpr double kSmallDelta = 1e-12;

bool AlmostEqual(double a, double b) {
  if (a == b) return true;
  const double sum = std::abs(a) + std::abs(b);
  const double diff = std::abs(a - b);
  constexpr double kMinNormal = std::numeric_limits<double>::min();
  if (a == 0 || b == 0 || sum < kMinNormal) return diff < kSmallDelta * kMinNormal;
  return diff / std::min(sum, std::numeric_limits<double>::max()) < kSmallDelta;
}

void JoinEqualBounds(std::vector<Bucket>& buckets) {
  size_t last = 0;
  for (size_t i = 1; i < buckets.size(); ++i) {
    if (buckets[i].upper_bound == buckets[last].upper_bound) {
      buckets[last].count += buckets[i].count;
    } else {
      buckets[++last] = buckets[i];
    }
  }
  buckets.resize(last + 1);
}

void MakeMonotonic(std::vector<Bucket>& buckets, BucketQuantileResult& result) {
  result.min_bucket = kInf;
  result.max_bucket = -kInf;
  double before = buckets[0].count;
  for (size_t i = 1; i < buckets.size(); ++i) {
    Bucket& b = buckets[i];
    if (b.count == before) continue;
    if (AlmostEqual(before, b.count)) {
      b.count = before;
    } else if (b.count < before) {
      result.forced_monotonic = true;
      result.min_bucket = std::min(result.min_bucket, b.upper_bound);
      result.max_bucket = std::max(result.max_bucket, b.upper_bound);
      result.max_diff = std::max(result.max_diff, before - b.count);
      b.count = before;
    } else {
      before = b.count;
    }
  }
}

// Within the bucket where the rank falls, observations are taken to lie evenly; below the first
// bound, from 0.
double Interpolate(const std::vector<Bucket>& buckets, double rank) {
  const size_t last = buckets.size() - 1;
  size_t b = 0;
  while (b < last && !(buckets[b].count >= rank)) ++b;
  if (b == last) return buckets[last - 1].upper_bound;
  if (b == 0 && buckets[0].upper_bound <= 0) return buckets[0].upper_bound;
  const double end = buckets[b].upper_bound;
  if (b == 0) return end * (rank / buckets[0].count);
  const Bucket& below = buckets[b - 1];
  const double share = (rank - below.count) / (buckets[b].count - below.count);
  return below.upper_bound + (end - below.upper_bound) * share;
}

double Weighted(double lower, double upper, double weight) {
  return lower * (1 - weight) + upper * weight;
}

}  // namespace

double SortedQuantile(double q, std::span<const double> sorted) {
  if (sorted.empty() || std::isnan(q)) return kNan;
  if (q < 0) return -kInf;
  if (q > 1) return kInf;
  const double rank = q * (static_cast<double>(sorted.size()) - 1);
  const auto lower = static_cast<size_t>(rank);
  const size_t upper = std::min(sorted.size() - 1, lower + 1);
  return Weighted(sorted[lower], sorted[upper], rank - std::floor(rank));
}

double Quantile(double q, std::span<double> values) {
  if (values.empty() || !(q >= 0 && q <= 1)) return SortedQuantile(q, values);
  const double rank = q * (static_cast<double>(values.size()) - 1);
  const auto lower = static_cast<size_t>(rank);
  const auto at = values.begin() + static_cast<ptrdiff_t>(lower);
  std::nth_element(values.begin(), at, values.end(), QuantileLess);
  // The next in order is the least of what lies above.
  double upper = *at;
  if (lower + 1 < values.size()) upper = *std::min_element(at + 1, values.end(), QuantileLess);
  return Weighted(*at, upper, rank - std::floor(rank));
}

BucketQuantileResult BucketQuantile(double q, std::vector<Bucket>& buckets) {
  BucketQuantileResult result;
  result.value = kNan;
  if (std::isnan(q)) return result;
  if (q < 0 || q > 1) {
    result.value = q < 0 ? -kInf : kInf;
    return result;
  }
  if (buckets.back().upper_bound != kInf) return result;
  JoinEqualBounds(buckets);
  MakeMonotonic(buckets, result);
  if (buckets.size() < 2 || buckets.back().count == 0) return result;
  result.value = Interpolate(buckets, q * buckets.back().count);
  return result;
}

double BucketFraction(double lower, double upper, std::vector<Bucket>& buckets) {
  if (buckets.back().upper_bound != kInf) return kNan;
  JoinEqualBounds(buckets);
  const double total = buckets.back().count;
  if (total == 0 || std::isnan(lower) || std::isnan(upper)) return kNan;
  if (lower >= upper) return 0;
  // Observations below `value`, taken to lie evenly within each bucket of finite width; of a bucket
  // without a lower end none is below.
  const auto rank_of = [&](double value) {
    double start = buckets[0].upper_bound <= 0 ? -kInf : 0.0;
    double below = 0;
    for (const Bucket& b : buckets) {
      if (start >= value) return below;
      if (b.upper_bound > value) {
        if (start == -kInf) return b.count;
        return below + (b.count - below) * (value - start) / (b.upper_bound - start);
      }
      below = b.count;
      start = b.upper_bound;
    }
    return total;
  };
  return (std::min(rank_of(upper), total) - std::min(rank_of(lower), total)) / total;
}

}  // namespace canopy::promql
