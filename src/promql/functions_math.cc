#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "function_impl.h"

// abs, clamp, round, logarithms, trigonometry, ...: each value on its own; and the scalars pi(),
// min_of() and max_of().

namespace canopy::promql {
namespace {

constexpr double kPi = std::numbers::pi;
constexpr double kInf = std::numeric_limits<double>::infinity();

// As Go's math.Max and math.Min: a NaN wins, but for the infinity that nothing passes.
double GoMax(double a, double b) {
  if (a == kInf || b == kInf) return kInf;
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::quiet_NaN();
  if (a == 0 && b == 0) return std::signbit(a) ? b : a;
  return a > b ? a : b;
}
double GoMin(double a, double b) { return -GoMax(-a, -b); }

template <class Fn>
bool ForEachValue(std::span<double> row, Fn fn) {
  for (size_t i = 0; i < row.size(); ++i)
    if (IsPresent(row[i])) row[i] = fn(row[i], i);
  return true;
}

// A row function of a function of one number.
template <double (*kFn)(double)>
bool Each(std::span<double> row, ScalarArgs /*scalars*/) {
  return ForEachValue(row, [](double v, size_t) { return kFn(v); });
}

double Abs(double v) { return std::fabs(v); }
double Ceil(double v) { return std::ceil(v); }
double Floor(double v) { return std::floor(v); }
double Exp(double v) { return std::exp(v); }
double Ln(double v) { return std::log(v); }
double Log2(double v) { return std::log2(v); }
double Log10(double v) { return std::log10(v); }
double Sqrt(double v) { return std::sqrt(v); }
double Sgn(double v) { return v < 0 ? -1 : v > 0 ? 1 : v; }
double Acos(double v) { return std::acos(v); }
double Acosh(double v) { return std::acosh(v); }
double Asin(double v) { return std::asin(v); }
double Asinh(double v) { return std::asinh(v); }
double Atan(double v) { return std::atan(v); }
double Atanh(double v) { return std::atanh(v); }
double Cos(double v) { return std::cos(v); }
double Cosh(double v) { return std::cosh(v); }
double Sin(double v) { return std::sin(v); }
double Sinh(double v) { return std::sinh(v); }
double Tan(double v) { return std::tan(v); }
double Tanh(double v) { return std::tanh(v); }
double Rad(double v) { return v * kPi / 180; }
double Deg(double v) { return v * 180 / kPi; }

// Ties go up. Multiplied by the inverse: it errs less often.
bool Round(std::span<double> row, ScalarArgs scalars) {
  return ForEachValue(row, [&](double v, size_t i) {
    const double inverse = 1.0 / (scalars.empty() ? 1.0 : scalars[0][i]);
    return std::floor(v * inverse + 0.5) / inverse;
  });
}

// Where the bounds cross nothing is left.
template <class Bounds>
bool ClampTo(std::span<double> row, Bounds bounds) {
  bool any = false;
  for (size_t i = 0; i < row.size(); ++i) {
    if (IsAbsent(row[i])) continue;
    const auto [min, max] = bounds(i);
    row[i] = max < min ? Absent() : GoMax(min, GoMin(max, row[i]));
    any |= !(max < min);
  }
  return any;
}

bool Clamp(std::span<double> row, ScalarArgs scalars) {
  return ClampTo(row, [&](size_t i) { return std::pair(scalars[0][i], scalars[1][i]); });
}
bool ClampMin(std::span<double> row, ScalarArgs scalars) {
  return ClampTo(row, [&](size_t i) { return std::pair(scalars[0][i], kInf); });
}
bool ClampMax(std::span<double> row, ScalarArgs scalars) {
  return ClampTo(row, [&](size_t i) { return std::pair(-kInf, scalars[0][i]); });
}

void Pi(Evaluator& /*evaluator*/, const Call& /*call*/, const Steps& /*steps*/,
        std::span<double> out) {
  std::fill(out.begin(), out.end(), kPi);
}

template <double (*kFn)(double, double)>
void OfTwo(Evaluator& evaluator, const Call& call, const Steps& steps, std::span<double> out) {
  const std::vector<double> a = evaluator.Scalar(*call.args[0], steps);
  const std::vector<double> b = evaluator.Scalar(*call.args[1], steps);
  for (size_t i = 0; i < out.size(); ++i) out[i] = kFn(a[i], b[i]);
}

constexpr FunctionImpl kFunctions[] = {
    {.id = FunctionId::kAbs, .row = Each<Abs>},
    {.id = FunctionId::kAcos, .row = Each<Acos>},
    {.id = FunctionId::kAcosh, .row = Each<Acosh>},
    {.id = FunctionId::kAsin, .row = Each<Asin>},
    {.id = FunctionId::kAsinh, .row = Each<Asinh>},
    {.id = FunctionId::kAtan, .row = Each<Atan>},
    {.id = FunctionId::kAtanh, .row = Each<Atanh>},
    {.id = FunctionId::kCeil, .row = Each<Ceil>},
    {.id = FunctionId::kClamp, .row = Clamp},
    {.id = FunctionId::kClampMax, .row = ClampMax},
    {.id = FunctionId::kClampMin, .row = ClampMin},
    {.id = FunctionId::kCos, .row = Each<Cos>},
    {.id = FunctionId::kCosh, .row = Each<Cosh>},
    {.id = FunctionId::kDeg, .row = Each<Deg>},
    {.id = FunctionId::kExp, .row = Each<Exp>},
    {.id = FunctionId::kFloor, .row = Each<Floor>},
    {.id = FunctionId::kLn, .row = Each<Ln>},
    {.id = FunctionId::kLog10, .row = Each<Log10>},
    {.id = FunctionId::kLog2, .row = Each<Log2>},
    {.id = FunctionId::kMaxOf, .scalar = OfTwo<GoMax>},
    {.id = FunctionId::kMinOf, .scalar = OfTwo<GoMin>},
    {.id = FunctionId::kPi, .scalar = Pi},
    {.id = FunctionId::kRad, .row = Each<Rad>},
    {.id = FunctionId::kRound, .row = Round},
    {.id = FunctionId::kSgn, .row = Each<Sgn>},
    {.id = FunctionId::kSin, .row = Each<Sin>},
    {.id = FunctionId::kSinh, .row = Each<Sinh>},
    {.id = FunctionId::kSqrt, .row = Each<Sqrt>},
    {.id = FunctionId::kTan, .row = Each<Tan>},
    {.id = FunctionId::kTanh, .row = Each<Tanh>},
};

}  // namespace

std::span<const FunctionImpl> MathFunctions() { return kFunctions; }

}  // namespace canopy::promql
