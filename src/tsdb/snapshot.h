#pragma once

#include <string>

#include "block.h"
#include "canopy/base/fs.h"
#include "canopy/base/status.h"
#include "canopy/base/time.h"

namespace canopy::tsdb {

// Under the data directory.
inline constexpr std::string_view kSnapshotsDir = "snapshots";

// As Prometheus names them: "20171210T211224Z-2be650b6d019eb54", the end of which is random.
std::string NewSnapshotName(Timestamp now);

// The block once more, under `dir`/ULID: its files get second names, so that it costs no room until
// the block goes. Durable when it returns, but for the name in `dir`.
Status LinkBlock(Fs& fs, const Block& block, const std::string& dir);

}  // namespace canopy::tsdb
