#include "canopy/model/histogram_math.h"

#include <bit>
#include <cmath>

#include "canopy/base/check.h"
#include "canopy/model/sample.h"
#include "histogram_cells.h"

namespace canopy::model {
namespace {

bool IsInfinite(double v) { return std::isinf(v); }

// Populated buckets, and of the empty ones those in gaps that are small enough.
void CompactSide(HistogramSide<double>& side, int64_t max_gap) {
  bool changes = std::any_of(side.buckets.begin(), side.buckets.end(),
                             [](double count) { return count == 0; });
  for (size_t i = 0; i < side.spans.size(); ++i)
    changes |= side.spans[i].length == 0 || (i > 0 && side.spans[i].offset <= max_gap);
  if (!changes) return;
  SideBuilder<double> out;
  out.Reserve(side.buckets.size());
  bool first = true;
  int32_t next = 0;
  ForEachBucket(side, [&](int32_t index, double count) {
    if (count == 0) return;
    if (!first && int64_t{index} - next <= max_gap)
      for (; next < index; ++next) out.Append(next, 0);
    out.Append(index, count);
    first = false;
    next = index + 1;
  });
  side = out.Take();
}

// Equal in what they say: spans without buckets only move the ones behind them.
bool SameSpans(const HistogramSide<double>& a, const HistogramSide<double>& b) {
  if (a.spans == b.spans) return true;
  SideCursor x(a);
  SideCursor y(b);
  for (; !x.done() && !y.done(); x.Next(), y.Next())
    if (x.index() != y.index()) return false;
  return x.done() && y.done();
}

bool SameSide(const HistogramSide<double>& a, const HistogramSide<double>& b) {
  return std::equal(a.buckets.begin(), a.buckets.end(), b.buckets.begin(), b.buckets.end(),
                    SameBits) &&
         SameSpans(a, b);
}

}  // namespace

HistogramMerge Add(FloatHistogram& h, const FloatHistogram& other) {
  return MergeInto(h, other, 1);
}

HistogramMerge Subtract(FloatHistogram& h, const FloatHistogram& other) {
  return MergeInto(h, other, -1);
}

void Multiply(FloatHistogram& h, double factor) {
  h.zero_count *= factor;
  h.count *= factor;
  h.sum *= factor;
  for (double& count : h.positive.buckets) count *= factor;
  for (double& count : h.negative.buckets) count *= factor;
  if (factor < 0) h.hint = CounterResetHint::kGauge;
}

void Divide(FloatHistogram& h, double divisor) {
  h.zero_count /= divisor;
  h.count /= divisor;
  h.sum /= divisor;
  if (divisor == 0) {
    h.positive.Clear();
    h.negative.Clear();
    return;
  }
  for (double& count : h.positive.buckets) count /= divisor;
  for (double& count : h.negative.buckets) count /= divisor;
  if (divisor < 0) h.hint = CounterResetHint::kGauge;
}

void Compact(FloatHistogram& h, int64_t max_gap) {
  CompactSide(h.positive, max_gap);
  CompactSide(h.negative, max_gap);
}

void ReduceResolution(FloatHistogram& h, int32_t schema) {
  CANOPY_DCHECK(!h.custom_buckets() && schema <= h.schema);
  if (schema == h.schema) return;
  h.positive = ReducedSide(h.positive, h.schema, schema);
  h.negative = ReducedSide(h.negative, h.schema, schema);
  h.schema = schema;
}

bool HasOverflow(const FloatHistogram& h) {
  const auto any = [](const std::vector<double>& v) {
    return std::any_of(v.begin(), v.end(), IsInfinite);
  };
  return IsInfinite(h.zero_count) || IsInfinite(h.count) || IsInfinite(h.sum) ||
         any(h.positive.buckets) || any(h.negative.buckets);
}

bool SameHistogram(const FloatHistogram& a, const FloatHistogram& b) {
  return a.schema == b.schema && SameBits(a.count, b.count) && SameBits(a.sum, b.sum) &&
         a.custom_values == b.custom_values && a.zero_threshold == b.zero_threshold &&
         SameBits(a.zero_count, b.zero_count) && SameSide(a.positive, b.positive) &&
         SameSide(a.negative, b.negative);
}

double FractionBelow(double lower, double upper, double value, bool linear) {
  if (linear) return (value - lower) / (upper - lower);
  const double log_lower = std::log2(std::abs(lower));
  const double log_upper = std::log2(std::abs(upper));
  const double log_value = std::log2(std::abs(value));
  if (value > 0) return (log_value - log_lower) / (log_upper - log_lower);
  return 1 - (log_value - log_upper) / (log_lower - log_upper);
}

}  // namespace canopy::model
