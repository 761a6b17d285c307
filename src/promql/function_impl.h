#pragma once

#include <span>
#include <vector>

#include "canopy/promql/ast.h"
#include "canopy/promql/functions.h"
#include "column_source.h"
#include "evaluator.h"
#include "query.h"
#include "series_source.h"

// How functions compute. Each family has a file functions_<family>.cc with the kernels and a table
// that names them; to add a function, add its signature to function_table.cc, write a kernel of one
// of the kinds below and a line to the table of its family.

namespace canopy::promql {

// The values of the scalar arguments at each step, in the order of the arguments.
using ScalarArgs = std::span<const std::vector<double>>;

// What a function over ranges gets: one series, and where the window of each step lies in it.
struct RangeInput {
  Query& query;
  const Call& call;
  const LookAt& look;
  int64_t range_ms;
  ScalarArgs scalars;
  std::span<const int64_t> times;
  std::span<const double> values;
  Windows& windows;
  NodeBuffers& buffers;
  // For notes: which series it is, and where in the query it is asked for.
  const ColumnSource& source;
  size_t series;
  PositionRange argument;
  // One per sample, as storage::Columns has them: empty but for kernels of mixed series.
  std::span<const model::FloatHistogram* const> histograms = {};
  std::span<const int64_t> start_times = {};

  std::string_view metric_name() const { return source.labels(series).Get(model::kMetricName); }
  const model::FloatHistogram* histogram(size_t sample) const {
    return histograms.empty() ? nullptr : histograms[sample];
  }

  size_t steps() const { return look.steps.count; }
  std::span<const double> window(size_t step) const {
    return values.subspan(windows.begin[step], windows.end[step] - windows.begin[step]);
  }
  std::span<const int64_t> window_times(size_t step) const {
    return times.subspan(windows.begin[step], windows.end[step] - windows.begin[step]);
  }
};

// Computes all steps of one series: abs(v), clamp(v, a, b). Changes what is present; false when
// nothing is left.
using RowFn = bool (*)(std::span<double> row, ScalarArgs scalars);
// Computes all steps of one series from its windows: rate(m[5m]). Sets every step of `out`, to
// Absent() where there is no value.
using RangeFn = void (*)(const RangeInput& in, std::span<double> out);
// The same for series that have native histograms, or start times that count. `out` comes without
// any value.
using MixedRangeFn = void (*)(const RangeInput& in, Row& out);
// A scalar at each step: time(), scalar(v).
using ScalarFn = void (*)(Evaluator& evaluator, const Call& call, const Steps& steps,
                          std::span<double> out);
// Everything else: what looks at labels or at several series.
using CallFn = SourcePtr (*)(Evaluator& evaluator, const Call& call, const Steps& steps);

struct FunctionImpl {
  FunctionId id;
  RowFn row = nullptr;
  RangeFn range = nullptr;
  ScalarFn scalar = nullptr;
  CallFn call = nullptr;
  // Of range functions. Without it histograms are left out, and it is noted where floats were near.
  MixedRangeFn mixed = nullptr;
  // Of range functions that take `anchored`: kernels that know that windows have edges.
  RangeFn extended = nullptr;
  MixedRangeFn mixed_extended = nullptr;
  bool takes_smoothed = false;
  bool uses_start_times = false;  // of range functions: with use-start-timestamps
  bool keeps_name = false;        // of range functions: last_over_time(m[1h]) is m still
  bool of_time_too = false;       // of row functions: without arguments they take time()
  bool checks_counter = false;    // of range functions: says so when the name is not a counter's

  bool Takes(Edges edges) const {
    return edges == Edges::kPlain ||
           (edges == Edges::kAnchored ? extended != nullptr : takes_smoothed);
  }
};

// rate, increase, delta; irate, idelta; resets, changes: of mixed series.
template <bool kCounter, bool kPerSecond>
void MixedExtrapolated(const RangeInput& in, Row& out);
template <bool kCounter, bool kPerSecond>
void ExtendedRate(const RangeInput& in, std::span<double> out);
template <bool kCounter, bool kPerSecond>
void MixedExtendedRate(const RangeInput& in, Row& out);
template <bool kCounter>
void MixedLastTwo(const RangeInput& in, Row& out);
void MixedResets(const RangeInput& in, Row& out);
void MixedChanges(const RangeInput& in, Row& out);
// <aggregation>_over_time of mixed series, and of one window of floats.
void MixedSumOverTime(const RangeInput& in, Row& out);
void MixedAvgOverTime(const RangeInput& in, Row& out);
void MixedFirstOverTime(const RangeInput& in, Row& out);
void MixedLastOverTime(const RangeInput& in, Row& out);
double SumOfWindow(std::span<const double> window);
double MeanOfWindow(std::span<const double> window);
// For kernels that look at times only.
template <RangeFn kFn>
void MixedOfTimes(const RangeInput& in, Row& out) {
  kFn(in, out.values);
}

std::span<const FunctionImpl> CounterFunctions();
std::span<const FunctionImpl> OverTimeFunctions();
std::span<const FunctionImpl> TrendFunctions();
std::span<const FunctionImpl> MathFunctions();
std::span<const FunctionImpl> TimeFunctions();
std::span<const FunctionImpl> LabelFunctions();
std::span<const FunctionImpl> VectorFunctions();
std::span<const FunctionImpl> HistogramFunctions();
std::span<const FunctionImpl> InfoFunctions();

const FunctionImpl& ImplOf(FunctionId id);

// For kernels whose value follows from one window after another: `fn(step)` for each step whose
// window has at least `min_samples`.
template <class Fn>
void ForEachWindow(const RangeInput& in, std::span<double> out, uint32_t min_samples, Fn fn) {
  for (size_t i = 0; i < out.size(); ++i) {
    const uint32_t n = in.windows.end[i] - in.windows.begin[i];
    out[i] = n < min_samples ? Absent() : fn(i);
  }
}

// The same for kernels whose cost grows with the window: looks at the clock now and then.
template <class Fn>
void ForEachCostlyWindow(const RangeInput& in, std::span<double> out, uint32_t min_samples, Fn fn) {
  constexpr size_t kSamplesPerCheck = 1 << 16;
  size_t done = 0;
  ForEachWindow(in, out, min_samples, [&](size_t step) {
    done += in.windows.end[step] - in.windows.begin[step];
    if (done > kSamplesPerCheck) {
      done = 0;
      in.query.Check();
    }
    return fn(step);
  });
}

}  // namespace canopy::promql
