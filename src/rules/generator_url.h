#pragma once

#include <string>
#include <string_view>

namespace canopy::rules {

// Paths of the pages that show an expression as a graph or a table, below the external URL:
// "/graph?g0.expr=up&g0.tab=0".
std::string GraphLink(std::string_view expr);
std::string TableLink(std::string_view expr);

}  // namespace canopy::rules
