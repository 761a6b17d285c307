#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "canopy/base/fs.h"
#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/storage/queryable.h"

namespace canopy::tsdb {

// Done so far, of all, in whatever is being counted.
using ProgressFn = std::function<void(uint64_t done, uint64_t total)>;

// What meta.json says of a block, and how large its files are.
struct BlockInfo {
  std::string ulid;
  // min_time <= t < max_time for each sample.
  Timestamp min_time;
  Timestamp max_time;
  uint64_t samples = 0;
  uint64_t chunks = 0;
  uint64_t series = 0;
  uint64_t bytes = 0;
};

// The blocks of a data directory, by min_time. `faults` names each that has no readable meta.json.
// kNotFound when there is no such directory.
Result<std::vector<BlockInfo>> ListBlocks(Fs& fs, const std::string& dir,
                                          std::vector<std::string>& faults);
// One of them. kNotFound when there is no such block.
Result<BlockInfo> ReadBlockInfo(Fs& fs, const std::string& dir, const std::string& ulid);

// A data directory as it is at one moment, blocks and head, read without being opened: no lock is
// taken and nothing is written, so that a server may have it meanwhile, ours or Prometheus's.
// Blocks are mapped; what is in the head's log only is loaded into memory. Thread-safe.
class ReadOnlyDb : public storage::Queryable {
 public:
  // kNotFound when there is no such directory. A block that cannot be opened, and what is corrupt
  // in the log, is left out and named in notices(). kUnavailable when the directory changes again
  // and again while it is being read.
  static Result<std::unique_ptr<ReadOnlyDb>> Open(Fs& fs, const std::string& dir,
                                                  const ProgressFn& progress = {});

  // What is not shown, and why; empty when all is.
  virtual const std::vector<std::string>& notices() const = 0;
};

}  // namespace canopy::tsdb
