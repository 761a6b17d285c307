#include "counter_facts.h"

#include <algorithm>

#include "canopy/model/histogram_math.h"
#include "start_times.h"

namespace canopy::promql {
namespace {

int32_t SchemaOf(const RangeInput& in, uint32_t n) {
  const model::FloatHistogram* h = in.histogram(n);
  return h ? h->schema : 0;
}

}  // namespace

bool StartedAgain(const RangeInput& in, uint32_t n) {
  if (in.start_times.empty()) return false;
  return IsNewStart({in.start_times[n - 1], in.times[n - 1]}, {in.start_times[n], in.times[n]});
}

CounterFacts::CounterFacts(const RangeInput& in)
    : in_(in),
      histograms_(in.histograms.size(), [&](uint32_t n) { return in.histograms[n] != nullptr; }),
      custom_(in.histograms.size(),
              [&](uint32_t n) { return in.histograms[n] && in.histograms[n]->custom_buckets(); }),
      gauges_(in.histograms.size(),
              [&](uint32_t n) {
                return in.histograms[n] &&
                       in.histograms[n]->hint == model::CounterResetHint::kGauge;
              }),
      overlaps_(
          in.start_times.size(),
          [&](uint32_t n) {
            return n > 0 && Overlaps({in.start_times[n - 1], in.times[n - 1]}, in.start_times[n]);
          }),
      schema_changes_(in.histograms.size(),
                      [&](uint32_t n) { return n > 0 && SchemaOf(in, n) != SchemaOf(in, n - 1); }),
      resets_(in.buffers.indexes) {
  resets_.clear();
}

bool CounterFacts::IsReset(uint32_t n) const {
  if (StartedAgain(in_, n)) return true;
  const model::FloatHistogram* now = in_.histogram(n);
  const model::FloatHistogram* before = in_.histogram(n - 1);
  if (now != nullptr && before != nullptr) return model::DetectReset(*now, *before);
  return now == before && in_.values[n] < in_.values[n - 1];
}

std::span<const uint32_t> CounterFacts::ResetsIn(uint32_t begin, uint32_t end) {
  for (next_ = std::max(next_, begin + 1); next_ < end; ++next_)
    if (IsReset(next_)) resets_.push_back(next_);
  while (first_ < resets_.size() && resets_[first_] <= begin) ++first_;
  return std::span<const uint32_t>(resets_).subspan(first_);
}

int32_t CounterFacts::LowestSchema(uint32_t begin, uint32_t end) const {
  int32_t lowest = SchemaOf(in_, begin);
  if (schema_changes_.in(begin + 1, end) == 0) return lowest;
  for (uint32_t n = begin + 1; n < end; ++n) lowest = std::min(lowest, SchemaOf(in_, n));
  return lowest;
}

}  // namespace canopy::promql
