#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "canopy/base/status.h"

// Native histograms: buckets that grow exponentially, of which only the populated ones are kept; or
// buckets with bounds of their own, as classic histograms have them. Fields, and what they mean, as
// prometheus/prometheus@d15adb9ad7 model/histogram. Plain values; const methods are thread-safe.

namespace canopy::model {

// Exponential schemas: the bounds of buckets are powers of 2^(2^-schema), so that each schema has
// twice the buckets of the one below.
inline constexpr int32_t kMinExponentialSchema = -4;
inline constexpr int32_t kMaxExponentialSchema = 8;
// Bounds are listed: histograms with custom buckets ("NHCB").
inline constexpr int32_t kCustomBucketsSchema = -53;

constexpr bool IsExponentialSchema(int32_t schema) {
  return schema >= kMinExponentialSchema && schema <= kMaxExponentialSchema;
}

// What is known about the counter that a histogram is a sample of. Numbered as in Prometheus's
// protobuf and chunks.
enum class CounterResetHint : uint8_t {
  kUnknown = 0,   // compare with the sample before
  kReset = 1,     // the counter started again between the sample before and this one
  kNotReset = 2,  // it did not
  kGauge = 3,     // no counter at all
};

// A run of buckets that follow each other: `offset` empty ones, then `length` that are listed. The
// first offset is the index of the first bucket, and may be negative.
struct HistogramSpan {
  int32_t offset = 0;
  uint32_t length = 0;
  friend bool operator==(const HistogramSpan&, const HistogramSpan&) = default;
};

// The buckets above zero, or those below it, from zero outwards. As many `buckets` as the lengths
// of all spans together.
template <class Count>
struct HistogramSide {
  std::vector<HistogramSpan> spans;
  std::vector<Count> buckets;

  void Clear() {
    spans.clear();
    buckets.clear();
  }
};

// A histogram whose counts are floats: what PromQL computes with. Bucket i of an exponential schema
// holds (b^(i-1), b^i]; below zero the same, mirrored. Bucket i of custom ones holds
// (bounds[i-1], bounds[i]], from -Inf to +Inf.
struct FloatHistogram {
  CounterResetHint hint = CounterResetHint::kUnknown;
  int32_t schema = 0;
  double zero_threshold = 0;  // |observations| up to this are in zero_count
  double zero_count = 0;
  double count = 0;
  double sum = 0;  // the staleness marker's bits: the series ends here
  HistogramSide<double> positive;
  HistogramSide<double> negative;  // none with custom buckets, nor a zero bucket
  // With custom buckets only: their upper bounds, rising, without the last, which is +Inf.
  std::vector<double> custom_values;

  bool custom_buckets() const { return schema == kCustomBucketsSchema; }
};

// A histogram whose counts are integers, as targets expose and stores keep it. The first bucket of
// a side is a count, each other one the difference to the one before.
struct Histogram {
  CounterResetHint hint = CounterResetHint::kUnknown;
  int32_t schema = 0;
  double zero_threshold = 0;
  uint64_t zero_count = 0;
  uint64_t count = 0;
  double sum = 0;
  HistogramSide<int64_t> positive;
  HistogramSide<int64_t> negative;
  std::vector<double> custom_values;

  bool custom_buckets() const { return schema == kCustomBucketsSchema; }
};

// Sets every field of `out`, whose memory is used again.
void ToFloat(const Histogram& h, FloatHistogram& out);
// Of either kind.
void ToFloat(const std::variant<Histogram, FloatHistogram>& h, FloatHistogram& out);

// kInvalid with Prometheus's text when spans and buckets do not fit together, a count is negative,
// or a field is used that the schema does not have. Of integer histograms the count must be that of
// all buckets together; where the sum is NaN it may be more, by observations that are NaN.
Status Validate(const FloatHistogram& h);
Status Validate(const Histogram& h);

}  // namespace canopy::model
