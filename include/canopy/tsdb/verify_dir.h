#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "canopy/base/fs.h"
#include "canopy/base/status.h"
#include "canopy/tsdb/read_only_db.h"

namespace canopy::tsdb {

// What was found in a part of a data directory: a block, a log, the head chunks.
struct VerifiedPart {
  std::string name;     // "block 01HF...", "wal", "wbl", "chunks_head"
  std::string content;  // "20 series, 40 chunks, 4800 samples"
  // "PATH: offset 131072: unexpected checksum"; as many as were asked for, of `fault_count`.
  std::vector<std::string> faults;
  uint64_t fault_count = 0;
  // Not wrong, but good to know: what a start will remove, what could not be looked at.
  std::vector<std::string> notices;
};

struct VerifyDirOptions {
  // As many faults of each part are described; the rest is counted.
  size_t max_faults = 100;
  // Called when a part is done.
  std::function<void(const VerifiedPart& part)> part;
  // Within the part of that name.
  std::function<void(const std::string& name, uint64_t done, uint64_t total)> progress;
};

// Looks at every byte of a data directory that means something: every checksum, order and reference
// of blocks, of the log with its checkpoint, of the out-of-order log and of head chunks. Nothing is
// locked or written: a server may have the directory. Returns the faults of all parts together;
// kNotFound when there is no such directory, kIo when something cannot be read.
Result<uint64_t> VerifyDir(Fs& fs, const std::string& dir, const VerifyDirOptions& options);

}  // namespace canopy::tsdb
