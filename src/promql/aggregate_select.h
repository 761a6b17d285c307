#pragma once

#include <span>

#include "canopy/promql/ast.h"
#include "series_source.h"

namespace canopy::promql {

// The least and greatest value of a parameter over all steps; both NaN when any is.
struct Extremes {
  double least;
  double most;
};
Extremes ExtremesOf(std::span<const double> param);

// topk, bottomk, limitk, limit_ratio: operators that yield some of the series they are given, under
// their own labels. At an instant, topk and bottomk order them.
bool SelectsSeries(AggregateOp op);
SourcePtr SelectSeries(Query& query, const Aggregate& aggregate, SourcePtr source, size_t steps,
                       std::span<const double> param);

}  // namespace canopy::promql
