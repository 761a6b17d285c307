#pragma once

#include <string_view>

#include "canopy/base/status.h"
#include "rules/template_tree.h"

namespace canopy::rules {

// A number or character literal as Go's template parser reads it: 12, 0x1f, 0b1, 1_000, 1.5, 1e3,
// 'a'. kInvalid with Go's words.
Result<NumberLiteral> ParseNumberLiteral(std::string_view text);

}  // namespace canopy::rules
