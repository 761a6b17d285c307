#include <algorithm>

#include "canopy/promql/functions.h"

namespace canopy::promql {
namespace {

using enum ValueType;
using Id = FunctionId;

enum Stability : bool { kStable = false, kExperimental = true };

struct Args {
  std::array<ValueType, 5> types{};
  uint8_t count = 0;

  template <class... T>
  constexpr explicit Args(T... t) : types{t...}, count(sizeof...(t)) {}
};

constexpr Function Row(Id id, std::string_view name, ValueType returns, Args args,
                       int8_t variadic = 0, Stability stability = kStable) {
  return {id, name, returns, args.types, args.count, variadic, stability == kExperimental};
}

constexpr Args kNone{};
constexpr Args kOneVector{kVector};
constexpr Args kOneMatrix{kMatrix};

// Sorted by name, and in the order of FunctionId. A new function: a row here, an id there, and what
// it computes in the evaluator's table.
constexpr Function kTable[] = {
    Row(Id::kAbs, "abs", kVector, kOneVector),
    Row(Id::kAbsent, "absent", kVector, kOneVector),
    Row(Id::kAbsentOverTime, "absent_over_time", kVector, kOneMatrix),
    Row(Id::kAcos, "acos", kVector, kOneVector),
    Row(Id::kAcosh, "acosh", kVector, kOneVector),
    Row(Id::kAsin, "asin", kVector, kOneVector),
    Row(Id::kAsinh, "asinh", kVector, kOneVector),
    Row(Id::kAtan, "atan", kVector, kOneVector),
    Row(Id::kAtanh, "atanh", kVector, kOneVector),
    Row(Id::kAvgOverTime, "avg_over_time", kVector, kOneMatrix),
    Row(Id::kCeil, "ceil", kVector, kOneVector),
    Row(Id::kChanges, "changes", kVector, kOneMatrix),
    Row(Id::kClamp, "clamp", kVector, Args(kVector, kScalar, kScalar)),
    Row(Id::kClampMax, "clamp_max", kVector, Args(kVector, kScalar)),
    Row(Id::kClampMin, "clamp_min", kVector, Args(kVector, kScalar)),
    Row(Id::kCos, "cos", kVector, kOneVector),
    Row(Id::kCosh, "cosh", kVector, kOneVector),
    Row(Id::kCountOverTime, "count_over_time", kVector, kOneMatrix),
    Row(Id::kDayOfMonth, "day_of_month", kVector, kOneVector, 1),
    Row(Id::kDayOfWeek, "day_of_week", kVector, kOneVector, 1),
    Row(Id::kDayOfYear, "day_of_year", kVector, kOneVector, 1),
    Row(Id::kDaysInMonth, "days_in_month", kVector, kOneVector, 1),
    Row(Id::kDeg, "deg", kVector, kOneVector),
    Row(Id::kDelta, "delta", kVector, kOneMatrix),
    Row(Id::kDeriv, "deriv", kVector, kOneMatrix),
    Row(Id::kDoubleExponentialSmoothing, "double_exponential_smoothing", kVector,
        Args(kMatrix, kScalar, kScalar), 0, kExperimental),
    Row(Id::kEnd, "end", kScalar, kNone, 0, kExperimental),
    Row(Id::kExp, "exp", kVector, kOneVector),
    Row(Id::kFirstOverTime, "first_over_time", kVector, kOneMatrix),
    Row(Id::kFloor, "floor", kVector, kOneVector),
    Row(Id::kHistogramAvg, "histogram_avg", kVector, kOneVector),
    Row(Id::kHistogramCount, "histogram_count", kVector, kOneVector),
    Row(Id::kHistogramFraction, "histogram_fraction", kVector, Args(kScalar, kScalar, kVector)),
    Row(Id::kHistogramQuantile, "histogram_quantile", kVector, Args(kScalar, kVector)),
    Row(Id::kHistogramQuantiles, "histogram_quantiles", kVector,
        Args(kVector, kString, kScalar, kScalar), 9, kExperimental),
    Row(Id::kHistogramStddev, "histogram_stddev", kVector, kOneVector),
    Row(Id::kHistogramStdvar, "histogram_stdvar", kVector, kOneVector),
    Row(Id::kHistogramSum, "histogram_sum", kVector, kOneVector),
    Row(Id::kHour, "hour", kVector, kOneVector, 1),
    Row(Id::kIdelta, "idelta", kVector, kOneMatrix),
    Row(Id::kIncrease, "increase", kVector, kOneMatrix),
    Row(Id::kInfo, "info", kVector, Args(kVector, kVector), 1, kExperimental),
    Row(Id::kIrate, "irate", kVector, kOneMatrix),
    Row(Id::kLabelJoin, "label_join", kVector, Args(kVector, kString, kString, kString), -1),
    Row(Id::kLabelReplace, "label_replace", kVector,
        Args(kVector, kString, kString, kString, kString)),
    Row(Id::kLastOverTime, "last_over_time", kVector, kOneMatrix),
    Row(Id::kLn, "ln", kVector, kOneVector),
    Row(Id::kLog10, "log10", kVector, kOneVector),
    Row(Id::kLog2, "log2", kVector, kOneVector),
    Row(Id::kMadOverTime, "mad_over_time", kVector, kOneMatrix, 0, kExperimental),
    Row(Id::kMaxOf, "max_of", kScalar, Args(kScalar, kScalar), 0, kExperimental),
    Row(Id::kMaxOverTime, "max_over_time", kVector, kOneMatrix),
    Row(Id::kMinOf, "min_of", kScalar, Args(kScalar, kScalar), 0, kExperimental),
    Row(Id::kMinOverTime, "min_over_time", kVector, kOneMatrix),
    Row(Id::kMinute, "minute", kVector, kOneVector, 1),
    Row(Id::kMonth, "month", kVector, kOneVector, 1),
    Row(Id::kPi, "pi", kScalar, kNone),
    Row(Id::kPredictLinear, "predict_linear", kVector, Args(kMatrix, kScalar)),
    Row(Id::kPresentOverTime, "present_over_time", kVector, kOneMatrix),
    Row(Id::kQuantileOverTime, "quantile_over_time", kVector, Args(kScalar, kMatrix)),
    Row(Id::kRad, "rad", kVector, kOneVector),
    Row(Id::kRange, "range", kScalar, kNone, 0, kExperimental),
    Row(Id::kRate, "rate", kVector, kOneMatrix),
    Row(Id::kResets, "resets", kVector, kOneMatrix),
    Row(Id::kRound, "round", kVector, Args(kVector, kScalar), 1),
    Row(Id::kScalar, "scalar", kScalar, kOneVector),
    Row(Id::kSgn, "sgn", kVector, kOneVector),
    Row(Id::kSin, "sin", kVector, kOneVector),
    Row(Id::kSinh, "sinh", kVector, kOneVector),
    Row(Id::kSort, "sort", kVector, kOneVector),
    Row(Id::kSortByLabel, "sort_by_label", kVector, Args(kVector, kString), -1, kExperimental),
    Row(Id::kSortByLabelDesc, "sort_by_label_desc", kVector, Args(kVector, kString), -1,
        kExperimental),
    Row(Id::kSortDesc, "sort_desc", kVector, kOneVector),
    Row(Id::kSqrt, "sqrt", kVector, kOneVector),
    Row(Id::kStart, "start", kScalar, kNone, 0, kExperimental),
    Row(Id::kStartTimestamp, "start_timestamp", kVector, kOneVector, 0, kExperimental),
    Row(Id::kStddevOverTime, "stddev_over_time", kVector, kOneMatrix),
    Row(Id::kStdvarOverTime, "stdvar_over_time", kVector, kOneMatrix),
    Row(Id::kStep, "step", kScalar, kNone, 0, kExperimental),
    Row(Id::kSumOverTime, "sum_over_time", kVector, kOneMatrix),
    Row(Id::kTan, "tan", kVector, kOneVector),
    Row(Id::kTanh, "tanh", kVector, kOneVector),
    Row(Id::kTime, "time", kScalar, kNone),
    Row(Id::kTimestamp, "timestamp", kVector, kOneVector),
    Row(Id::kTsOfFirstOverTime, "ts_of_first_over_time", kVector, kOneMatrix, 0, kExperimental),
    Row(Id::kTsOfLastOverTime, "ts_of_last_over_time", kVector, kOneMatrix, 0, kExperimental),
    Row(Id::kTsOfMaxOverTime, "ts_of_max_over_time", kVector, kOneMatrix, 0, kExperimental),
    Row(Id::kTsOfMinOverTime, "ts_of_min_over_time", kVector, kOneMatrix, 0, kExperimental),
    Row(Id::kVector, "vector", kVector, Args(kScalar)),
    Row(Id::kYear, "year", kVector, kOneVector, 1),
};

constexpr bool TableIsInOrder() {
  for (size_t i = 0; i < std::size(kTable); ++i) {
    if (static_cast<size_t>(kTable[i].id) != i) return false;
    if (i > 0 && kTable[i - 1].name >= kTable[i].name) return false;
  }
  return std::size(kTable) == kFunctionCount;
}
static_assert(TableIsInOrder());

}  // namespace

const Function* FindFunction(std::string_view name) {
  const auto* it =
      std::lower_bound(std::begin(kTable), std::end(kTable), name,
                       [](const Function& f, std::string_view n) { return f.name < n; });
  return it != std::end(kTable) && it->name == name ? it : nullptr;
}

const Function& GetFunction(FunctionId id) { return kTable[static_cast<size_t>(id)]; }

std::span<const Function> AllFunctions() { return kTable; }

}  // namespace canopy::promql
