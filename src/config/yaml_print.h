#pragma once

#include <string>

#include "config/yaml_tree.h"

namespace canopy::config {

// Text that ParseYaml reads back as the same tree: block style, lists not indented under their key,
// quotes only where a plain scalar would be read as something else. "" for null.
std::string PrintYaml(const YamlNode& root);

}  // namespace canopy::config
