#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "canopy/base/status.h"
#include "canopy/chunk/xor.h"
#include "canopy/storage/queryable.h"
#include "tsdb/block.h"
#include "tsdb/block_writer.h"

namespace canopy::tsdb {

// As many as Prometheus puts into a chunk that it makes in compaction.
inline constexpr size_t kMergedChunkSamples = 120;

// One list of chunks, by time and without overlap, of those that blocks have of a series, without
// what was deleted. A chunk that lies alone in its time and of which nothing is deleted stays as it
// is; others are decoded, merged, and encoded anew. Not thread-safe.
class ChunkMerger {
 public:
  // Forgets the series.
  void Clear();
  // What `block`, which must live until Clear(), has of the series under `id`. Of samples at the
  // same time the one that was added last wins.
  Status Add(const Block& block, SeriesId id, std::span<const ChunkMeta> chunks);
  // Views live until Clear(). kUnsupported when chunks of histograms overlap, or are deleted in
  // part.
  Result<std::span<const SourceChunk>> Merge();

 private:
  struct Part {
    // Times are those of what is left.
    SourceChunk chunk;
    const Block* block;
    SeriesId id;
    uint32_t rank;  // of the block, in the order in which they were added
    bool cut;       // something of it may be deleted
  };

  Status MergeParts(std::span<Part> parts);
  Status DecodeBlock(std::span<const Part> parts);
  void Encode();

  std::vector<Part> parts_;
  uint32_t rank_ = 0;
  std::vector<SourceChunk> out_;
  std::deque<std::string> encoded_;  // views of its strings stay valid while it grows
  chunk::XorEncoder encoder_;
  storage::ColumnBuffer merged_;
  storage::ColumnBuffer column_;
  storage::ColumnBuffer scratch_;
};

}  // namespace canopy::tsdb
