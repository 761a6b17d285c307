#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "canopy/base/fs.h"
#include "canopy/base/status.h"
#include "tsdb/block_meta.h"

namespace canopy::tsdb {

struct VerifyOptions {
  // As many faults are described; the rest is counted.
  size_t max_faults = 100;
  // Called now and then with the series that were looked at, of all.
  std::function<void(uint64_t done, uint64_t total)> progress;
};

struct VerifyReport {
  // "DIR/index: series 17: unexpected checksum"
  std::vector<std::string> faults;
  uint64_t fault_count = 0;
  // What was found, to be compared with what meta.json says.
  BlockStats found;
  // Chunks whose checksum is right, and that we cannot decode.
  uint64_t undecoded_chunks = 0;

  bool ok() const { return fault_count == 0; }
};

// Looks at every byte of a block directory that means something: checksums of the index, the chunks
// and the tombstones; the order of symbols, labels, series, postings, chunks and samples; that
// every reference leads somewhere, each series stands in the lists of just its labels, and the
// figures of meta.json are true. Reads, and changes nothing.
VerifyReport VerifyBlock(Fs& fs, const std::string& dir, const VerifyOptions& options = {});

}  // namespace canopy::tsdb
