#include "tests/support/random_histograms.h"

#include <algorithm>
#include <cmath>

#include "canopy/model/histogram_buckets.h"
#include "canopy/model/sample.h"

namespace canopy::testing {
namespace {

// Buckets by index, without empty ones.
template <class Count>
std::map<int32_t, Count> Populated(const model::HistogramSide<Count>& side, bool differences) {
  std::map<int32_t, Count> out;
  Count last = 0;
  model::ForEachBucket(side, [&](int32_t index, Count listed) {
    last = differences ? last + listed : listed;
    if (last != 0) out[index] = last;
  });
  return out;
}

bool Same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }
template <class Count>
bool Same(const std::map<int32_t, Count>& a, const std::map<int32_t, Count>& b) {
  return std::ranges::equal(a, b, [](const auto& x, const auto& y) {
    return x.first == y.first && Same(static_cast<double>(x.second), static_cast<double>(y.second));
  });
}

template <class H>
bool SameFields(const H& a, const H& b, bool differences) {
  if (model::IsStale(a.sum) || model::IsStale(b.sum))
    return model::IsStale(a.sum) && model::IsStale(b.sum);
  const auto count = [](auto c) { return static_cast<double>(c); };
  return a.schema == b.schema && Same(a.zero_threshold, b.zero_threshold) &&
         Same(count(a.zero_count), count(b.zero_count)) && Same(count(a.count), count(b.count)) &&
         model::SameBits(a.sum, b.sum) && a.custom_values == b.custom_values &&
         Same(Populated(a.positive, differences), Populated(b.positive, differences)) &&
         Same(Populated(a.negative, differences), Populated(b.negative, differences));
}

}  // namespace

bool SameStored(const model::Histogram& a, const model::Histogram& b) {
  return SameFields(a, b, true);
}
bool SameStored(const model::FloatHistogram& a, const model::FloatHistogram& b) {
  return SameFields(a, b, false);
}

RandomHistograms::RandomHistograms(uint32_t seed, const HistogramKinds& kinds)
    : random_(seed), kinds_(kinds) {
  NewLayout();
}

void RandomHistograms::NewLayout() {
  positive_.clear();
  negative_.clear();
  zero_count_ = 0;
  sum_ = 0;
  if (kinds_.custom_buckets) {
    schema_ = model::kCustomBucketsSchema;
    bounds_.clear();
    double bound = -static_cast<double>(Below(3));
    for (uint32_t n = 3 + Below(8); n > 0; --n) {
      bound += Below(4) == 0 ? 1 / 3.0 : 0.005 * (1 + Below(1000));
      bounds_.push_back(bound);
    }
    return;
  }
  schema_ = static_cast<int32_t>(Below(13)) - 4;
  const double thresholds[] = {0, 0x1p-128, 0x1p-243, 1024, 0.001, 0x1p-3};
  zero_threshold_ = thresholds[Below(6)];
}

void RandomHistograms::Observe(Counts& side) {
  const int64_t count = 1 + Below(5) * (Below(20) == 0 ? 100000 : 1);
  const int32_t index = kinds_.custom_buckets
                            ? static_cast<int32_t>(Below(static_cast<uint32_t>(bounds_.size()) + 1))
                            : static_cast<int32_t>(Below(5) * Below(12)) - 15;
  side[index] += count;
}

model::HistogramSide<int64_t> RandomHistograms::Side(const Counts& counts) {
  model::HistogramSide<int64_t> out;
  int32_t next = 0;
  int64_t last = 0;
  const auto list = [&](int32_t index, int64_t count) {
    if (!out.spans.empty() && index == next && Below(30) != 0)
      ++out.spans.back().length;
    else
      out.spans.push_back({index - next, 1});
    next = index + 1;
    out.buckets.push_back(count - last);
    last = count;
  };
  for (const auto& [index, count] : counts) {
    const bool fill = !out.spans.empty() && index - next < 4 && Below(3) == 0;
    for (int32_t empty = next; fill && empty < index; ++empty) list(empty, 0);
    if (kinds_.empty_spans && Below(50) == 0 && !out.spans.empty()) out.spans.push_back({0, 0});
    list(index, count);
  }
  return out;
}

model::Histogram RandomHistograms::Next() {
  model::Histogram h;
  if (Below(1000) < kinds_.markers) {
    h.sum = model::StaleNan();
    return h;
  }
  if (Below(1000) < kinds_.layouts) NewLayout();
  const bool reset = Below(1000) < kinds_.resets;
  if (reset || (kinds_.gauge && Below(3) == 0)) {
    positive_.clear();
    negative_.clear();
    zero_count_ = 0;
    if (!kinds_.gauge && Below(2) == 0) h.hint = model::CounterResetHint::kReset;
  }
  for (uint32_t n = Below(6); n > 0; --n) Observe(positive_);
  if (!kinds_.custom_buckets) {
    for (uint32_t n = Below(3); n > 0; --n) Observe(negative_);
    zero_count_ += Below(4);
  }
  sum_ += (static_cast<double>(Below(1000)) - 300) / 7;
  h.schema = schema_;
  h.zero_threshold = kinds_.custom_buckets ? 0 : zero_threshold_;
  h.zero_count = zero_count_;
  h.count = zero_count_;
  for (const Counts* side : {&positive_, &negative_})
    for (const auto& [index, count] : *side) h.count += static_cast<uint64_t>(count);
  h.sum = sum_;
  h.positive = Side(positive_);
  h.negative = Side(negative_);
  h.custom_values = kinds_.custom_buckets ? bounds_ : std::vector<double>();
  if (kinds_.gauge) h.hint = model::CounterResetHint::kGauge;
  return h;
}

model::FloatHistogram RandomHistograms::NextFloat() {
  model::FloatHistogram out;
  model::ToFloat(Next(), out);
  // Monotonic: what grew as an integer still grows.
  for (auto* const side : {&out.positive, &out.negative})
    for (double& count : side->buckets) count *= 1.1;
  out.count *= 1.1;
  return out;
}

}  // namespace canopy::testing
