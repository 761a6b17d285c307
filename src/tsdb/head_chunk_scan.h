#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "canopy/base/fs.h"
#include "canopy/base/status.h"
#include "tsdb/head_chunk_files.h"
#include "tsdb/head_chunk_format.h"

namespace canopy::tsdb {

// The head chunks of a directory as they lie there.
struct HeadChunkScan {
  // What the chunks' bytes are views of.
  std::vector<std::shared_ptr<const MappedFile>> files;
  uint64_t chunks = 0;
  uint64_t bytes = 0;
  std::vector<HeadChunkFault> faults;
};

// Looks at head chunk files without becoming their owner: nothing is created, removed or written.
// Calls fn(ref, chunk) for each chunk whose checksum is right, file by file up to the first fault.
// A missing directory has none.
using HeadChunkFn = std::function<void(uint64_t ref, const HeadChunk& chunk)>;
Result<HeadChunkScan> ScanHeadChunks(Fs& fs, const std::string& dir, const HeadChunkFn& fn);

}  // namespace canopy::tsdb
