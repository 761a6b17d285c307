#include "canopy/model/histogram_integer.h"

#include <algorithm>

#include "canopy/model/histogram_buckets.h"
#include "canopy/model/histogram_math.h"
#include "histogram_cells.h"

namespace canopy::model {
namespace {

// A side from counts with rising indexes.
class DifferenceBuilder {
 public:
  void Add(int32_t index, int64_t count) {
    if (!side_.spans.empty() && index == next_)
      ++side_.spans.back().length;
    else
      side_.spans.push_back({index - next_, 1});
    next_ = index + 1;
    side_.buckets.push_back(count - last_);
    last_ = count;
  }
  HistogramSide<int64_t> Take() { return std::move(side_); }

 private:
  HistogramSide<int64_t> side_;
  int32_t next_ = 0;
  int64_t last_ = 0;
};

// Calls fn(index, count) for each populated bucket.
template <class Fn>
void ForEachPopulated(const HistogramSide<int64_t>& side, Fn fn) {
  int64_t count = 0;
  ForEachBucket(side, [&](int32_t index, int64_t difference) {
    count += difference;
    if (count != 0) fn(index, count);
  });
}

HistogramSide<int64_t> CompactSide(const HistogramSide<int64_t>& side) {
  DifferenceBuilder out;
  ForEachPopulated(side, [&](int32_t index, int64_t count) { out.Add(index, count); });
  return out.Take();
}

HistogramSide<int64_t> ReduceSide(const HistogramSide<int64_t>& side, int32_t from, int32_t to) {
  DifferenceBuilder out;
  int32_t current = 0;
  int64_t sum = 0;
  ForEachPopulated(side, [&](int32_t index, int64_t count) {
    const int32_t reduced = ReducedIndex(index, from, to);
    if (sum != 0 && reduced != current) {
      out.Add(current, sum);
      sum = 0;
    }
    current = reduced;
    sum += count;
  });
  if (sum != 0) out.Add(current, sum);
  return out.Take();
}

// Source: prometheus 3.14 model/histogram/generic.go ExponentialSchemaMaxReserved.
constexpr int32_t kFinestReserved = 52;

template <class H>
Status ValidateAny(H& h) {
  const int32_t schema = h.schema;
  const bool finer = schema > kMaxExponentialSchema && schema <= kFinestReserved;
  if (finer) h.schema = kMaxExponentialSchema;
  CANOPY_RETURN_IF_ERROR(Validate(h));
  if (!finer) return {};
  // 31 steps at once leave two buckets, and so do more.
  h.schema = std::min(schema, kMaxExponentialSchema + 31);
  ReduceResolution(h, kMaxExponentialSchema);
  return {};
}

}  // namespace

void Compact(Histogram& h) {
  h.positive = CompactSide(h.positive);
  h.negative = CompactSide(h.negative);
}

void ReduceResolution(Histogram& h, int32_t schema) {
  h.positive = ReduceSide(h.positive, h.schema, schema);
  h.negative = ReduceSide(h.negative, h.schema, schema);
  h.schema = schema;
}

Status ValidateForeign(Histogram& h) { return ValidateAny(h); }
Status ValidateForeign(FloatHistogram& h) { return ValidateAny(h); }

}  // namespace canopy::model
