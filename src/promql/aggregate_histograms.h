#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "accumulator.h"
#include "canopy/model/histogram_sum.h"
#include "canopy/promql/ast.h"
#include "query.h"
#include "reset_hints.h"
#include "row.h"
#include "series_source.h"

namespace canopy::promql {

// Sums or means of native histograms, by group and step: what sum and avg make of series that have
// any, beside the accumulator of their floats.
class GroupedHistograms {
 public:
  // REQUIRES: the operator is sum or avg.
  GroupedHistograms(Query& query, const Aggregate& aggregate, size_t steps)
      : query_(query), aggregate_(aggregate), steps_(steps) {}

  // `floats` is what the series before made of the floats.
  void Add(size_t group, const SeriesLabels& labels, const Row& row, const Accumulator& floats);
  // Puts the histograms of a group beside its floats; where there are both, nothing is left.
  void Finish(size_t group, RowTable& rows);

 private:
  struct Cell {
    std::optional<model::HistogramSum> sum;
    std::optional<model::HistogramMean> mean;
    ResetHints hints;
    // There were floats before: all of it counts for nothing.
    bool after_floats = false;
    // There were no floats before, but histograms that do not go together: what comes is not even
    // looked at.
    bool incompatible = false;
  };

  void AddTo(Cell& cell, const SeriesLabels& labels, const model::FloatHistogram& h);

  Query& query_;
  const Aggregate& aggregate_;
  const size_t steps_;
  std::vector<std::vector<std::unique_ptr<Cell>>> groups_;  // empty for a group without any
};

}  // namespace canopy::promql
