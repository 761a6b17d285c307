#pragma once

#include "binary_op.h"
#include "canopy/promql/ast.h"
#include "series_source.h"

// Operators between two vectors.

namespace canopy::promql {

// The two sides of an operator, once it is known which of them may have several series for one
// signature ("many") and which may not ("one"). Without group_right many is the left side.
struct MatchSides {
  SourcePtr many;
  SourcePtr one;
  bool many_is_right;
};

// a + b, a > bool on (x) group_left (y) b, ...
SourcePtr MatchVectors(Query& query, const Binary& binary, SourcePtr lhs, SourcePtr rhs,
                       size_t steps);
// The same, checking at each step that series match as the operator demands. For sides where labels
// alone do not say that they always do.
SourcePtr MatchStepByStep(Query& query, const Binary& binary, MatchSides sides, size_t steps);

// a and b, a or b, a unless b
SourcePtr CombineSets(Query& query, const Binary& binary, SourcePtr lhs, SourcePtr rhs,
                      size_t steps);

}  // namespace canopy::promql
