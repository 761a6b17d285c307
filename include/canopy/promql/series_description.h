#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "canopy/base/status.h"
#include "canopy/model/labels.h"
#include "canopy/promql/value.h"

namespace canopy::promql {

// A series as promqltest and rule unit tests write it:
//   http_requests{job="api"} 0+10x5 _ 3 stale _x2 1x3 -2-0.5x4
//   latency {{schema:0 sum:1 count:4 buckets:[1 2 1]}}+{{sum:1 count:1 buckets:[1]}}x5
// One entry per step: `a+bxn` is n+1 samples a, a+b, ..., a+n*b; `axn` is n+1 times a; `_` is no
// sample, `_xn` n steps without; `stale` a staleness marker.
struct SeriesDescription {
  struct Histogram {
    HistogramPtr histogram;
    // It was written what is known of counter resets.
    bool hint_given = false;
  };

  model::Labels labels;
  std::vector<std::optional<double>> values;
  // Empty when there is none; otherwise as many as values, null where none stands. Where one does,
  // there is no value.
  std::vector<Histogram> histograms = {};

  const Histogram* histogram(size_t i) const {
    return histograms.empty() || !histograms[i].histogram ? nullptr : &histograms[i];
  }
};

// kInvalid with line and column when it does not parse, or describes more than `max_values`.
Result<SeriesDescription> ParseSeriesDescription(std::string_view text,
                                                 size_t max_values = 10'000'000);

}  // namespace canopy::promql
