#include "rules/generator_url.h"

#include "canopy/net/url.h"

namespace canopy::rules {

std::string GraphLink(std::string_view expr) {
  return "/graph?g0.expr=" + net::QueryEscape(expr) + "&g0.tab=0";
}

std::string TableLink(std::string_view expr) {
  return "/graph?g0.expr=" + net::QueryEscape(expr) + "&g0.tab=1";
}

}  // namespace canopy::rules
