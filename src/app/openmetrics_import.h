#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "canopy/base/clock.h"
#include "canopy/base/fs.h"
#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/tsdb/read_only_db.h"

namespace canopy::app {

struct ImportOptions {
  // Blocks span so much at most, each from a multiple of it on.
  Duration block_range = std::chrono::hours(2);
  // Set on every series, in the place of what it has there.
  std::vector<std::pair<std::string, std::string>> labels;
  // As many samples are held in memory before they are written; the page is read once for each
  // such part.
  uint64_t max_samples_in_memory = 40'000'000;
  // Called for each block that was written.
  std::function<void(const tsdb::BlockInfo&)> block;
  // Bytes of the page that were read, of all, over all the times that it is read.
  tsdb::ProgressFn progress;
};

// The longest of Prometheus's block ranges (two hours, and then three times as much each) that is
// not longer than what is asked for; two hours for anything less.
Duration CompatibleBlockRange(Duration asked);

// Writes the samples of an OpenMetrics page as blocks into `dir`. They may come in any order, but
// each has to have a timestamp: kInvalid otherwise, and when the page is malformed, or a series has
// two values at one time. Blocks that were written before an error stay.
Status ImportOpenMetrics(Fs& fs, const Clock& clock, std::string_view page, const std::string& dir,
                         const ImportOptions& options);

}  // namespace canopy::app
