#include <algorithm>
#include <cmath>

#include "counter_resets.h"
#include "function_impl.h"

// rate, increase, delta, irate, idelta, changes, resets: what looks at differences between samples.

namespace canopy::promql {
namespace {

double Seconds(int64_t ms) { return static_cast<double>(ms) / 1000; }

// The part of extrapolation that only depends on when samples were taken: how far the first and the
// last sample lie from the ends of the window, each cut to half an average interval where it is
// farther than 1.1 of them; then the series is taken to begin or end there.
void FindExtrapolation(const RangeInput& in, double divisor) {
  auto& all = in.windows.extrapolation;
  all.resize(in.steps());
  for (size_t i = 0; i < all.size(); ++i) {
    const uint32_t begin = in.windows.begin[i];
    const uint32_t end = in.windows.end[i];
    if (end - begin < 2) continue;
    const int64_t first = in.times[begin];
    const int64_t last = in.times[end - 1];
    const int64_t until = in.look.at(i);
    Windows::Extrapolation& e = all[i];
    e.sampled_interval = Seconds(last - first);
    e.to_start = Seconds(first - (until - in.range_ms));
    e.to_end = Seconds(until - last);
    const double average = e.sampled_interval / static_cast<double>(end - begin - 1);
    const double threshold = average * 1.1;
    if (e.to_start >= threshold) e.to_start = average / 2;
    if (e.to_end >= threshold) e.to_end = average / 2;
    e.factor = (e.sampled_interval + e.to_start + e.to_end) / e.sampled_interval / divisor;
  }
}

// A counter does not begin below zero: where its slope would take it there before the window's
// start, it is taken to begin at zero.
double FactorOfCounter(const Windows::Extrapolation& e, double first, double increase,
                       double divisor) {
  if (increase > 0 && first >= 0) {
    const double to_zero = e.sampled_interval * (first / increase);
    if (to_zero < e.to_start) {
      const double sampled = e.sampled_interval;
      return (sampled + to_zero + e.to_end) / sampled / divisor;
    }
  }
  return e.factor;
}

template <bool kCounter, bool kPerSecond>
void Extrapolated(const RangeInput& in, std::span<double> out) {
  const double divisor = kPerSecond ? Seconds(in.range_ms) : 1;
  if (in.windows.extrapolation.empty()) FindExtrapolation(in, divisor);
  if constexpr (kCounter) FindResets(in.values, in.buffers.indexes);
  ResetCorrection correction(in.values, in.buffers.indexes);
  const bool has_resets = kCounter && !in.buffers.indexes.empty();
  ForEachWindow(in, out, 2, [&](size_t i) {
    const uint32_t begin = in.windows.begin[i];
    const uint32_t end = in.windows.end[i];
    const Windows::Extrapolation& e = in.windows.extrapolation[i];
    const double first = in.values[begin];
    double increase = in.values[end - 1] - first;
    if (has_resets) increase = correction.Apply(increase, begin, end);
    if constexpr (kCounter) return increase * FactorOfCounter(e, first, increase, divisor);
    return increase * e.factor;
  });
}

template <bool kCounter>
void LastTwo(const RangeInput& in, std::span<double> out) {
  ForEachWindow(in, out, 2, [&](size_t i) {
    const uint32_t last = in.windows.end[i] - 1;
    const int64_t interval = in.times[last] - in.times[last - 1];
    if (interval == 0) return Absent();
    const double before = in.values[last - 1];
    const double now = in.values[last];
    if constexpr (!kCounter) return now - before;
    return (now < before ? now : now - before) / Seconds(interval);
  });
}

// How often `happens(before, now)` within each window: running counts, and a difference for each
// step.
template <class Happens>
void CountPairs(const RangeInput& in, std::span<double> out, Happens happens) {
  std::vector<uint32_t>& until = in.buffers.indexes;
  until.assign(in.values.size() + 1, 0);
  for (size_t n = 1; n < in.values.size(); ++n)
    until[n] = until[n - 1] + (happens(in.values[n - 1], in.values[n]) ? 1 : 0);
  ForEachWindow(in, out, 1, [&](size_t i) {
    return static_cast<double>(until[in.windows.end[i] - 1] - until[in.windows.begin[i]]);
  });
}

void Changes(const RangeInput& in, std::span<double> out) {
  CountPairs(in, out, [](double before, double now) {
    return now != before && !(std::isnan(now) && std::isnan(before));
  });
}

void Resets(const RangeInput& in, std::span<double> out) {
  CountPairs(in, out, [](double before, double now) { return now < before; });
}

constexpr FunctionImpl kFunctions[] = {
    {.id = FunctionId::kRate,
     .range = Extrapolated<true, true>,
     .mixed = MixedExtrapolated<true, true>,
     .extended = ExtendedRate<true, true>,
     .mixed_extended = MixedExtendedRate<true, true>,
     .takes_smoothed = true,
     .uses_start_times = true,
     .checks_counter = true},
    {.id = FunctionId::kIncrease,
     .range = Extrapolated<true, false>,
     .mixed = MixedExtrapolated<true, false>,
     .extended = ExtendedRate<true, false>,
     .mixed_extended = MixedExtendedRate<true, false>,
     .takes_smoothed = true,
     .uses_start_times = true,
     .checks_counter = true},
    {.id = FunctionId::kDelta,
     .range = Extrapolated<false, false>,
     .mixed = MixedExtrapolated<false, false>,
     .extended = ExtendedRate<false, false>,
     .mixed_extended = MixedExtendedRate<false, false>,
     .takes_smoothed = true},
    {.id = FunctionId::kIrate,
     .range = LastTwo<true>,
     .mixed = MixedLastTwo<true>,
     .uses_start_times = true},
    {.id = FunctionId::kIdelta, .range = LastTwo<false>, .mixed = MixedLastTwo<false>},
    {.id = FunctionId::kChanges,
     .range = Changes,
     .mixed = MixedChanges,
     .extended = Changes,
     .mixed_extended = MixedChanges},
    {.id = FunctionId::kResets,
     .range = Resets,
     .mixed = MixedResets,
     .extended = Resets,
     .mixed_extended = MixedResets,
     .uses_start_times = true},
};

}  // namespace

std::span<const FunctionImpl> CounterFunctions() { return kFunctions; }

}  // namespace canopy::promql
