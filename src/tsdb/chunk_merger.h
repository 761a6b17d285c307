#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "canopy/base/status.h"
#include "canopy/storage/queryable.h"
#include "tsdb/block.h"
#include "tsdb/block_writer.h"
#include "tsdb/chunk_builder.h"

namespace canopy::tsdb {

// One list of chunks, by time and without overlap, of those that blocks have of a series, without
// what was deleted. A chunk that lies alone in its time and of which nothing is deleted stays as it
// is; others are decoded, merged, and encoded anew. Not thread-safe.
class ChunkMerger {
 public:
  // `encodings`: of what is encoded anew.
  explicit ChunkMerger(const chunk::Encodings& encodings)
      : builder_(kMergedChunkSamples, encodings) {}

  // Forgets the series.
  void Clear();
  // What `block`, which must live until Clear(), has of the series under `id`. Of samples at the
  // same time the one that was added last wins.
  Status Add(const Block& block, SeriesId id, std::span<const ChunkMeta> chunks);
  // Views live until Clear(). kUnsupported when chunks overlap, or are deleted in part, that are of
  // a schema of later versions.
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
  // The samples of one block's parts: strung together, without what was deleted.
  Status DecodeFloats(std::span<const Part> parts);
  Status DecodeMixed(std::span<const Part> parts);
  void MergeMixed();

  std::vector<Part> parts_;
  uint32_t rank_ = 0;
  std::vector<SourceChunk> out_;
  ChunkBuilder builder_;
  // Floats alone, which nearly all series are, in columns.
  storage::ColumnBuffer merged_;
  storage::ColumnBuffer column_;
  storage::ColumnBuffer scratch_;
  // Histograms, or both.
  std::vector<StoredSample> mixed_;
  std::vector<StoredSample> mixed_part_;
};

}  // namespace canopy::tsdb
