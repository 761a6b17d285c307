#pragma once

#include <span>
#include <vector>

namespace canopy::promql {

// The order of quantiles: NaN before everything else.
inline bool QuantileLess(double a, double b) { return a < b || (a != a && b == b); }

// The q-quantile of values in that order, weighted between neighbours. NaN for no values or a q
// that is NaN; -Inf below 0, +Inf above 1.
double SortedQuantile(double q, std::span<const double> sorted);
// Sorts as far as it must.
double Quantile(double q, std::span<double> values);

// One bucket of a classic histogram: how many observations are at most `upper_bound`.
struct Bucket {
  double upper_bound;
  double count;
};

struct BucketQuantileResult {
  double value = 0;
  // Set when counts had to be made to rise: where, and by how much.
  bool forced_monotonic = false;
  double min_bucket = 0;
  double max_bucket = 0;
  double max_diff = 0;
};
// As Prometheus's histogram_quantile. REQUIRES: not empty, sorted by bound. Changes the buckets.
BucketQuantileResult BucketQuantile(double q, std::vector<Bucket>& buckets);
// The share of observations between two values, likewise.
double BucketFraction(double lower, double upper, std::vector<Bucket>& buckets);

}  // namespace canopy::promql
