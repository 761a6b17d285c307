#include <algorithm>
#include <optional>

#include "canopy/model/histogram_math.h"
#include "counter_facts.h"

// rate, increase, delta, irate, idelta, resets and changes of series that have native histograms,
// or samples that say when their counter started. Of floats without such times the results are
// those of functions_counter.cc.

namespace canopy::promql {
namespace {

using model::CounterResetHint;
using model::FloatHistogram;

double Seconds(int64_t ms) { return static_cast<double>(ms) / 1000; }

double FloatIncrease(const RangeInput& in, CounterFacts& facts, uint32_t begin, uint32_t end,
                     bool counter) {
  double increase = in.values[end - 1] - in.values[begin];
  if (!counter) return increase;
  if (facts.overlap(begin, end))
    in.query.annotations.StartTimeOverlap(in.metric_name(), in.argument);
  for (const uint32_t n : facts.ResetsIn(begin, end)) increase += in.values[n - 1];
  return increase;
}

// How much a histogram rose over a window of at least two. Nothing, and a note, where its samples
// do not go together.
class HistogramIncrease {
 public:
  HistogramIncrease(const RangeInput& in, CounterFacts& facts, uint32_t begin, uint32_t end,
                    bool counter)
      : in_(in), facts_(facts), begin_(begin), end_(end), counter_(counter) {}

  std::optional<FloatHistogram> Compute() {
    if (!FindBase()) return std::nullopt;
    FloatHistogram out = at(end_ - 1);
    if (!out.custom_buckets()) model::ReduceResolution(out, schema_);
    if (!Note(model::Subtract(out, *base_), "subtraction")) return std::nullopt;
    if (counter_) {
      if (facts_.overlap(begin_, end_))
        in_.query.annotations.StartTimeOverlap(in_.metric_name(), in_.argument);
      for (const uint32_t n : facts_.ResetsIn(begin_, end_)) {
        // Behind the first sample: that is in the base already.
        if (n > begin_ + 1 && !Note(model::Add(out, at(n - 1)), "addition")) return std::nullopt;
      }
    } else if (facts_.gauges(begin_, begin_ + 1) + facts_.gauges(end_ - 1, end_) < 2) {
      in_.query.annotations.HistogramNotGauge(in_.metric_name(), in_.argument);
    }
    out.hint = CounterResetHint::kGauge;
    model::Compact(out);
    return out;
  }

 private:
  const FloatHistogram& at(uint32_t n) const { return *in_.histograms[n]; }

  // What the rise is counted from, and the lowest schema of all that counts.
  bool FindBase() {
    const FloatHistogram& last = at(end_ - 1);
    base_ = &at(begin_);
    // A counter that starts again behind the first sample: that sample's layout does not matter.
    const std::span<const uint32_t> resets =
        counter_ ? facts_.ResetsIn(begin_, end_) : std::span<const uint32_t>();
    if (!resets.empty() && resets[0] == begin_ + 1) {
      zero_.schema = at(begin_ + 1).schema;
      zero_.custom_values = at(begin_ + 1).custom_values;
      base_ = &zero_;
    }
    const bool custom = base_->custom_buckets();
    const uint32_t middle = end_ - begin_ - 2;
    if (last.custom_buckets() != custom) {
      if (counter_ && facts_.gauges(begin_, begin_ + 1) + facts_.gauges(end_ - 1, end_) > 0)
        NotCounter();
      return Incompatible();
    }
    schema_ = std::min(last.schema, base_->schema);
    if (!counter_) return true;
    if (facts_.with_custom_buckets(begin_ + 1, end_ - 1) != (custom ? middle : 0))
      return Incompatible();
    schema_ = std::min(schema_, facts_.LowestSchema(begin_ + 1, end_));
    if (facts_.gauges(begin_, end_) > 0) NotCounter();
    return true;
  }

  bool Note(const model::HistogramMerge& merge, std::string_view operation) const {
    if (!merge.compatible) return Incompatible();
    if (merge.bounds_reconciled)
      in_.query.annotations.MismatchedCustomBuckets(operation, in_.argument);
    return true;
  }
  void NotCounter() const {
    in_.query.annotations.HistogramNotCounter(in_.metric_name(), in_.argument);
  }
  bool Incompatible() const {
    in_.query.annotations.MixedExponentialCustomHistograms(in_.metric_name(), in_.argument);
    return false;
  }

  const RangeInput& in_;
  CounterFacts& facts_;
  const uint32_t begin_;
  const uint32_t end_;
  const bool counter_;
  const FloatHistogram* base_ = nullptr;
  FloatHistogram zero_;
  int32_t schema_ = 0;
};

// One window of rate, increase or delta.
class Extrapolation {
 public:
  Extrapolation(const RangeInput& in, CounterFacts& facts, size_t step, bool counter)
      : in_(in),
        facts_(facts),
        begin_(in.windows.begin[step]),
        end_(in.windows.end[step]),
        until_(in.look.at(step)),
        counter_(counter) {}

  void Compute(size_t step, double divisor, Row& out) {
    const uint32_t histograms = facts_.histograms(begin_, end_);
    const bool floats = histograms == 0;
    if (!floats && histograms < end_ - begin_) {
      in_.query.annotations.MixedFloatsHistograms(in_.metric_name(), in_.argument);
      return;
    }
    const bool many = end_ - begin_ > 1;
    double increase = 0;
    std::optional<FloatHistogram> histogram;
    if (floats) {
      increase = FloatIncrease(in_, facts_, begin_, end_, counter_);
    } else if (many) {
      histogram = HistogramIncrease(in_, facts_, begin_, end_, counter_).Compute();
      if (!histogram) return;
    }
    double first = floats ? in_.values[begin_] : in_.histograms[begin_]->count;
    const int64_t start = StartWithin();
    if (start != 0) {
      // The counter started at zero there: what the first sample shows counts as well.
      if (floats) {
        increase += first;
      } else if (!histogram) {
        histogram = *in_.histograms[begin_];
      } else if (!AddFirst(*histogram)) {
        return;
      }
    } else if (!many) {
      return;
    }
    const double factor = Factor(start, first, histogram ? histogram->count : increase) / divisor;
    if (!histogram) return out.SetFloat(step, increase * factor);
    model::Multiply(*histogram, factor);
    out.SetHistogram(step, std::make_shared<const FloatHistogram>(*std::move(histogram)));
  }

 private:
  // When the first sample's counter started, if that lies within the window; else 0.
  int64_t StartWithin() const {
    if (!counter_ || in_.start_times.empty()) return 0;
    const int64_t start = in_.start_times[begin_];
    return start > until_ - in_.range_ms && start < in_.times[begin_] ? start : 0;
  }

  bool AddFirst(FloatHistogram& histogram) const {
    const model::HistogramMerge merge = model::Add(histogram, *in_.histograms[begin_]);
    if (!merge.compatible)
      in_.query.annotations.MixedExponentialCustomHistograms(in_.metric_name(), in_.argument);
    if (merge.bounds_reconciled)
      in_.query.annotations.MismatchedCustomBuckets("addition", in_.argument);
    return merge.compatible;
  }

  // As functions_counter.cc has it; a start that is known needs no extrapolation to it.
  double Factor(int64_t start, double first, double increase) const {
    const int64_t first_time = in_.times[begin_];
    const int64_t last_time = in_.times[end_ - 1];
    double sampled = Seconds(last_time - first_time);
    const double average = end_ - begin_ > 1 ? sampled / static_cast<double>(end_ - begin_ - 1) : 0;
    const double threshold = average * 1.1;
    double to_start = 0;
    if (start != 0) {
      sampled = Seconds(last_time - start);
    } else {
      to_start = Seconds(first_time - (until_ - in_.range_ms));
      if (to_start >= threshold) to_start = average / 2;
      if (counter_ && increase > 0 && first >= 0)
        to_start = std::min(to_start, sampled * (first / increase));
    }
    double to_end = Seconds(until_ - last_time);
    if (to_end >= threshold) to_end = average / 2;
    return sampled == 0 ? 1 : (sampled + to_start + to_end) / sampled;
  }

  const RangeInput& in_;
  CounterFacts& facts_;
  const uint32_t begin_;
  const uint32_t end_;
  const int64_t until_;
  const bool counter_;
};

// The last two samples of a window, both histograms.
std::optional<FloatHistogram> LastTwoHistograms(const RangeInput& in, uint32_t last, bool counter) {
  const FloatHistogram& before = *in.histograms[last - 1];
  const FloatHistogram& now = *in.histograms[last];
  Annotations& notes = in.query.annotations;
  const auto is_gauge = [](const FloatHistogram& h) { return h.hint == CounterResetHint::kGauge; };
  if (counter && (is_gauge(before) || is_gauge(now)))
    notes.HistogramNotCounter(in.metric_name(), in.argument);
  if (!counter && !(is_gauge(before) && is_gauge(now)))
    notes.HistogramNotGauge(in.metric_name(), in.argument);
  FloatHistogram out = now;
  if (!counter || !(StartedAgain(in, last) || model::DetectReset(now, before))) {
    const model::HistogramMerge merge = model::Subtract(out, before);
    if (!merge.compatible) {
      notes.MixedExponentialCustomHistograms(in.metric_name(), in.argument);
      return std::nullopt;
    }
    if (merge.bounds_reconciled) notes.MismatchedCustomBuckets("subtraction", in.argument);
  }
  out.hint = CounterResetHint::kGauge;
  model::Compact(out);
  return out;
}

// How often `happens(n)`, between samples n - 1 and n, within each window.
template <class Happens>
void CountPairs(const RangeInput& in, Row& out, Happens happens) {
  std::vector<uint32_t>& until = in.buffers.indexes;
  until.assign(in.times.size() + 1, 0);
  for (uint32_t n = 1; n < in.times.size(); ++n) until[n] = until[n - 1] + (happens(n) ? 1 : 0);
  ForEachWindow(in, out.values, 1, [&](size_t i) {
    return static_cast<double>(until[in.windows.end[i] - 1] - until[in.windows.begin[i]]);
  });
}

}  // namespace

template <bool kCounter, bool kPerSecond>
void MixedExtrapolated(const RangeInput& in, Row& out) {
  const double divisor = kPerSecond ? Seconds(in.range_ms) : 1;
  CounterFacts facts(in);
  for (size_t s = 0; s < in.steps(); ++s) {
    in.query.Check();
    if (in.windows.begin[s] < in.windows.end[s])
      Extrapolation(in, facts, s, kCounter).Compute(s, divisor, out);
  }
}
template void MixedExtrapolated<true, true>(const RangeInput& in, Row& out);
template void MixedExtrapolated<true, false>(const RangeInput& in, Row& out);
template void MixedExtrapolated<false, false>(const RangeInput& in, Row& out);

template <bool kCounter>
void MixedLastTwo(const RangeInput& in, Row& out) {
  for (size_t s = 0; s < in.steps(); ++s) {
    if (in.windows.end[s] - in.windows.begin[s] < 2) continue;
    const uint32_t last = in.windows.end[s] - 1;
    const double interval = Seconds(in.times[last] - in.times[last - 1]);
    if ((in.histogram(last) == nullptr) != (in.histogram(last - 1) == nullptr)) {
      in.query.annotations.MixedFloatsHistograms(in.metric_name(), in.argument);
    } else if (in.histogram(last) != nullptr) {
      std::optional<FloatHistogram> h = LastTwoHistograms(in, last, kCounter);
      if (!h) continue;
      if (kCounter) model::Divide(*h, interval);
      out.SetHistogram(s, std::make_shared<const FloatHistogram>(*std::move(h)));
    } else {
      const double before = in.values[last - 1];
      const double now = in.values[last];
      const bool reset = kCounter && (now < before || StartedAgain(in, last));
      out.SetFloat(s, (reset ? now : now - before) / (kCounter ? interval : 1));
    }
  }
}
template void MixedLastTwo<true>(const RangeInput& in, Row& out);
template void MixedLastTwo<false>(const RangeInput& in, Row& out);

void MixedResets(const RangeInput& in, Row& out) {
  CountPairs(in, out, [&](uint32_t n) {
    const FloatHistogram* before = in.histogram(n - 1);
    const FloatHistogram* now = in.histogram(n);
    if ((before == nullptr) != (now == nullptr) || StartedAgain(in, n)) return true;
    return now ? model::DetectReset(*now, *before) : in.values[n] < in.values[n - 1];
  });
}

void MixedChanges(const RangeInput& in, Row& out) {
  CountPairs(in, out, [&](uint32_t n) {
    const FloatHistogram* before = in.histogram(n - 1);
    const FloatHistogram* now = in.histogram(n);
    if ((before == nullptr) != (now == nullptr)) return true;
    if (now != nullptr) return !model::SameHistogram(*now, *before);
    const double x = in.values[n - 1];
    const double y = in.values[n];
    return x != y && !(x != x && y != y);
  });
}

}  // namespace canopy::promql
