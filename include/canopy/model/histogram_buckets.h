#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "canopy/model/histogram.h"

// The buckets of a histogram one by one, and as text.

namespace canopy::model {

struct HistogramBucket {
  double lower = 0;
  double upper = 0;
  bool lower_inclusive = false;
  bool upper_inclusive = false;
  double count = 0;
};

// The bound of bucket `index` that is farther from zero, as an absolute value; with custom buckets
// the upper one, -Inf for index -1. REQUIRES: the schema is valid, and with custom buckets
// -1 <= index <= custom_values.size().
double BucketBound(int32_t index, int32_t schema, std::span<const double> custom_values);

// Calls fn(index, count) for each listed bucket, outwards from zero. Side is a HistogramSide, whose
// counts fn may change when it takes them by reference.
template <class Side, class Fn>
void ForEachBucket(Side& side, Fn fn) {
  size_t n = 0;
  int32_t index = 0;
  for (const HistogramSpan span : side.spans) {
    index += span.offset;
    for (uint32_t i = 0; i < span.length && n < side.buckets.size(); ++i)
      fn(index++, side.buckets[n++]);
  }
}

HistogramBucket PositiveBucket(const FloatHistogram& h, int32_t index, double count);
HistogramBucket NegativeBucket(const FloatHistogram& h, int32_t index, double count);
// From -zero_threshold to zero_threshold. REQUIRES: no custom buckets.
HistogramBucket ZeroBucket(const FloatHistogram& h);

// All listed buckets, ascending, and the zero bucket where it has observations. What overlaps with
// the zero bucket is cut at its end. Replaces what `out` held.
void AllBuckets(const FloatHistogram& h, std::vector<HistogramBucket>& out);

// "(1,2]:3"
void AppendText(std::string& out, const HistogramBucket& bucket);
// "{count:4, sum:5.5, [-0.001,0.001]:1, (1,2]:3}": as Prometheus prints it. Empty buckets are left
// out.
std::string ToString(const FloatHistogram& h);
// "{{schema:1 count:4 sum:5.5 buckets:[1 0 3]}}": as test scripts write it.
std::string ToTestExpression(const FloatHistogram& h);

}  // namespace canopy::model
