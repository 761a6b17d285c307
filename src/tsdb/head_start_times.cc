// Zeros where counters started: a rate then sees the first increase as well. Source:
// prometheus 3.14 tsdb/head_append_v2.go, bestEffortAppendSTZeroSample. Most samples tell of a
// start that is long stored: that costs one compare. And how starts themselves are kept.

#include "canopy/model/sample.h"
#include "head.h"

namespace canopy::tsdb {

// Not out of order, whatever the store takes: each later sample tells of the same start. And not
// older than what the head would take once the sample is there.
bool Head::TakesZero(const Series& series, int64_t start, int64_t t) const {
  return start < t && start > series.newest_time && start >= limits_.in_order_from &&
         start >= (Timestamp::FromMs(t) - options_.span).ms();
}

void Head::PlanZero(Series& series, SeriesRef ref, int64_t start, int64_t t) {
  if (TakesZero(series, start, t))
    plan_.push_back({&series, ref, start, 0, chunk::kNoStart, kMarker});
}

// One without observations, of the same layout: it goes into the same chunk.
void Head::PlanHistogramZero(Series& series, SeriesRef ref, int64_t start, int64_t t,
                             const storage::HistogramValue& value) {
  if (!TakesZero(series, start, t)) return;
  std::visit(
      [&](const auto& h) {
        std::decay_t<decltype(h)> zero;
        zero.hint = model::CounterResetHint::kReset;
        zero.schema = h.schema;
        zero.zero_threshold = h.zero_threshold;
        zero.custom_values = h.custom_values;
        histogram_zeros_.emplace_back(std::move(zero));
      },
      value);
  histogram_plan_.push_back(
      {&series, ref, start, &histogram_zeros_.back(), chunk::kNoStart, kMarker});
}

// A marker belongs to no counter.
void Head::NoteStart(Slot slot, int64_t t, double value, int64_t start) {
  if (options_.start_times && !model::IsStale(value)) start_times_.Note(slot, t, start, graveyard_);
}

}  // namespace canopy::tsdb
