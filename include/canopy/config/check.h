#pragma once

#include <vector>

#include "canopy/base/fs.h"
#include "canopy/config/config.h"
#include "canopy/config/load.h"

namespace canopy::config {

// Looks at what a loaded configuration will meet: files of rules, credentials and certificates must
// exist, files of targets must be readable as such, and relabelling must leave hosts where hosts
// belong. None of this keeps a server from starting, as it may change while it runs; `check config`
// reports it. Notices are files that are not there and need not be.
struct FileCheck {
  std::vector<LoadError> errors;
  std::vector<LoadError> notices;
};
FileCheck CheckFiles(Fs& fs, const Config& config);

}  // namespace canopy::config
