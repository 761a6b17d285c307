#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "canopy/model/sample.h"
#include "canopy/promql/value.h"

// Rows: the values of one series at all steps of an evaluation. A step without a float holds the
// staleness marker's bits: no value that a query computes or reads has them, since markers end
// where selectors read. Arithmetic on a marker would yield an ordinary NaN, so whoever computes
// looks first. Histograms stand beside the floats, and only in rows that have any: what computes
// floats need not know of them.

namespace canopy::promql {

inline double Absent() { return model::StaleNan(); }
inline bool IsAbsent(double v) { return model::IsStale(v); }
inline bool IsPresent(double v) { return !model::IsStale(v); }

inline size_t CountPresent(std::span<const double> row) {
  return static_cast<size_t>(std::count_if(row.begin(), row.end(), IsPresent));
}

// What a histogram counts for when samples are counted: as many as would take its memory, as in
// Prometheus.
size_t SamplesOf(const model::FloatHistogram& h);

// One row: at each step a float, a histogram, or nothing.
struct Row {
  std::span<double> values;              // absent where a histogram stands
  std::vector<HistogramPtr> histograms;  // null where none stands; empty when there is none at all

  Row() = default;
  explicit Row(std::span<double> v) : values(v) {}

  size_t size() const { return values.size(); }
  bool has_histograms() const { return !histograms.empty(); }
  // Null when there is none.
  const model::FloatHistogram* histogram(size_t step) const {
    return histograms.empty() ? nullptr : histograms[step].get();
  }
  bool present(size_t step) const { return IsPresent(values[step]) || histogram(step) != nullptr; }
  bool AnyPresent() const;
  // As samples are counted.
  size_t Samples() const;

  void SetFloat(size_t step, double v) {
    values[step] = v;
    if (!histograms.empty()) histograms[step] = nullptr;
  }
  void SetHistogram(size_t step, HistogramPtr h) {
    if (histograms.empty()) histograms.resize(values.size());
    histograms[step] = std::move(h);
    values[step] = Absent();
  }
  void Clear(size_t step) { SetFloat(step, Absent()); }
};

// The points in time at which an expression is evaluated, in Unix milliseconds.
struct Steps {
  int64_t start = 0;
  int64_t interval = 1;
  size_t count = 1;

  int64_t at(size_t i) const { return start + static_cast<int64_t>(i) * interval; }
  int64_t last() const { return at(count - 1); }
};

}  // namespace canopy::promql
