#pragma once

#include <string>
#include <string_view>

namespace canopy::model {

// Letters of all scripts mapped one by one, as Go's strings.ToLower and ToUpper do; bytes that are
// no UTF-8 become U+FFFD.
std::string ToLower(std::string_view text);
std::string ToUpper(std::string_view text);

}  // namespace canopy::model
