#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "block_meta.h"
#include "canopy/base/time.h"

// What is to be done with blocks. Pure: nothing here reads a clock or a disk.

namespace canopy::tsdb {

// The lengths that blocks grow through: `shortest`, three times that, nine times, ... up to
// `longest`; at least the first.
std::vector<Duration> BlockRanges(Duration shortest, Duration longest);

// The blocks that are to become one next, as places in `blocks`, which are sorted by min_time;
// none: nothing to do. One block alone is to be written again, without what was deleted of it.
// First those that overlap; then those that together fill an aligned range, or will not become more
// because newer blocks are there; then long blocks with many deletions. The newest block waits, so
// that what was cut from the head just now is not read at once. Blocks of out-of-order samples wait
// until the head has become a block of that time too: one that they were joined to would say so.
// As prometheus 3.14 tsdb.LeveledCompactor chooses.
std::vector<size_t> PlanCompaction(std::span<const BlockMeta> blocks,
                                   std::span<const Duration> ranges);

struct BlockSize {
  Timestamp max_time;
  uint64_t bytes = 0;
};

// Which blocks go, as places in `blocks`: those that end `time` or more before the newest one ends,
// and the oldest ones until all blocks and `other_bytes` (log, head) are no more than `bytes`.
// Zero: no limit of that kind.
std::vector<size_t> BlocksBeyondRetention(std::span<const BlockSize> blocks, Duration time,
                                          uint64_t bytes, uint64_t other_bytes);

}  // namespace canopy::tsdb
