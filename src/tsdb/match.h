#pragma once

#include <roaring/roaring.hh>
#include <span>

#include "canopy/base/status.h"
#include "canopy/model/matcher.h"
#include "canopy/storage/queryable.h"
#include "known_matches.h"
#include "label_index.h"
#include "series_table.h"

namespace canopy::tsdb {

// The series that every matcher matches; all series when there is none. The caller holds the
// head's lock. Fails only when interrupted.
Result<Roaring> Match(const LabelIndex& index, const SeriesTable& table, KnownMatches& known,
                      std::span<const model::Matcher> matchers,
                      const storage::Interrupt* interrupt = nullptr);

}  // namespace canopy::tsdb
