#include "canopy/model/histogram_math.h"
#include "histogram_cells.h"

// Whether a counter has started again between two samples.

namespace canopy::model {
namespace {

// True when some populated bucket of `before` is missing now, or holds less. Buckets that end at
// the zero threshold or below count as part of the zero bucket.
bool AnyFell(const HistogramSide<double>& now, const HistogramSide<double>& before, int32_t schema,
             double threshold) {
  SideCursor b(before);
  SideCursor n(now);
  for (; !b.done(); b.Next()) {
    if (threshold > 0 && BucketBound(b.index(), schema, {}) <= threshold) continue;
    while (!n.done() && n.index() < b.index()) n.Next();
    const bool found = !n.done() && n.index() == b.index();
    if (found ? n.cell() < b.cell() : b.cell() != 0) return true;
  }
  return false;
}

bool AnyFellExponential(const FloatHistogram& now, const FloatHistogram& before) {
  // Finer buckets, or a narrower one around zero, come with a new counter only.
  if (now.schema > before.schema || now.zero_threshold < before.zero_threshold) return true;
  double zero_before = before.zero_count;
  if (now.zero_threshold > before.zero_threshold) {
    // A bucket does not grow into the zero bucket by half.
    if (OutsideBuckets(before, now.zero_threshold) != now.zero_threshold) return true;
    ForEachNearZero(before, now.zero_threshold,
                    [&](double count, double, double) { zero_before += count; });
  }
  if (now.zero_count < zero_before) return true;
  const auto fell = [&](const HistogramSide<double>& n, const HistogramSide<double>& b) {
    return now.schema == before.schema ? AnyFell(n, b, now.schema, now.zero_threshold)
                                       : AnyFell(n, ReducedSide(b, before.schema, now.schema),
                                                 now.schema, now.zero_threshold);
  };
  return fell(now.positive, before.positive) || fell(now.negative, before.negative);
}

bool AnyFellCustom(const FloatHistogram& now, const FloatHistogram& before) {
  if (now.custom_values == before.custom_values)
    return AnyFell(now.positive, before.positive, kCustomBucketsSchema, 0);
  const std::vector<double> kept = CommonBounds(now.custom_values, before.custom_values);
  return AnyFell(RemappedSide(now.positive, now.custom_values, kept),
                 RemappedSide(before.positive, before.custom_values, kept), kCustomBucketsSchema,
                 0);
}

}  // namespace

bool DetectReset(const FloatHistogram& now, const FloatHistogram& before) {
  if (now.hint == CounterResetHint::kReset) return true;
  if (now.hint == CounterResetHint::kNotReset) return false;
  if (now.count < before.count) return true;
  if (now.custom_buckets() != before.custom_buckets()) return true;
  return now.custom_buckets() ? AnyFellCustom(now, before) : AnyFellExponential(now, before);
}

}  // namespace canopy::model
