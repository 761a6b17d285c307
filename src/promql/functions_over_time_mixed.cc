#include <memory>
#include <optional>

#include "canopy/model/histogram_sum.h"
#include "function_impl.h"
#include "reset_hints.h"

// sum_over_time, avg_over_time, first_over_time and last_over_time of series that have native
// histograms.

namespace canopy::promql {
namespace {

using model::FloatHistogram;

// The sum or mean of a window of histograms; nothing, and a note, when they do not go together.
template <class Accumulated, class Result>
HistogramPtr Accumulate(const RangeInput& in, uint32_t begin, uint32_t end, Result result) {
  Accumulated total(*in.histograms[begin]);
  ResetHints hints;
  hints.See(*in.histograms[begin]);
  bool reconciled = false;
  bool compatible = true;
  for (uint32_t n = begin + 1; n < end && compatible; ++n) {
    hints.See(*in.histograms[n]);
    const model::HistogramMerge merge = total.Add(*in.histograms[n]);
    compatible = merge.compatible;
    reconciled |= merge.bounds_reconciled;
  }
  Annotations& notes = in.query.annotations;
  if (!compatible) {
    notes.MixedExponentialCustomHistograms(in.metric_name(), in.argument);
    return nullptr;
  }
  if (hints.collide()) notes.CounterResetCollision("aggregation", in.argument);
  if (reconciled) notes.MismatchedCustomBuckets("aggregation", in.argument);
  return std::make_shared<const FloatHistogram>(result(total));
}

// Windows that are all floats or all histograms; others are noted.
template <class OfFloats, class OfHistograms>
void Unmixed(const RangeInput& in, Row& out, OfFloats of_floats, OfHistograms of_histograms) {
  for (size_t s = 0; s < in.steps(); ++s) {
    const uint32_t begin = in.windows.begin[s];
    const uint32_t end = in.windows.end[s];
    if (begin == end) continue;
    in.query.Check();
    uint32_t floats = 0;
    for (uint32_t n = begin; n < end; ++n) floats += in.histogram(n) ? 0 : 1;
    if (floats == end - begin) {
      out.SetFloat(s, of_floats(in.window(s)));
    } else if (floats > 0) {
      in.query.annotations.MixedFloatsHistograms(in.metric_name(), in.argument);
    } else if (HistogramPtr h = of_histograms(begin, end)) {
      out.SetHistogram(s, std::move(h));
    }
  }
}

// The sample of each window that `pick` says.
template <class Pick>
void Picked(const RangeInput& in, Row& out, Pick pick) {
  HistogramPtr copy;
  const FloatHistogram* copied = nullptr;
  for (size_t s = 0; s < in.steps(); ++s) {
    if (in.windows.begin[s] == in.windows.end[s]) continue;
    const uint32_t n = pick(s);
    const FloatHistogram* h = in.histogram(n);
    if (h == nullptr) {
      out.SetFloat(s, in.values[n]);
      continue;
    }
    if (h != copied) copy = std::make_shared<const FloatHistogram>(*h);
    copied = h;
    out.SetHistogram(s, copy);
  }
}

}  // namespace

void MixedSumOverTime(const RangeInput& in, Row& out) {
  Unmixed(in, out, SumOfWindow, [&](uint32_t begin, uint32_t end) {
    return Accumulate<model::HistogramSum>(in, begin, end,
                                           [](const auto& sum) { return sum.Total(); });
  });
}

void MixedAvgOverTime(const RangeInput& in, Row& out) {
  Unmixed(in, out, MeanOfWindow, [&](uint32_t begin, uint32_t end) {
    return Accumulate<model::HistogramMean>(in, begin, end,
                                            [](const auto& mean) { return mean.Mean(); });
  });
}

void MixedFirstOverTime(const RangeInput& in, Row& out) {
  Picked(in, out, [&](size_t s) { return in.windows.begin[s]; });
}

void MixedLastOverTime(const RangeInput& in, Row& out) {
  Picked(in, out, [&](size_t s) { return in.windows.end[s] - 1; });
}

}  // namespace canopy::promql
