#pragma once

#include "canopy/promql/value.h"
#include "column_source.h"
#include "query.h"

namespace canopy::promql {

void SortByLabels(const Query& query, Matrix& matrix);

// The samples of a range selector or subquery themselves, sorted by labels. REQUIRES: one step.
Matrix RawSamples(Query& query, const ColumnSource& source);

}  // namespace canopy::promql
