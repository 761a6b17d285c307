#pragma once

#include <span>

#include "block.h"
#include "canopy/base/fs.h"
#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/model/matcher.h"

namespace canopy::tsdb {

// Adds to the block's tombstones the samples of mint <= t <= maxt of the series that match, and
// says in meta.json how many there are. False when there is no such series, and nothing was
// written. The Block still shows them: it is to be opened again. Durable when it returns.
//
// REQUIRES: nobody else writes the block's meta.json or tombstones meanwhile; mint <= maxt.
Result<bool> DeleteFromBlock(Fs& fs, const Block& block, std::span<const model::Matcher> matchers,
                             Timestamp mint, Timestamp maxt);

}  // namespace canopy::tsdb
