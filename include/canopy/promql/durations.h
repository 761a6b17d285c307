#pragma once

#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/promql/ast.h"

namespace canopy::promql {

// What step() and range() stand for in a query: both zero in an instant query.
struct QueryTimes {
  Duration step{0};
  Duration range{0};
};

// The values of what may be written as duration expressions, for one query. kExecution with
// Prometheus's texts where there is none: "1:4: division by zero" (start and end in bytes),
// "... duration must be greater than 0".
Result<Duration> RangeOf(const MatrixSelector& selector, const QueryTimes& times);
Result<Duration> RangeOf(const Subquery& subquery, const QueryTimes& times);
// Zero where none is written.
Result<Duration> StepOf(const Subquery& subquery, const QueryTimes& times);
Result<Duration> OffsetOf(const TimeModifiers& modifiers, const QueryTimes& times);

}  // namespace canopy::promql
