#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/fs.h"
#include "canopy/base/status.h"
#include "canopy/model/symbols.h"
#include "tsdb/block_meta.h"
#include "tsdb/chunk_file.h"

namespace canopy::tsdb {

struct SourceChunk {
  int64_t mint = 0;  // of the first and last sample, Unix ms
  int64_t maxt = 0;
  ChunkEncoding encoding = ChunkEncoding::kXor;
  std::string_view data;
};

// Where the content of a new block comes from: the head, or other blocks. Asked by one thread, all
// symbols before the first series. Views live until the next call.
class BlockSource {
 public:
  struct Series {
    // Symbols are numbers in the order in which NextSymbol() returned them.
    std::span<const model::SymbolPair> labels;
    std::span<const SourceChunk> chunks;
  };

  virtual ~BlockSource() = default;
  // Strings of labels, in ascending order; false when there are no more. Ones that no series uses
  // do no harm.
  virtual Result<bool> NextSymbol(std::string_view& symbol) = 0;
  // Sorted by labels, chunks by time and without overlap; false when there are no more. Series
  // without chunks are passed over.
  virtual Result<bool> NextSeries(Series& series) = 0;
};

struct BlockWriterOptions {
  uint64_t chunk_segment_bytes = kChunkSegmentBytes;
};

// Leftovers of a block that was being written, and of one being deleted, when the process died: to
// be removed at start.
inline constexpr std::string_view kTmpForCreation = ".tmp-for-creation";
inline constexpr std::string_view kTmpForDeletion = ".tmp-for-deletion";

// Writes the block `parent`/ULID, as a whole or not at all: aside first, synced, then renamed. The
// stats of `meta` are counted here. When the source has no samples there is no block, and the
// returned num_samples is zero.
Result<BlockMeta> WriteBlock(Fs& fs, const std::string& parent, BlockMeta meta, BlockSource& source,
                             const BlockWriterOptions& options = {});

}  // namespace canopy::tsdb
