#pragma once

#include <cstdint>
#include <vector>

#include "canopy/model/histogram.h"

// Arithmetic of native histograms, as prometheus/prometheus@d15adb9ad7
// model/histogram/float_histogram.go does it. Layouts of two histograms are brought together first:
// the lower schema counts, the wider zero bucket, and of custom bounds those that both have.
// REQUIRES, everywhere: valid histograms (Validate).

namespace canopy::model {

// What became of bringing two histograms together.
struct HistogramMerge {
  // False: one has custom buckets and the other one has not; nothing was done.
  bool compatible = true;
  // One says that its counter was reset, the other that its was not. Nothing is known of the sum.
  bool reset_collision = false;
  // Custom bounds differed: those that both have are left.
  bool bounds_reconciled = false;
};

// h += other, h -= other. Buckets may be left that are empty: see Compact. What is known about
// counter resets is merged; a difference is a gauge only when the caller says so.
HistogramMerge Add(FloatHistogram& h, const FloatHistogram& other);
HistogramMerge Subtract(FloatHistogram& h, const FloatHistogram& other);

// Counts and sum times a factor. By a negative one it becomes a gauge.
void Multiply(FloatHistogram& h, double factor);
// Likewise. Divided by 0 no buckets are left.
void Divide(FloatHistogram& h, double divisor);

// Takes empty buckets out, but for gaps of at most `max_gap` between populated ones: these are
// listed within one span.
void Compact(FloatHistogram& h, int64_t max_gap = 0);

// REQUIRES: exponential, schema <= h.schema.
void ReduceResolution(FloatHistogram& h, int32_t schema);

// True when some number is infinite: too large for a float.
bool HasOverflow(const FloatHistogram& h);

// True when a counter that was at `before` cannot have come to `now` without starting again. What
// `now` says itself counts first: its hint.
bool DetectReset(const FloatHistogram& now, const FloatHistogram& before);

// Equal as data: same layout, empty spans aside, and the same bits in all numbers. Hints do not
// count.
bool SameHistogram(const FloatHistogram& a, const FloatHistogram& b);

// What is left of the observations up to `bound` (`h </ bound`), or above it (`h >/ bound`); the
// bucket around the bound is split as quantiles split it.
enum class TrimSide : uint8_t { kUpper, kLower };
void Trim(FloatHistogram& h, double bound, TrimSide side);

// The share of the bucket that lies below a value strictly within it; on a logarithmic scale unless
// `linear`.
double FractionBelow(double lower, double upper, double value, bool linear);

}  // namespace canopy::model
