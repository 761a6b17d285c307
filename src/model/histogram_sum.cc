#include "canopy/model/histogram_sum.h"

#include <cmath>

#include "histogram_cells.h"

namespace canopy::model {
namespace {

HistogramSide<KahanSum> Compensated(const HistogramSide<double>& side) {
  HistogramSide<KahanSum> out;
  out.spans = side.spans;
  out.buckets.reserve(side.buckets.size());
  for (const double count : side.buckets) out.buckets.push_back({count, 0});
  return out;
}

CompensatedHistogram Compensated(const FloatHistogram& h) {
  CompensatedHistogram out;
  out.hint = h.hint;
  out.schema = h.schema;
  out.zero_threshold = h.zero_threshold;
  out.zero_count.sum = h.zero_count;
  out.count.sum = h.count;
  out.sum.sum = h.sum;
  out.positive = Compensated(h.positive);
  out.negative = Compensated(h.negative);
  out.custom_values = h.custom_values;
  return out;
}

// With `value` of each cell.
template <class Fn>
FloatHistogram Plain(const CompensatedHistogram& h, Fn value) {
  FloatHistogram out;
  out.hint = h.hint;
  out.schema = h.schema;
  out.zero_threshold = h.zero_threshold;
  out.zero_count = value(h.zero_count);
  out.count = value(h.count);
  out.sum = value(h.sum);
  const auto side = [&](const HistogramSide<KahanSum>& from, HistogramSide<double>& to) {
    to.spans = from.spans;
    to.buckets.reserve(from.buckets.size());
    for (const KahanSum& cell : from.buckets) to.buckets.push_back(value(cell));
  };
  side(h.positive, out.positive);
  side(h.negative, out.negative);
  out.custom_values = h.custom_values;
  return out;
}

template <class Fn>
void ForEachCell(CompensatedHistogram& h, Fn fn) {
  fn(h.zero_count);
  fn(h.count);
  fn(h.sum);
  for (KahanSum& cell : h.positive.buckets) fn(cell);
  for (KahanSum& cell : h.negative.buckets) fn(cell);
}

void Scale(CompensatedHistogram& h, double factor) {
  ForEachCell(h, [&](KahanSum& cell) {
    cell.sum *= factor;
    cell.c *= factor;
  });
}

bool Overflows(CompensatedHistogram& h) {
  bool any = false;
  ForEachCell(h, [&](const KahanSum& cell) { any |= std::isinf(cell.sum); });
  return any;
}

// What adding the histogram to others can add to any one number of theirs, at most.
double LargestOf(const FloatHistogram& h) {
  double buckets = std::abs(h.zero_count);
  for (const double count : h.positive.buckets) buckets += std::abs(count);
  for (const double count : h.negative.buckets) buckets += std::abs(count);
  return std::max({buckets, std::abs(h.count), std::abs(h.sum)});
}

}  // namespace

struct HistogramSum::State {
  CompensatedHistogram total;
};

HistogramSum::HistogramSum(const FloatHistogram& first)
    : state_(std::make_unique<State>(State{Compensated(first)})) {}
HistogramSum::~HistogramSum() = default;
HistogramSum::HistogramSum(HistogramSum&&) noexcept = default;
HistogramSum& HistogramSum::operator=(HistogramSum&&) noexcept = default;

HistogramMerge HistogramSum::Add(const FloatHistogram& h) { return MergeInto(state_->total, h, 1); }

FloatHistogram HistogramSum::Total() const {
  return Plain(state_->total, [](const KahanSum& cell) { return cell.sum + cell.c; });
}

HistogramMean::HistogramMean(const FloatHistogram& first)
    : sum_(first), largest_(LargestOf(first)) {}

HistogramMerge HistogramMean::Add(const FloatHistogram& h) {
  count_ += 1;
  if (incremental_) return AddIncrementally(h);
  largest_ += LargestOf(h);
  if (largest_ < std::numeric_limits<double>::max()) return sum_.Add(h);
  // It may overflow: tried on a copy.
  CompensatedHistogram next = sum_.state_->total;
  const HistogramMerge merge = MergeInto(next, h, 1);
  if (!merge.compatible) return merge;
  if (!Overflows(next)) {
    sum_.state_->total = std::move(next);
    return merge;
  }
  incremental_ = true;
  ForEachCell(sum_.state_->total, [&](KahanSum& cell) {
    cell.sum /= count_ - 1;
    cell.c /= count_ - 1;
  });
  HistogramMerge added = AddIncrementally(h);
  added.bounds_reconciled |= merge.bounds_reconciled;
  return added;
}

HistogramMerge HistogramMean::AddIncrementally(const FloatHistogram& h) {
  Scale(sum_.state_->total, (count_ - 1) / count_);
  FloatHistogram share = h;
  Divide(share, count_);
  return sum_.Add(share);
}

FloatHistogram HistogramMean::Mean() const {
  if (incremental_) return sum_.Total();
  return Plain(sum_.state_->total,
               [&](const KahanSum& cell) { return cell.sum / count_ + cell.c / count_; });
}

}  // namespace canopy::model
