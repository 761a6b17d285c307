#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "canopy/promql/value_type.h"

// The functions of PromQL by name and signature. The table is src/promql/function_table.cc; what
// they compute is found by FunctionId in the evaluator. Names, signatures and experimental marks as
// prometheus/prometheus@d15adb9ad7 promql/parser/functions.go.

namespace canopy::promql {

enum class FunctionId : uint8_t {
  kAbs,
  kAbsent,
  kAbsentOverTime,
  kAcos,
  kAcosh,
  kAsin,
  kAsinh,
  kAtan,
  kAtanh,
  kAvgOverTime,
  kCeil,
  kChanges,
  kClamp,
  kClampMax,
  kClampMin,
  kCos,
  kCosh,
  kCountOverTime,
  kDayOfMonth,
  kDayOfWeek,
  kDayOfYear,
  kDaysInMonth,
  kDeg,
  kDelta,
  kDeriv,
  kDoubleExponentialSmoothing,
  kEnd,
  kExp,
  kFirstOverTime,
  kFloor,
  kHistogramAvg,
  kHistogramCount,
  kHistogramFraction,
  kHistogramQuantile,
  kHistogramQuantiles,
  kHistogramStddev,
  kHistogramStdvar,
  kHistogramSum,
  kHour,
  kIdelta,
  kIncrease,
  kInfo,
  kIrate,
  kLabelJoin,
  kLabelReplace,
  kLastOverTime,
  kLn,
  kLog10,
  kLog2,
  kMadOverTime,
  kMaxOf,
  kMaxOverTime,
  kMinOf,
  kMinOverTime,
  kMinute,
  kMonth,
  kPi,
  kPredictLinear,
  kPresentOverTime,
  kQuantileOverTime,
  kRad,
  kRange,
  kRate,
  kResets,
  kRound,
  kScalar,
  kSgn,
  kSin,
  kSinh,
  kSort,
  kSortByLabel,
  kSortByLabelDesc,
  kSortDesc,
  kSqrt,
  kStart,
  kStartTimestamp,
  kStddevOverTime,
  kStdvarOverTime,
  kStep,
  kSumOverTime,
  kTan,
  kTanh,
  kTime,
  kTimestamp,
  kTsOfFirstOverTime,
  kTsOfLastOverTime,
  kTsOfMaxOverTime,
  kTsOfMinOverTime,
  kVector,
  kYear,
};
inline constexpr int kFunctionCount = static_cast<int>(FunctionId::kYear) + 1;

struct Function {
  FunctionId id;
  std::string_view name;
  ValueType return_type;
  std::array<ValueType, 5> types;  // arg_count of them
  uint8_t arg_count;
  // 0: exactly arg_count arguments. Otherwise at least arg_count - 1, the last type counting for
  // all that follow: at most arg_count - 1 + variadic, or any number when it is -1.
  int8_t variadic;
  bool experimental;  // refused unless Features::experimental_functions

  std::span<const ValueType> arg_types() const { return {types.data(), arg_count}; }
  int min_args() const { return variadic == 0 ? arg_count : arg_count - 1; }
  // -1: any number.
  int max_args() const { return variadic < 0 ? -1 : min_args() + variadic; }
  // REQUIRES: i is less than what max_args() allows, and arg_count is not 0.
  ValueType arg_type(size_t i) const { return types[i < arg_count ? i : arg_count - 1u]; }
};

// Null when there is no such function; names are case-sensitive.
const Function* FindFunction(std::string_view name);
const Function& GetFunction(FunctionId id);
// Sorted by name.
std::span<const Function> AllFunctions();

}  // namespace canopy::promql
