#pragma once

#include <string>

#include "canopy/base/status.h"
#include "canopy/promql/ast.h"
#include "canopy/promql/engine.h"

namespace canopy::promql {

// The plan of a query as indented text, a node a line: what selectors will read, where a subquery
// is evaluated, what is computed once because it is the same at every step; and below what that is
// in all. `range.step` 0 is an instant query at `range.end`. Fails as the query would where its
// durations have no value.
Result<std::string> Explain(const Expr& expr, RangeSpec range, const EngineOptions& options);

}  // namespace canopy::promql
