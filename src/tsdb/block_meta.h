#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/fs.h"
#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "tsdb/ulid.h"

// meta.json of a block, as Prometheus writes and reads it. Source: prometheus 3.14 tsdb/block.go;
// its page is tsdb/docs/format/README.md.

namespace canopy::tsdb {

inline constexpr std::string_view kMetaFile = "meta.json";

struct BlockStats {
  uint64_t num_samples = 0;
  uint64_t num_float_samples = 0;
  uint64_t num_histogram_samples = 0;
  uint64_t num_series = 0;
  uint64_t num_chunks = 0;
  uint64_t num_tombstones = 0;
  friend bool operator==(const BlockStats&, const BlockStats&) = default;
};

// A block that went into another one.
struct BlockDesc {
  Ulid ulid;
  Timestamp min_time;
  Timestamp max_time;
  friend bool operator==(const BlockDesc&, const BlockDesc&) = default;
};

struct BlockCompaction {
  // 1 for what comes from the head; one more than the highest of the parents.
  int level = 1;
  // The blocks of level 1 that all this comes from, sorted; of such a block itself its own name.
  std::vector<Ulid> sources;
  // The block had no samples left when it was compacted, and is to be deleted.
  bool deletable = false;
  std::vector<BlockDesc> parents;
  // Compacting this block failed: it is not tried again.
  bool failed = false;
  // "from-out-of-order" and the like, sorted.
  std::vector<std::string> hints;
  friend bool operator==(const BlockCompaction&, const BlockCompaction&) = default;
};

// Hints of blocks that are no whole stretch of the head, and say nothing of what it still has.
inline constexpr std::string_view kFromOutOfOrder = "from-out-of-order";
inline constexpr std::string_view kFromSelectedSeries = "from-selected-series";
inline constexpr std::string_view kFromStaleSeries = "from-stale-series";

struct BlockMeta {
  Ulid ulid;
  // min_time <= t < max_time for each sample t of the block.
  Timestamp min_time;
  Timestamp max_time;
  BlockStats stats;
  BlockCompaction compaction;

  // Both ends included, as queries have them.
  bool Overlaps(Timestamp mint, Timestamp maxt) const {
    return min_time <= maxt && mint < max_time;
  }
  bool HasHint(std::string_view hint) const;
  // Whether all that the head had of its time is in it, so that the head takes no more there.
  bool EndsHead() const {
    return !HasHint(kFromOutOfOrder) && !HasHint(kFromSelectedSeries) && !HasHint(kFromStaleSeries);
  }
  friend bool operator==(const BlockMeta&, const BlockMeta&) = default;
};

// Of a block that comes from the head.
BlockMeta NewBlockMeta(Timestamp now, Timestamp min_time, Timestamp max_time);

// Other tools' additions ("thanos") are passed over. kCorrupt when it is no meta.json, or not
// one of version 1, or when its times cannot be.
Result<BlockMeta> ParseBlockMeta(std::string_view json);
std::string FormatBlockMeta(const BlockMeta& meta);

// The file of the block directory `dir`.
Result<BlockMeta> ReadBlockMeta(Fs& fs, const std::string& dir);
// Readers see the old file or the new one.
Status WriteBlockMeta(Fs& fs, const std::string& dir, const BlockMeta& meta);

}  // namespace canopy::tsdb
