#pragma once

#include "canopy/promql/ast.h"
#include "json.h"

namespace canopy::api {

// A parsed query as /api/v1/parse_query shows it: an object for each node, keys sorted.
void WriteTree(JsonWriter& json, const promql::Expr& expr);

}  // namespace canopy::api
