#include <cmath>
#include <cstdio>
#include <limits>
#include <utility>

#include "canopy/base/kahan.h"
#include "function_impl.h"

// deriv, predict_linear, double_exponential_smoothing: lines through the samples of a window.

namespace canopy::promql {
namespace {

using base::KahanSum;

struct Line {
  double slope;
  double intercept;  // the value at `origin`
};

// Least squares. Times count from `origin`, near the samples, so that they are small.
Line Regression(std::span<const int64_t> times, std::span<const double> values, int64_t origin) {
  KahanSum x_sum;
  KahanSum y_sum;
  KahanSum xy_sum;
  KahanSum xx_sum;
  bool constant = true;
  for (size_t i = 0; i < values.size(); ++i) {
    constant &= i == 0 || values[i] == values[0];
    const double x = static_cast<double>(times[i] - origin) / 1e3;
    x_sum.Add(x);
    y_sum.Add(values[i]);
    xy_sum.Add(x * values[i]);
    xx_sum.Add(x * x);
  }
  if (constant) {
    constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
    if (std::isinf(values[0])) return {kNan, kNan};
    return {0, values[0]};
  }
  const auto n = static_cast<double>(values.size());
  const double x = x_sum.sum + x_sum.c;
  const double y = y_sum.sum + y_sum.c;
  const double covariance = (xy_sum.sum + xy_sum.c) - x * y / n;
  const double variance = (xx_sum.sum + xx_sum.c) - x * x / n;
  const double slope = covariance / variance;
  return {slope, y / n - slope * x / n};
}

void Deriv(const RangeInput& in, std::span<double> out) {
  ForEachCostlyWindow(in, out, 2, [&](size_t i) {
    const auto times = in.window_times(i);
    return Regression(times, in.window(i), times.front()).slope;
  });
}

void PredictLinear(const RangeInput& in, std::span<double> out) {
  ForEachCostlyWindow(in, out, 2, [&](size_t i) {
    // From the step on, even where the selector looks elsewhere.
    const Line line = Regression(in.window_times(i), in.window(i), in.look.steps.at(i));
    return line.slope * in.scalars[0][i] + line.intercept;
  });
}

void CheckFactor(const char* kind, const char* name, double factor) {
  if (factor > 0 && factor < 1) return;
  if (std::isnan(factor)) return;  // passes both comparisons in Prometheus as well
  char text[160];
  std::snprintf(text, sizeof(text), "invalid %s factor. Expected: 0 < %s < 1, got: %f", kind, name,
                factor);
  Fail(text);
}

double Smooth(std::span<const double> values, double smoothing, double trending) {
  double before = 0;
  double smoothed = values[0];
  double trend = values[1] - values[0];
  for (size_t i = 1; i < values.size(); ++i) {
    if (i > 1) trend = trending * (smoothed - before) + (1 - trending) * trend;
    before = std::exchange(smoothed, smoothing * values[i] + (1 - smoothing) * (smoothed + trend));
  }
  return smoothed;
}

void DoubleExponentialSmoothing(const RangeInput& in, std::span<double> out) {
  ForEachCostlyWindow(in, out, 1, [&](size_t i) {
    const double smoothing = in.scalars[0][i];
    const double trending = in.scalars[1][i];
    CheckFactor("smoothing", "sf", smoothing);
    CheckFactor("trend", "tf", trending);
    const auto window = in.window(i);
    return window.size() < 2 ? Absent() : Smooth(window, smoothing, trending);
  });
}

constexpr FunctionImpl kFunctions[] = {
    {.id = FunctionId::kDeriv, .range = Deriv},
    {.id = FunctionId::kPredictLinear, .range = PredictLinear},
    {.id = FunctionId::kDoubleExponentialSmoothing, .range = DoubleExponentialSmoothing},
};

}  // namespace

std::span<const FunctionImpl> TrendFunctions() { return kFunctions; }

}  // namespace canopy::promql
