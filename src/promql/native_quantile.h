#pragma once

#include <vector>

#include "canopy/model/histogram.h"
#include "canopy/model/histogram_buckets.h"

// What native histograms tell of the observations in them. As prometheus/prometheus@d15adb9ad7
// promql/quantile.go: within a bucket observations are taken to lie evenly on a scale of logarithms
// (as if the schema were finer), and evenly within custom buckets and the zero bucket.

namespace canopy::promql {

struct NativeQuantileResult {
  double value = 0;
  // Observations that are NaN count, but lie in no bucket: the result would lie among them, or is
  // higher for their sake.
  bool nan_result = false;
  bool skewed = false;
};
// `buckets` is memory to work with, here and below.
NativeQuantileResult NativeQuantile(double q, const model::FloatHistogram& h,
                                    std::vector<model::HistogramBucket>& buckets);

struct NativeFractionResult {
  double value = 0;
  bool excludes_nans = false;
};
NativeFractionResult NativeFraction(double lower, double upper, const model::FloatHistogram& h,
                                    std::vector<model::HistogramBucket>& buckets);

double NativeVariance(const model::FloatHistogram& h, std::vector<model::HistogramBucket>& buckets);

}  // namespace canopy::promql
