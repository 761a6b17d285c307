#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/status.h"

namespace canopy::app {

struct LintProblem {
  std::string metric;
  std::string text;
  friend auto operator<=>(const LintProblem&, const LintProblem&) = default;
};

// What is against the conventions of https://prometheus.io/docs/practices/naming/ on a page in the
// text format, by metric, in the words of `promtool check metrics`. kInvalid when the page cannot
// be parsed.
Result<std::vector<LintProblem>> LintMetrics(std::string_view page);

}  // namespace canopy::app
