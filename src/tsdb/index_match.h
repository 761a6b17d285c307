#pragma once

#include <roaring/roaring.hh>
#include <span>

#include "canopy/base/status.h"
#include "canopy/model/matcher.h"
#include "canopy/storage/queryable.h"
#include "tsdb/index_reader.h"

namespace canopy::tsdb {

// The series of a block that every matcher matches; all series when there is none.
Result<Roaring> MatchIndex(const IndexReader& index, std::span<const model::Matcher> matchers,
                           const storage::Interrupt* interrupt = nullptr);

}  // namespace canopy::tsdb
