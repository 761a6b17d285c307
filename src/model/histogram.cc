#include "canopy/model/histogram.h"

#include <cmath>
#include <cstdio>
#include <limits>
#include <span>
#include <string>

#include "canopy/base/number.h"

namespace canopy::model {
namespace {

// Texts as prometheus/prometheus@d15adb9ad7 model/histogram/generic.go has them.
constexpr const char* kNegativeBucket =
    "histogram has a bucket whose observation count is negative";
constexpr const char* kNegativeOffset = "histogram has a span whose offset is negative";
constexpr const char* kSpansMismatch =
    "histogram spans specify different number of buckets than provided";

// No float has a bucket this far from 1, in any schema. It keeps indexes away from overflow.
constexpr int64_t kFarthestIndex = int64_t{1} << 30;

std::string Fixed(double v) {
  char buffer[400];
  std::snprintf(buffer, sizeof(buffer), "%f", v);
  return buffer;
}

std::string Number(double v) {
  std::string out;
  base::AppendFloatShortest(out, v);
  return out;
}
std::string Number(int64_t v) { return std::to_string(v); }

Status NegativeOffset(size_t n, int32_t offset) {
  return Status::Invalid("span number " + std::to_string(n + 1) + " with offset " +
                         std::to_string(offset) + ": " + kNegativeOffset);
}

Status CheckSpans(std::span<const HistogramSpan> spans, size_t buckets,
                  bool first_may_be_negative) {
  uint64_t listed = 0;
  int64_t index = 0;
  for (size_t n = 0; n < spans.size(); ++n) {
    if (spans[n].offset < 0 && !(n == 0 && first_may_be_negative))
      return NegativeOffset(n, spans[n].offset);
    listed += spans[n].length;
    index += int64_t{spans[n].offset} + spans[n].length;
    if (std::abs(index) > kFarthestIndex || std::abs(int64_t{spans[n].offset}) > kFarthestIndex)
      return Status::Invalid("histogram has a span that is out of range");
  }
  if (listed == buckets) return {};
  return Status::Invalid("spans need " + std::to_string(listed) + " buckets, have " +
                         std::to_string(buckets) + " buckets: " + kSpansMismatch);
}

Status CheckCustomBounds(std::span<const double> bounds) {
  double before = -std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < bounds.size(); ++i) {
    if (std::isnan(bounds[i])) return Status::Invalid("histogram custom bounds must not be NaN");
    if (i > 0 && bounds[i] <= before) {
      return Status::Invalid("previous bound is " + Fixed(before) + " and current is " +
                             Fixed(bounds[i]) +
                             ": histogram custom bounds must be in strictly increasing order");
    }
    before = bounds[i];
  }
  if (before == std::numeric_limits<double>::infinity()) {
    return Status::Invalid(
        "last +Inf bound must not be explicitly defined: histogram custom bounds must be finite");
  }
  return {};
}

Status CheckCustomSpans(std::span<const HistogramSpan> spans, size_t buckets, size_t bounds) {
  CANOPY_RETURN_IF_ERROR(CheckSpans(spans, buckets, false));
  uint64_t covered = 0;
  for (const HistogramSpan span : spans)
    covered += uint64_t{span.length} + static_cast<uint32_t>(span.offset);
  if (covered <= bounds + 1) return {};
  return Status::Invalid("only " + std::to_string(bounds) +
                         " custom bounds defined which is insufficient to cover total span length "
                         "of " +
                         std::to_string(covered) + ": histogram custom bounds are too few");
}

// False when the sum of integers is none: it would be too large.
bool AddUp(double a, double b, double& out) {
  out = a + b;
  return true;
}
bool AddUp(int64_t a, int64_t b, int64_t& out) { return !__builtin_add_overflow(a, b, &out); }

// Adds to `total` what the buckets hold.
template <class Count>
Status CheckBuckets(std::span<const Count> buckets, bool differences, Count& total) {
  Count last = 0;
  for (size_t i = 0; i < buckets.size(); ++i) {
    Count count = buckets[i];
    if ((differences && !AddUp(last, buckets[i], count)) ||
        (count >= 0 && !AddUp(total, count, total)))
      return Status::Invalid("histogram has a bucket whose observation count is too large");
    if (count < 0) {
      return Status::Invalid("bucket number " + std::to_string(i + 1) +
                             " has observation count of " + Number(count) + ": " + kNegativeBucket);
    }
    last = count;
  }
  return {};
}

template <class H>
Status CheckLayout(const H& h) {
  if (h.custom_buckets()) {
    if (Status s = CheckCustomBounds(h.custom_values); !s.ok()) return s.In("custom buckets");
    if (Status s =
            CheckCustomSpans(h.positive.spans, h.positive.buckets.size(), h.custom_values.size());
        !s.ok())
      return s.In("custom buckets");
    const char* wrong = h.zero_count != 0             ? "must have zero count of 0"
                        : h.zero_threshold != 0       ? "must have zero threshold of 0"
                        : !h.negative.spans.empty()   ? "must not have negative spans"
                        : !h.negative.buckets.empty() ? "must not have negative buckets"
                                                      : nullptr;
    return wrong ? Status::Invalid(wrong).In("custom buckets") : Status();
  }
  if (!IsExponentialSchema(h.schema)) {
    return Status::Invalid(
        "histogram has an invalid schema, which must be between -4 and 8 for exponential buckets, "
        "or -53 for custom buckets, got schema " +
        std::to_string(h.schema));
  }
  if (Status s = CheckSpans(h.positive.spans, h.positive.buckets.size(), true); !s.ok())
    return s.In("positive side");
  if (Status s = CheckSpans(h.negative.spans, h.negative.buckets.size(), true); !s.ok())
    return s.In("negative side");
  if (!h.custom_values.empty())
    return Status::Invalid("histogram with exponential schema must not have custom bounds");
  return {};
}

// The counts of one side from its differences.
void Accumulate(const HistogramSide<int64_t>& from, HistogramSide<double>& to) {
  to.spans = from.spans;
  to.buckets.resize(from.buckets.size());
  uint64_t count = 0;  // wraps where a histogram is not valid
  for (size_t i = 0; i < from.buckets.size(); ++i) {
    count += static_cast<uint64_t>(from.buckets[i]);
    to.buckets[i] = static_cast<double>(static_cast<int64_t>(count));
  }
}

}  // namespace

void ToFloat(const Histogram& h, FloatHistogram& out) {
  out.hint = h.hint;
  out.schema = h.schema;
  out.zero_threshold = h.zero_threshold;
  out.zero_count = static_cast<double>(h.zero_count);
  out.count = static_cast<double>(h.count);
  out.sum = h.sum;
  Accumulate(h.positive, out.positive);
  Accumulate(h.negative, out.negative);
  out.custom_values = h.custom_values;
}

void ToFloat(const std::variant<Histogram, FloatHistogram>& h, FloatHistogram& out) {
  if (const auto* const integers = std::get_if<Histogram>(&h))
    ToFloat(*integers, out);
  else
    out = std::get<FloatHistogram>(h);
}

Status Validate(const FloatHistogram& h) {
  CANOPY_RETURN_IF_ERROR(CheckLayout(h));
  double total = 0;
  if (Status s = CheckBuckets<double>(h.negative.buckets, false, total); !s.ok())
    return s.In("negative side");
  if (h.zero_count < 0) {
    return Status::Invalid("zero bucket has observation count of " + Number(h.zero_count) + ": " +
                           kNegativeBucket);
  }
  if (h.count < 0) {
    return Status::Invalid("observation count is " + Number(h.count) +
                           ": histogram's observation count is negative");
  }
  if (Status s = CheckBuckets<double>(h.positive.buckets, false, total); !s.ok())
    return s.In("positive side");
  return {};
}

Status Validate(const Histogram& h) {
  CANOPY_RETURN_IF_ERROR(CheckLayout(h));
  int64_t listed = 0;
  if (Status s = CheckBuckets<int64_t>(h.negative.buckets, true, listed); !s.ok())
    return s.In("negative side");
  if (Status s = CheckBuckets<int64_t>(h.positive.buckets, true, listed); !s.ok())
    return s.In("positive side");
  const uint64_t total = static_cast<uint64_t>(listed) + h.zero_count;
  const bool may_have_nan = std::isnan(h.sum);
  if (may_have_nan ? total <= h.count : total == h.count) return {};
  return Status::Invalid(
      std::to_string(total) + " observations found in buckets, but the Count field is " +
      std::to_string(h.count) + ": " +
      (may_have_nan ? "histogram's observation count should be at least the number of observations "
                      "found in the buckets"
                    : "histogram's observation count should equal the number of observations found "
                      "in the buckets (in absence of NaN)"));
}

}  // namespace canopy::model
