#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "canopy/base/ids.h"
#include "tsdb/chunk_format.h"

// Chunks of the head that take no more samples, in files chunks_head/000001, ... of at most 128
// MiB:
//
//   file  := 0x0130BC91 <4b> | version 1 <1b> | 0 <3b> | { chunk } | zeros
//   chunk := series ref <8b> | mint <8b> | maxt <8b> | encoding <1b> | len of data <uvarint> | data
//            | CRC-32C of all before it <4b>
//
// The top bit of the encoding says that the samples came out of order. A chunk's reference is the
// number in the name of its file and its offset there: 32 bits each. Prometheus reserves space,
// which is why zeros may follow, and syncs a file when it begins the next one: after a power cut
// the last file ends anywhere. Source: prometheus 3.14 tsdb/chunks/head_chunks.go; the page is
// tsdb/docs/format/head_chunks.md.

namespace canopy::tsdb {

inline constexpr std::string_view kHeadChunksDir = "chunks_head";
inline constexpr uint32_t kHeadChunksMagic = 0x0130BC91;
inline constexpr uint8_t kHeadChunksVersion = 1;
inline constexpr size_t kHeadChunksHeaderBytes = 8;
inline constexpr uint64_t kHeadChunkFileBytes = 128ull << 20;

// A view.
struct HeadChunk {
  SeriesRef series;
  int64_t mint = 0;  // of the first and last sample, Unix ms
  int64_t maxt = 0;
  ChunkEncoding encoding = ChunkEncoding::kXor;
  bool out_of_order = false;
  std::string_view data;
};

void AppendHeadChunk(std::string& out, const HeadChunk& chunk);

enum class HeadChunkFound : uint8_t {
  kChunk,
  kEnd,      // nothing but zeros follows
  kTorn,     // the file ends within the chunk, or nothing but zeros follows on it
  kCorrupt,  // it is wrong, and more follows
};
// Looks at what lies at `offset` of a file (REQUIRES: not behind its end); of a chunk `size` are
// its bytes.
HeadChunkFound ParseHeadChunk(std::string_view file, size_t offset, HeadChunk& chunk, size_t& size);

// Where the chunks of a file end.
struct HeadChunksEnd {
  size_t offset = 0;   // behind the last one; 0: the header cannot be read
  std::string reason;  // why not all of the file was read; empty: only zeros follow
  bool torn = false;   // as a power cut leaves the last file
  bool unknown_version = false;
};
// Calls fn(offset, chunk) for each chunk of a file, up to the first that cannot be read. `is_last`:
// of the directory.
HeadChunksEnd ReadHeadChunks(std::string_view file, bool is_last,
                             const std::function<void(size_t offset, const HeadChunk&)>& fn);

}  // namespace canopy::tsdb
