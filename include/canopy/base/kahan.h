#pragma once

#include <cmath>
#include <limits>
#include <span>

// Compensated sums, equal to Prometheus's to the bit: it uses Neumaier's variant of Kahan's
// summation, which asks which of two addends is the larger to find the rounding error of their sum.
// Knuth's two-sum finds the same error, which is exact, without asking: no branch, and the error is
// computed beside the chain of additions and not within it. They differ only where sums are not
// finite.

namespace canopy::base {

inline bool IsInf(double v) { return std::abs(v) > std::numeric_limits<double>::max(); }

// What rounding took from t = a + b. NaN when t is not finite.
inline double SumError(double a, double b, double t) {
  const double b_part = t - a;
  return (a - (t - b_part)) + (b - b_part);
}

struct KahanSum {
  double sum = 0;
  double c = 0;

  void Add(double x) {
    const double t = sum + x;
    c = IsInf(t) ? 0 : c + SumError(sum, x, t);
    sum = t;
  }
};

inline KahanSum SumOf(std::span<const double> values) {
  KahanSum total;
  for (const double v : values) total.Add(v);
  return total;
}

// A mean that is a plain sum divided, until that sum would overflow; from then on an incremental
// mean.
class KahanMean {
 public:
  void Add(double x) {
    count_ += 1;
    if (count_ == 1) {
      total_.sum = x;
      return;
    }
    if (!incremental_) {
      KahanSum next = total_;
      next.Add(x);
      if (!IsInf(next.sum)) {
        total_ = next;
        return;
      }
      incremental_ = true;
      mean_ = {total_.sum / (count_ - 1), total_.c / (count_ - 1)};
    }
    const double q = (count_ - 1) / count_;
    mean_ = {q * mean_.sum, q * mean_.c};
    mean_.Add(x / count_);
  }
  double value() const {
    if (incremental_) return mean_.sum + mean_.c;
    return total_.sum / count_ + total_.c / count_;
  }

 private:
  double count_ = 0;
  KahanSum total_;
  KahanSum mean_;
  bool incremental_ = false;
};

}  // namespace canopy::base
