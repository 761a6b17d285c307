#pragma once

#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "head.h"
#include "wal.h"

namespace canopy::tsdb {

// Shortens the log by what the head has dropped: the older two thirds of its segments become a
// checkpoint, with the series that still mean something, the samples from `keep_from` on, and the
// deletions of what a start may take: from `keep_from` on, or from where blocks end. Does nothing
// when there are too few segments. Appends may go on.
Status TruncateLog(Fs& fs, WalWriter& wal, const WalOptions& options, Head& head,
                   Timestamp keep_from, Timestamp blocks_end);

}  // namespace canopy::tsdb
