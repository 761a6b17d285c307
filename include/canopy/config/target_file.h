#pragma once

#include <string>
#include <vector>

#include "canopy/base/status.h"
#include "canopy/config/config.h"

namespace canopy::config {

// Reads a file that file_sd_configs names: [{targets: [...], labels: {...}}], in JSON or YAML as
// the path's ending says (.json, .yml, .yaml). kInvalid lists every error with path and line.
Result<std::vector<StaticConfig>> ParseTargetFile(const std::string& path, const std::string& text);

}  // namespace canopy::config
