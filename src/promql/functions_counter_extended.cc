#include <memory>
#include <optional>

#include "canopy/model/histogram_math.h"
#include "counter_facts.h"
#include "counter_resets.h"
#include "interpolate.h"

// rate, increase and delta of `anchored` and `smoothed` ranges: the difference between what a
// series was at when the range began and what it was at when it ended, without extrapolation.

namespace canopy::promql {
namespace {

using model::CounterResetHint;
using model::FloatHistogram;

double Seconds(int64_t ms) { return static_cast<double>(ms) / 1000; }

// A window whose samples count, and where its range lies between or beyond them.
struct Window {
  Window(const RangeInput& in, size_t step)
      : first(in.windows.begin[step]),
        last(in.windows.end[step] - 1),
        after(in.look.at(step) - in.range_ms),
        until(in.look.at(step)),
        starts_between(IsSmoothed(in) && in.times[first] < after),
        ends_between(in.times[last] > until) {}

  static bool IsSmoothed(const RangeInput& in) {
    return in.source.range().edges == Edges::kSmoothed;
  }

  uint32_t first;
  uint32_t last;
  int64_t after;
  int64_t until;
  bool starts_between;  // `first` and the next: a value is put between them
  bool ends_between;    // `last` and the one before
};

double ValueBetween(const RangeInput& in, uint32_t n, int64_t at, bool counter) {
  return Interpolate(in.values[n], in.values[n + 1], in.times[n], in.times[n + 1], at, counter);
}

// How much floats rose. `lost(sum, begin, end)` adds to a sum what was lost by resets between
// samples of [begin, end).
template <bool kCounter, class Lost>
double IncreaseOf(const RangeInput& in, const Window& w, Lost lost) {
  const double left =
      w.starts_between ? ValueBetween(in, w.first, w.after, kCounter) : in.values[w.first];
  const double right =
      w.ends_between ? ValueBetween(in, w.last - 1, w.until, kCounter) : in.values[w.last];
  if constexpr (!kCounter) return right - left;
  // Samples strictly within.
  const uint32_t begin = w.first + (in.times[w.first] <= w.after ? 1 : 0);
  const uint32_t end = w.last + (in.times[w.last] >= w.until ? 0 : 1);
  double correction = 0;
  double before = left;
  if (begin < end) {
    if (in.values[begin] < left) correction += left;
    correction = lost(correction, begin, end);
    before = in.values[end - 1];
  }
  if (right < before) correction += before;
  return right - left + correction;
}

// How much histograms rose. Nothing, and a note, where they do not go together.
class HistogramIncrease {
 public:
  HistogramIncrease(const RangeInput& in, CounterFacts& facts, const Window& window, bool counter)
      : in_(in),
        facts_(facts),
        w_(window),
        counter_(counter),
        place_{in.query.annotations, in.metric_name(), in.argument} {}

  std::optional<FloatHistogram> Compute() const {
    if (!CheckKinds()) return std::nullopt;
    const auto left = At(w_.first, w_.starts_between ? w_.first : kNoPair, w_.after);
    if (!left) return std::nullopt;
    const auto right = At(w_.last, w_.ends_between ? w_.last - 1 : kNoPair, w_.until);
    if (!right) return std::nullopt;
    if (!counter_ && !(IsGauge(*left) && IsGauge(*right)))
      place_.notes.HistogramNotGauge(place_.metric, place_.pos);
    FloatHistogram out = *right;
    if (!SubtractNoted(out, *left, place_)) return std::nullopt;
    if (counter_ && !AddLost(*left, *right, out)) return std::nullopt;
    out.hint = CounterResetHint::kGauge;
    return out;
  }

 private:
  static constexpr uint32_t kNoPair = UINT32_MAX;

  static bool IsGauge(const FloatHistogram& h) { return h.hint == CounterResetHint::kGauge; }
  const FloatHistogram& at(uint32_t n) const { return *in_.histograms[n]; }

  bool CheckKinds() const {
    const uint32_t samples = w_.last + 1 - w_.first;
    const uint32_t custom = facts_.with_custom_buckets(w_.first, w_.last + 1);
    const bool one_kind = custom == 0 || custom == samples;
    // Of gauges it is said as far as samples are looked at.
    uint32_t end = w_.first;
    while (!one_kind && at(end).custom_buckets() == at(w_.first).custom_buckets()) ++end;
    if (one_kind) end = w_.last;
    if (counter_ && facts_.gauges(w_.first, end + 1) > 0)
      place_.notes.HistogramNotCounter(place_.metric, place_.pos);
    if (!one_kind) place_.notes.MixedExponentialCustomHistograms(place_.metric, place_.pos);
    return one_kind;
  }

  // Sample n, or the line between samples `pair` and `pair` + 1 at a time.
  std::optional<FloatHistogram> At(uint32_t n, uint32_t pair, int64_t time) const {
    if (pair == kNoPair) return at(n);
    return Interpolate(at(pair), at(pair + 1),
                       ShareOfWay(in_.times[pair], in_.times[pair + 1], time), counter_, place_);
  }

  // Adds what was lost by resets.
  bool AddLost(const FloatHistogram& left, const FloatHistogram& right, FloatHistogram& out) const {
    std::optional<FloatHistogram> lost;
    const auto lose = [&](const FloatHistogram& h) {
      if (lost) return AddNoted(*lost, h, place_);
      lost = h;
      return true;
    };
    uint32_t n = w_.first + 1;
    const FloatHistogram* before = &left;
    // The line at the start knows of a reset between its samples.
    if (w_.starts_between && facts_.IsReset(n)) before = &at(n++);
    if (n > w_.last) return true;
    if (n < w_.last) {
      if (model::DetectReset(at(n), *before) && !lose(*before)) return false;
      for (const uint32_t reset : facts_.ResetsIn(n, w_.last))
        if (!lose(at(reset - 1))) return false;
      before = &at(w_.last - 1);
    }
    if (model::DetectReset(right, *before) && !lose(*before)) return false;
    return !lost || AddNoted(out, *lost, place_);
  }

  const RangeInput& in_;
  CounterFacts& facts_;
  const Window& w_;
  const bool counter_;
  const NotePlace place_;
};

}  // namespace

template <bool kCounter, bool kPerSecond>
void ExtendedRate(const RangeInput& in, std::span<double> out) {
  const double divisor = kPerSecond ? Seconds(in.range_ms) : 1;
  if constexpr (kCounter) FindResets(in.values, in.buffers.indexes);
  ResetCorrection resets(in.values, in.buffers.indexes);
  ForEachWindow(in, out, 1, [&](size_t i) {
    return IncreaseOf<kCounter>(in, Window(in, i),
                                [&](double sum, uint32_t begin, uint32_t end) {
                                  return resets.Apply(sum, begin, end);
                                }) /
           divisor;
  });
}
template void ExtendedRate<true, true>(const RangeInput& in, std::span<double> out);
template void ExtendedRate<true, false>(const RangeInput& in, std::span<double> out);
template void ExtendedRate<false, false>(const RangeInput& in, std::span<double> out);

template <bool kCounter, bool kPerSecond>
void MixedExtendedRate(const RangeInput& in, Row& out) {
  const double divisor = kPerSecond ? Seconds(in.range_ms) : 1;
  CounterFacts facts(in);
  const auto lost = [&](double sum, uint32_t begin, uint32_t end) {
    for (const uint32_t n : facts.ResetsIn(begin, end)) sum += in.values[n - 1];
    return sum;
  };
  for (size_t s = 0; s < in.steps(); ++s) {
    in.query.Check();
    const uint32_t begin = in.windows.first_seen(s);
    const uint32_t end = in.windows.after_seen(s);
    const uint32_t histograms = facts.histograms(begin, end);
    // All that is seen is asked, as in Prometheus, not only what counts.
    if (histograms > 0 && histograms < end - begin) {
      in.query.annotations.MixedFloatsHistograms(in.metric_name(), in.argument);
      continue;
    }
    if (in.windows.begin[s] == in.windows.end[s]) continue;
    const Window window(in, s);
    if (histograms == 0) {
      out.SetFloat(s, IncreaseOf<kCounter>(in, window, lost) / divisor);
    } else if (auto h = HistogramIncrease(in, facts, window, kCounter).Compute()) {
      if (kPerSecond) model::Divide(*h, divisor);
      model::Compact(*h);
      out.SetHistogram(s, std::make_shared<const FloatHistogram>(*std::move(h)));
    }
  }
}
template void MixedExtendedRate<true, true>(const RangeInput& in, Row& out);
template void MixedExtendedRate<true, false>(const RangeInput& in, Row& out);
template void MixedExtendedRate<false, false>(const RangeInput& in, Row& out);

}  // namespace canopy::promql
