#pragma once

#include <memory>
#include <vector>

#include "canopy/storage/queryable.h"

namespace canopy::storage {

// One querier over several (head and blocks, local and remote). Series with equal labels become
// one; their samples are merged by time, and of samples at the same time the one of the later
// querier in the list wins. A single querier is returned as it is.
std::unique_ptr<Querier> MergeQueriers(std::vector<std::unique_ptr<Querier>> queriers);

// Merges `more` into `into` by time; of samples at the same time the one of `more` wins. Histograms
// are copied into `into`; a counter's says nothing of resets where another sample has come before
// it. `scratch` is overwritten: memory for the result.
void MergeColumns(ColumnBuffer& into, const Columns& more, ColumnBuffer& scratch);

// Of the samples as they are, the part with `from` <= t <= `until`.
Columns PartOf(const Columns& columns, int64_t from, int64_t until);

}  // namespace canopy::storage
