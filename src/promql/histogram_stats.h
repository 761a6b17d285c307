#pragma once

#include <unordered_set>

#include "canopy/promql/ast.h"
#include "canopy/storage/queryable.h"

// histogram_count, histogram_sum and histogram_avg need no buckets. What they are asked of is read
// without them, and so is cheap to add up. Since resets cannot be found in it any more, they are
// looked for while the buckets are there. As prometheus/prometheus@d15adb9ad7
// promql/histogram_stats_iterator.go: notes of a query show whether it was done.

namespace canopy::promql {

using SelectorSet = std::unordered_set<const VectorSelector*>;
// The selectors of an expression whose buckets nobody looks at.
SelectorSet SelectorsWithoutBuckets(const Expr& expr);

// The same columns, their histograms without buckets, in `buffer`.
storage::Columns WithoutBuckets(const storage::Columns& columns, storage::ColumnBuffer& buffer);

}  // namespace canopy::promql
