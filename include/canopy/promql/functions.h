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
  std::array<ValueType, 5> types;  // the first arg_count of them
  uint8_t arg_count;               // arguments named in the signature
  // 0: exactly arg_count. n > 0: the last n of arg_count may be left out. -1: the last may be left
  // out, or be repeated without end.
  int8_t variadic;
  bool experimental;  // refused unless ParseOptions::experimental_functions

  std::span<const ValueType> arg_types() const { return {types.data(), arg_count}; }
  int min_args() const {
    return variadic == 0 ? arg_count : arg_count - (variadic < 0 ? 1 : variadic);
  }
  bool unbounded() const { return variadic < 0; }
};

// Null when there is no such function; names are case-sensitive.
const Function* FindFunction(std::string_view name);
const Function& GetFunction(FunctionId id);
// Sorted by name.
std::span<const Function> AllFunctions();

}  // namespace canopy::promql
