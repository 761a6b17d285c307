#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "canopy/model/sample.h"

// Rows: the values of one series at all steps of an evaluation. A step without a value holds the
// staleness marker's bits: no value that a query computes or reads has them, since markers end
// where selectors read. Arithmetic on a marker would yield an ordinary NaN, so whoever computes
// looks first.

namespace canopy::promql {

inline double Absent() { return model::StaleNan(); }
inline bool IsAbsent(double v) { return model::IsStale(v); }
inline bool IsPresent(double v) { return !model::IsStale(v); }

inline size_t CountPresent(std::span<const double> row) {
  return static_cast<size_t>(std::count_if(row.begin(), row.end(), IsPresent));
}

// The points in time at which an expression is evaluated, in Unix milliseconds.
struct Steps {
  int64_t start = 0;
  int64_t interval = 1;
  size_t count = 1;

  int64_t at(size_t i) const { return start + static_cast<int64_t>(i) * interval; }
  int64_t last() const { return at(count - 1); }
};

}  // namespace canopy::promql
