#pragma once

#include <string_view>

namespace canopy::config {

// Whether a name in rule_files or scrape_config_files has its `*`, if any, in its last element.
bool IsFilePattern(std::string_view name);
// Likewise for file_sd_configs, where the name must end in .json, .yml or .yaml as well.
bool IsTargetFilePattern(std::string_view name);

}  // namespace canopy::config
