#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/status.h"
#include "canopy/model/labels.h"
#include "canopy/promql/value.h"

// Answers of Prometheus's HTTP API, as a client reads them. What a server says can be anything:
// kCorrupt when it is no such answer, kExecution with the server's words when it is an error.

namespace canopy::app {

struct QueryAnswer {
  promql::Value value;
  std::vector<std::string> warnings;  // and infos
};

// /api/v1/query and query_range.
Result<QueryAnswer> ParseQueryAnswer(std::string_view body);
// /api/v1/series.
Result<std::vector<model::Labels>> ParseSeriesAnswer(std::string_view body);
// /api/v1/labels and /api/v1/label/NAME/values.
Result<std::vector<std::string>> ParseNamesAnswer(std::string_view body);

}  // namespace canopy::app
