#include <algorithm>
#include <cmath>

#include "canopy/base/kahan.h"
#include "function_impl.h"
#include "quantile.h"
#include "sliding.h"

// <aggregation>_over_time. Windows that overlap little are computed one by one; where they overlap
// much, the aggregates slide.

namespace canopy::promql {
namespace {

using base::IsInf;
using base::KahanMean;
using base::KahanSum;
using base::SumOf;

// From this many looks at each value on, sliding is cheaper (tests/bench/promql_bench.cc).
constexpr int64_t kSlidingLooks = 6;

bool OverlapMuch(const RangeInput& in) {
  return in.windows.samples > kSlidingLooks * static_cast<int64_t>(in.values.size());
}

// The largest of all values, without signs. Infinite when one is, or is NaN.
double Magnitude(std::span<const double> values) {
  double largest = 0;
  bool finite = true;
  for (const double v : values) {
    largest = std::max(largest, std::abs(v));
    finite &= std::abs(v) <= std::numeric_limits<double>::max();
  }
  return finite ? largest : std::numeric_limits<double>::infinity();
}

// True when no sum over a window can overflow, nor is any value NaN.
bool SumsStayFinite(const RangeInput& in) {
  return Magnitude(in.values) * in.windows.largest < std::numeric_limits<double>::max() / 4;
}

// `direct(window)` or `of_sum(sum, count)`, whichever is cheaper.
template <class Direct, class OfSum>
void Summed(const RangeInput& in, std::span<double> out, Direct direct, OfSum of_sum) {
  if (!OverlapMuch(in) || !SumsStayFinite(in)) {
    ForEachCostlyWindow(in, out, 1, [&](size_t i) { return direct(in.window(i)); });
    return;
  }
  SlidingSum sums(in.values);
  ForEachWindow(in, out, 1, [&](size_t i) {
    const uint32_t begin = in.windows.begin[i];
    const uint32_t end = in.windows.end[i];
    return of_sum(sums.Of(begin, end), static_cast<double>(end - begin));
  });
}

double TotalOf(const KahanSum& s, double /*count*/) { return IsInf(s.sum) ? s.sum : s.sum + s.c; }
double MeanOf(const KahanSum& s, double count) { return s.sum / count + s.c / count; }

void SumOverTime(const RangeInput& in, std::span<double> out) {
  Summed(in, out, SumOfWindow, TotalOf);
}

void AvgOverTime(const RangeInput& in, std::span<double> out) {
  Summed(in, out, MeanOfWindow, MeanOf);
}

// The index within all values of the best in each window.
template <class Better, class Fn>
void Best(const RangeInput& in, std::span<double> out, Better better, Fn fn) {
  if (OverlapMuch(in)) {
    SlidingBest<Better> best(in.values, better);
    ForEachWindow(in, out, 1,
                  [&](size_t i) { return fn(best.Of(in.windows.begin[i], in.windows.end[i])); });
    return;
  }
  ForEachCostlyWindow(in, out, 1, [&](size_t i) {
    uint32_t best = in.windows.begin[i];
    for (uint32_t n = best + 1; n < in.windows.end[i]; ++n)
      if (better(in.values[n], in.values[best]) || std::isnan(in.values[best])) best = n;
    return fn(best);
  });
}

template <class Better>
void BestValue(const RangeInput& in, std::span<double> out) {
  Best(in, out, Better(), [&](uint32_t n) { return in.values[n]; });
}

// Of equal values the last counts: hence the comparisons that hold for equal ones too.
template <class Better>
void BestTime(const RangeInput& in, std::span<double> out) {
  const auto time = [&](uint32_t n) { return static_cast<double>(in.times[n]) / 1000; };
  if (OverlapMuch(in)) {
    SlidingBest<Better> best(in.values, Better());
    ForEachWindow(in, out, 1, [&](size_t i) {
      const uint32_t n = best.Of(in.windows.begin[i], in.windows.end[i]);
      return time(std::isnan(in.values[n]) ? in.windows.end[i] - 1 : n);
    });
    return;
  }
  ForEachCostlyWindow(in, out, 1, [&](size_t i) {
    uint32_t best = in.windows.begin[i];
    for (uint32_t n = best; n < in.windows.end[i]; ++n)
      if (Better()(in.values[n], in.values[best]) || std::isnan(in.values[best])) best = n;
    return time(best);
  });
}

double Variance(std::span<const double> window) {
  double count = 0;
  KahanSum mean;
  KahanSum squares;
  for (const double v : window) {
    count += 1;
    const double delta = v - (mean.sum + mean.c);
    mean.Add(delta / count);
    squares.Add(delta * (v - (mean.sum + mean.c)));
  }
  return (squares.sum + squares.c) / count;
}

void StdvarOverTime(const RangeInput& in, std::span<double> out) {
  // Up to here no square overflows, nor do sums of them.
  constexpr double kLargest = 1e140;
  if (!OverlapMuch(in) || Magnitude(in.values) > kLargest) {
    ForEachCostlyWindow(in, out, 1, [&](size_t i) { return Variance(in.window(i)); });
    return;
  }
  // How far values lie from some value of theirs says the same, and more exactly where all of them
  // are large.
  std::vector<double>& distances = in.buffers.values;
  distances.assign(in.values.begin(), in.values.end());
  for (double& v : distances) v -= in.values[0];
  SlidingSpread spread(distances);
  ForEachWindow(in, out, 1, [&](size_t i) {
    return spread.Of(in.windows.begin[i], in.windows.end[i]).variance();
  });
}

void StddevOverTime(const RangeInput& in, std::span<double> out) {
  StdvarOverTime(in, out);
  for (double& v : out)
    if (IsPresent(v)) v = std::sqrt(v);
}

void QuantileOverTime(const RangeInput& in, std::span<double> out) {
  const std::vector<double>& q = in.scalars[0];
  const auto checked = [&](size_t i) {
    if (!(q[i] >= 0 && q[i] <= 1)) in.query.annotations.InvalidQuantile(q[i], in.call.args[0]->pos);
    return q[i];
  };
  if (OverlapMuch(in)) {
    SlidingOrder order(in.values);
    ForEachCostlyWindow(in, out, 1, [&](size_t i) {
      return SortedQuantile(checked(i), order.Of(in.windows.begin[i], in.windows.end[i]));
    });
    return;
  }
  ForEachCostlyWindow(in, out, 1, [&](size_t i) {
    const auto window = in.window(i);
    in.buffers.values.assign(window.begin(), window.end());
    return Quantile(checked(i), in.buffers.values);
  });
}

// The median of distances from the median.
void MadOverTime(const RangeInput& in, std::span<double> out) {
  std::vector<double>& values = in.buffers.values;
  ForEachCostlyWindow(in, out, 1, [&](size_t i) {
    const auto window = in.window(i);
    if (std::any_of(window.begin(), window.end(), [](double v) { return std::isnan(v); }))
      return std::numeric_limits<double>::quiet_NaN();
    values.assign(window.begin(), window.end());
    const double median = Quantile(0.5, values);
    for (double& v : values) v = std::abs(v - median);
    return Quantile(0.5, values);
  });
}

void CountOverTime(const RangeInput& in, std::span<double> out) {
  ForEachWindow(in, out, 1, [&](size_t i) {
    return static_cast<double>(in.windows.end[i] - in.windows.begin[i]);
  });
}

void PresentOverTime(const RangeInput& in, std::span<double> out) {
  ForEachWindow(in, out, 1, [](size_t) { return 1.0; });
}

void FirstOverTime(const RangeInput& in, std::span<double> out) {
  ForEachWindow(in, out, 1, [&](size_t i) { return in.values[in.windows.begin[i]]; });
}

void LastOverTime(const RangeInput& in, std::span<double> out) {
  ForEachWindow(in, out, 1, [&](size_t i) { return in.values[in.windows.end[i] - 1]; });
}

void TsOfFirstOverTime(const RangeInput& in, std::span<double> out) {
  ForEachWindow(in, out, 1, [&](size_t i) {
    return static_cast<double>(in.times[in.windows.begin[i]]) / 1000;
  });
}

void TsOfLastOverTime(const RangeInput& in, std::span<double> out) {
  ForEachWindow(in, out, 1, [&](size_t i) {
    return static_cast<double>(in.times[in.windows.end[i] - 1]) / 1000;
  });
}

constexpr FunctionImpl kFunctions[] = {
    {.id = FunctionId::kAvgOverTime, .range = AvgOverTime, .mixed = MixedAvgOverTime},
    {.id = FunctionId::kCountOverTime,
     .range = CountOverTime,
     .mixed = MixedOfTimes<CountOverTime>},
    {.id = FunctionId::kFirstOverTime,
     .range = FirstOverTime,
     .mixed = MixedFirstOverTime,
     .keeps_name = true},
    {.id = FunctionId::kLastOverTime,
     .range = LastOverTime,
     .mixed = MixedLastOverTime,
     .keeps_name = true},
    {.id = FunctionId::kMadOverTime, .range = MadOverTime},
    {.id = FunctionId::kMaxOverTime, .range = BestValue<std::greater<>>},
    {.id = FunctionId::kMinOverTime, .range = BestValue<std::less<>>},
    {.id = FunctionId::kPresentOverTime,
     .range = PresentOverTime,
     .mixed = MixedOfTimes<PresentOverTime>},
    {.id = FunctionId::kQuantileOverTime, .range = QuantileOverTime},
    {.id = FunctionId::kStddevOverTime, .range = StddevOverTime},
    {.id = FunctionId::kStdvarOverTime, .range = StdvarOverTime},
    {.id = FunctionId::kSumOverTime, .range = SumOverTime, .mixed = MixedSumOverTime},
    {.id = FunctionId::kTsOfFirstOverTime,
     .range = TsOfFirstOverTime,
     .mixed = MixedOfTimes<TsOfFirstOverTime>},
    {.id = FunctionId::kTsOfLastOverTime,
     .range = TsOfLastOverTime,
     .mixed = MixedOfTimes<TsOfLastOverTime>},
    {.id = FunctionId::kTsOfMaxOverTime, .range = BestTime<std::greater_equal<>>},
    {.id = FunctionId::kTsOfMinOverTime, .range = BestTime<std::less_equal<>>},
};

}  // namespace

double SumOfWindow(std::span<const double> window) { return TotalOf(SumOf(window), 0); }

double MeanOfWindow(std::span<const double> window) {
  const KahanSum total = SumOf(window);
  if (std::isfinite(total.sum)) return MeanOf(total, static_cast<double>(window.size()));
  KahanMean mean;
  for (const double v : window) mean.Add(v);
  return mean.value();
}

std::span<const FunctionImpl> OverTimeFunctions() { return kFunctions; }

}  // namespace canopy::promql
