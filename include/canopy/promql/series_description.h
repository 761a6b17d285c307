#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "canopy/base/status.h"
#include "canopy/model/labels.h"

namespace canopy::promql {

// A series as promqltest and rule unit tests write it:
//   http_requests{job="api"} 0+10x5 _ 3 stale _x2 1x3 -2-0.5x4
// One entry per step: `a+bxn` is n+1 samples a, a+b, ..., a+n*b; `axn` is n+1 times a; `_` is no
// sample, `_xn` n steps without; `stale` a staleness marker.
struct SeriesDescription {
  model::Labels labels;
  std::vector<std::optional<double>> values;
};

// kInvalid with line and column when it does not parse, or describes more than `max_values`.
Result<SeriesDescription> ParseSeriesDescription(std::string_view text,
                                                 size_t max_values = 10'000'000);

}  // namespace canopy::promql
