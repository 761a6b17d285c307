#pragma once

#include <cmath>

#include "canopy/promql/ast.h"

namespace canopy::promql {

// What an operator makes of two floats. Comparisons: the left value, if they hold.
struct OpResult {
  double value;
  bool keep;
};

// Calls fn with the operator as a function of two doubles, so that the loops over rows are compiled
// once per operator. REQUIRES: no set operator.
template <class Fn>
decltype(auto) WithOperator(BinaryOp op, Fn fn) {
  switch (op) {
    case BinaryOp::kAdd:
      return fn([](double a, double b) { return OpResult{a + b, true}; });
    case BinaryOp::kSub:
      return fn([](double a, double b) { return OpResult{a - b, true}; });
    case BinaryOp::kMul:
      return fn([](double a, double b) { return OpResult{a * b, true}; });
    case BinaryOp::kDiv:
      return fn([](double a, double b) { return OpResult{a / b, true}; });
    case BinaryOp::kPow:
      return fn([](double a, double b) { return OpResult{std::pow(a, b), true}; });
    case BinaryOp::kMod:
      return fn([](double a, double b) { return OpResult{std::fmod(a, b), true}; });
    case BinaryOp::kAtan2:
      return fn([](double a, double b) { return OpResult{std::atan2(a, b), true}; });
    case BinaryOp::kEqual:
      return fn([](double a, double b) { return OpResult{a, a == b}; });
    case BinaryOp::kNotEqual:
      return fn([](double a, double b) { return OpResult{a, a != b}; });
    case BinaryOp::kLess:
      return fn([](double a, double b) { return OpResult{a, a < b}; });
    case BinaryOp::kLessOrEqual:
      return fn([](double a, double b) { return OpResult{a, a <= b}; });
    case BinaryOp::kGreater:
      return fn([](double a, double b) { return OpResult{a, a > b}; });
    case BinaryOp::kGreaterOrEqual:
      return fn([](double a, double b) { return OpResult{a, a >= b}; });
    default:
      // Trimming is for histograms: of floats nothing is left.
      return fn([](double, double) { return OpResult{0, false}; });
  }
}

// Arithmetic makes another metric of one; comparisons and set operators do not.
constexpr bool MakesNewMetric(BinaryOp op) { return op <= BinaryOp::kSub; }
constexpr bool IsTrim(BinaryOp op) {
  return op == BinaryOp::kTrimUpper || op == BinaryOp::kTrimLower;
}

}  // namespace canopy::promql
