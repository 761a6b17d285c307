#pragma once

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "canopy/base/kahan.h"
#include "canopy/model/histogram.h"
#include "canopy/model/histogram_buckets.h"
#include "canopy/model/histogram_math.h"

// Sums of histograms over cells of two kinds: plain numbers, and numbers with what rounding took
// from them.

namespace canopy::model {

using base::KahanSum;

// A FloatHistogram of compensated cells: the same fields.
struct CompensatedHistogram {
  CounterResetHint hint = CounterResetHint::kUnknown;
  int32_t schema = 0;
  double zero_threshold = 0;
  KahanSum zero_count;
  KahanSum count;
  KahanSum sum;
  HistogramSide<KahanSum> positive;
  HistogramSide<KahanSum> negative;
  std::vector<double> custom_values;

  bool custom_buckets() const { return schema == kCustomBucketsSchema; }
};

inline void AddTo(double& cell, double v) { cell += v; }
inline void AddTo(KahanSum& cell, double v) { cell.Add(v); }
inline void AddTo(KahanSum& cell, const KahanSum& v) {
  cell.Add(v.sum);
  cell.Add(v.c);
}
inline bool IsPopulated(double cell) { return cell != 0; }
inline bool IsPopulated(const KahanSum& cell) { return cell.sum != 0; }

// Builds a side from buckets that come with rising indexes.
template <class Cell>
class SideBuilder {
 public:
  void Reserve(size_t buckets) { side_.buckets.reserve(buckets); }
  void Append(int32_t index, const Cell& cell) {
    if (!side_.spans.empty() && index == next_) {
      ++side_.spans.back().length;
    } else {
      side_.spans.push_back({index - next_, 1});
    }
    next_ = index + 1;
    side_.buckets.push_back(cell);
  }
  // Into the last bucket when it has this index.
  template <class Other>
  void AppendOrAdd(int32_t index, const Other& cell) {
    if (!side_.buckets.empty() && next_ == index + 1) {
      AddTo(side_.buckets.back(), cell);
    } else {
      Cell fresh{};
      AddTo(fresh, cell);
      Append(index, fresh);
    }
  }
  HistogramSide<Cell> Take() { return std::move(side_); }

 private:
  HistogramSide<Cell> side_;
  int32_t next_ = 0;
};

// A place among the buckets of a side.
template <class Cell>
class SideCursor {
 public:
  explicit SideCursor(const HistogramSide<Cell>& side) : side_(side) { SkipEmptySpans(); }
  bool done() const { return span_ == side_.spans.size() || bucket_ == side_.buckets.size(); }
  int32_t index() const { return index_; }
  const Cell& cell() const { return side_.buckets[bucket_]; }
  void Next() {
    ++bucket_;
    ++index_;
    if (++in_span_ == side_.spans[span_].length) {
      ++span_;
      in_span_ = 0;
      SkipEmptySpans();
    }
  }

 private:
  void SkipEmptySpans() {
    for (; span_ < side_.spans.size(); ++span_) {
      index_ += side_.spans[span_].offset;
      if (side_.spans[span_].length > 0) return;
    }
  }

  const HistogramSide<Cell>& side_;
  size_t span_ = 0;
  size_t bucket_ = 0;
  uint32_t in_span_ = 0;
  int32_t index_ = 0;
};

// The bucket of a lower schema that bucket `index` is part of.
inline int32_t ReducedIndex(int32_t index, int32_t from, int32_t to) {
  return ((index - 1) >> (from - to)) + 1;
}

template <class Cell>
HistogramSide<Cell> ReducedSide(const HistogramSide<Cell>& side, int32_t from, int32_t to) {
  SideBuilder<Cell> out;
  out.Reserve(side.buckets.size());
  ForEachBucket(side, [&](int32_t index, const Cell& cell) {
    out.AppendOrAdd(ReducedIndex(index, from, to), cell);
  });
  return out.Take();
}

// Calls fn(cell, inner, outer) with the bounds of each bucket, as absolute values, that begins
// below `threshold`.
template <class H, class Fn>
void ForEachNearZero(const H& h, double threshold, Fn fn) {
  for (const auto* side : {&h.positive, &h.negative}) {
    ForEachBucket(*side, [&](int32_t index, const auto& cell) {
      const double inner = BucketBound(index - 1, h.schema, {});
      if (inner < threshold) fn(cell, inner, BucketBound(index, h.schema, {}));
    });
  }
}

// The least zero threshold, `threshold` or more, that lies within no populated bucket.
template <class H>
double OutsideBuckets(const H& h, double threshold) {
  if (h.zero_threshold == threshold) return threshold;
  for (double raised = threshold;; threshold = raised) {
    ForEachNearZero(h, threshold, [&](const auto& cell, double, double outer) {
      if (outer > threshold && IsPopulated(cell)) raised = std::max(raised, outer);
    });
    if (raised == threshold) return raised;
  }
}

// The zero threshold that two histograms can both take.
template <class H>
double CommonZeroThreshold(const H& a, const FloatHistogram& b) {
  double threshold = std::max(a.zero_threshold, b.zero_threshold);
  while (true) {
    const double raised = OutsideBuckets(b, OutsideBuckets(a, threshold));
    if (raised == threshold) return threshold;
    threshold = raised;
  }
}

template <class H>
void WidenZeroBucket(H& h, double threshold) {
  ForEachNearZero(h, threshold,
                  [&](const auto& cell, double, double) { AddTo(h.zero_count, cell); });
  for (auto* side : {&h.positive, &h.negative}) {
    SideBuilder<typename std::decay_t<decltype(side->buckets)>::value_type> out;
    ForEachBucket(*side, [&](int32_t index, const auto& cell) {
      if (BucketBound(index - 1, h.schema, {}) >= threshold) out.Append(index, cell);
    });
    *side = out.Take();
  }
  h.zero_threshold = threshold;
}

// side += sign * other, but for buckets of the other that end at the threshold or below.
template <class Cell>
void AddSide(HistogramSide<Cell>& side, const HistogramSide<double>& other, double sign,
             int32_t schema, double threshold) {
  if (other.buckets.empty()) return;
  const auto in_zero_bucket = [&](int32_t index) {
    return threshold > 0 && BucketBound(index, schema, {}) <= threshold;
  };
  if (side.spans == other.spans && !in_zero_bucket(other.spans[0].offset)) {
    for (size_t i = 0; i < side.buckets.size(); ++i)
      AddTo(side.buckets[i], sign * other.buckets[i]);
    return;
  }
  SideBuilder<Cell> out;
  out.Reserve(side.buckets.size() + other.buckets.size());
  SideCursor a(side);
  SideCursor b(other);
  while (!b.done() && in_zero_bucket(b.index())) b.Next();
  while (!a.done() || !b.done()) {
    const bool from_a = !a.done() && (b.done() || a.index() <= b.index());
    const bool from_b = !b.done() && (a.done() || b.index() <= a.index());
    Cell cell{};
    const int32_t index = from_a ? a.index() : b.index();
    if (from_a) cell = a.cell();
    if (from_b) AddTo(cell, sign * b.cell());
    out.Append(index, cell);
    if (from_a) a.Next();
    if (from_b) b.Next();
  }
  side = out.Take();
}

// Bounds that both have.
inline std::vector<double> CommonBounds(const std::vector<double>& a,
                                        const std::vector<double>& b) {
  std::vector<double> out;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}

// Custom buckets as they are when only some of their bounds are kept.
template <class Cell>
HistogramSide<Cell> RemappedSide(const HistogramSide<Cell>& side, const std::vector<double>& bounds,
                                 const std::vector<double>& kept) {
  SideBuilder<Cell> out;
  ForEachBucket(side, [&](int32_t index, const Cell& cell) {
    const auto i = static_cast<size_t>(index);
    const auto at =
        i < bounds.size() ? std::lower_bound(kept.begin(), kept.end(), bounds[i]) : kept.end();
    out.AppendOrAdd(static_cast<int32_t>(at - kept.begin()), cell);
  });
  return out.Take();
}

// True when one says reset and the other says not.
inline bool MergeHints(CounterResetHint& hint, CounterResetHint other) {
  using enum CounterResetHint;
  if (hint == other || hint == kGauge) return false;
  if (other == kGauge) {
    hint = kGauge;
    return false;
  }
  const bool collision = hint != kUnknown && other != kUnknown;
  hint = kUnknown;
  return collision;
}

// h += sign * other.
template <class H>
HistogramMerge MergeInto(H& h, const FloatHistogram& other, double sign) {
  HistogramMerge out;
  out.compatible = h.custom_buckets() == other.custom_buckets();
  if (!out.compatible) return out;
  out.reset_collision = MergeHints(h.hint, other.hint);
  AddTo(h.count, sign * other.count);
  AddTo(h.sum, sign * other.sum);
  if (h.custom_buckets()) {
    out.bounds_reconciled = h.custom_values != other.custom_values;
    if (!out.bounds_reconciled) {
      AddSide(h.positive, other.positive, sign, h.schema, 0);
      return out;
    }
    std::vector<double> kept = CommonBounds(h.custom_values, other.custom_values);
    h.positive = RemappedSide(h.positive, h.custom_values, kept);
    AddSide(h.positive, RemappedSide(other.positive, other.custom_values, kept), sign, h.schema, 0);
    h.custom_values = std::move(kept);
    return out;
  }
  const double threshold = CommonZeroThreshold(h, other);
  if (threshold > h.zero_threshold) WidenZeroBucket(h, threshold);
  double others_zero = other.zero_count;
  if (threshold > other.zero_threshold)
    ForEachNearZero(other, threshold, [&](double count, double, double) { others_zero += count; });
  AddTo(h.zero_count, sign * others_zero);
  if (other.schema < h.schema) {
    h.positive = ReducedSide(h.positive, h.schema, other.schema);
    h.negative = ReducedSide(h.negative, h.schema, other.schema);
    h.schema = other.schema;
  }
  const auto add = [&](auto& side, const HistogramSide<double>& others) {
    if (other.schema == h.schema) {
      AddSide(side, others, sign, h.schema, h.zero_threshold);
    } else {
      AddSide(side, ReducedSide(others, other.schema, h.schema), sign, h.schema, h.zero_threshold);
    }
  };
  add(h.positive, other.positive);
  add(h.negative, other.negative);
  return out;
}

}  // namespace canopy::model
