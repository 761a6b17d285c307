#include "config/patterns.h"

#include <algorithm>
#include <array>

namespace canopy::config {

bool IsFilePattern(std::string_view name) {
  const size_t star = name.find('*');
  return star == std::string_view::npos || name.find('/', star) == std::string_view::npos;
}

bool IsTargetFilePattern(std::string_view name) {
  constexpr std::array<std::string_view, 6> kEndings = {".json", ".yml", ".yaml",
                                                        ".JSON", ".YML", ".YAML"};
  return IsFilePattern(name) &&
         std::any_of(kEndings.begin(), kEndings.end(),
                     [&](std::string_view ending) { return name.ends_with(ending); });
}

}  // namespace canopy::config
