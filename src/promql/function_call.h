#pragma once

#include <vector>

#include "evaluator.h"

namespace canopy::promql {

// Calls of functions: arguments are evaluated and the kernel of the function's family is run over
// them.
SourcePtr CallVectorFunction(Evaluator& evaluator, const Call& call, const Steps& steps);
std::vector<double> CallScalarFunction(Evaluator& evaluator, const Call& call, const Steps& steps);

}  // namespace canopy::promql
