#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/status.h"
#include "canopy/model/labels.h"
#include "canopy/model/matcher.h"
#include "canopy/promql/ast.h"
#include "canopy/promql/features.h"

// Query text -> tree, types checked. Errors are kInvalid and worded as Prometheus 3 words them,
// position first: "1:4: parse error: unexpected <op:->" (line and column, from 1, in bytes).
// All functions are pure and thread-safe. Nesting is bounded: a query too deep is an error.

namespace canopy::promql {

Result<ExprPtr> ParseExpr(std::string_view query, const Features& features = {});

// An instant vector selector and nothing else: match[] parameters. Unlike ParseExpr it takes
// selectors that match everything: `{}`, `{a=~".*"}`.
Result<model::Matchers> ParseMetricSelector(std::string_view text);
// Fails with the error of the first that does not parse.
Result<std::vector<model::Matchers>> ParseMetricSelectors(std::span<const std::string> texts);

// foo{a="b", "c.d"="e"}: labels, not matchers.
Result<model::Labels> ParseMetric(std::string_view text);

// The query as Prometheus prints it: one line, one space around operators, labels quoted where
// needed. Parsing the result gives an equal tree.
std::string ToString(const Expr& expr);

// The same, with what is longer than `max_line` bytes split over indented lines, as /format_query
// shows it.
std::string Pretty(const Expr& expr, size_t max_line = 100);

// Equal but for positions and for how numbers were written.
bool SameTree(const Expr& a, const Expr& b);

}  // namespace canopy::promql
