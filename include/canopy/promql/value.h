#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "canopy/model/histogram.h"
#include "canopy/model/labels.h"
#include "canopy/model/sample.h"

// What a query answers. Plain values: copyable, no tie to the store that they were read from.

namespace canopy::promql {

struct Scalar {
  Timestamp time;
  double value = 0;
};

struct String {
  Timestamp time;
  std::string value;
};

// Shared, since one histogram may stand at many steps.
using HistogramPtr = std::shared_ptr<const model::FloatHistogram>;

// One element of an instant vector: a float, or a histogram where there is one; the float is then
// 0.
struct VectorSample {
  model::Labels labels;
  model::Sample sample;
  HistogramPtr histogram = nullptr;
};
using Vector = std::vector<VectorSample>;

struct HistogramSample {
  Timestamp time;
  HistogramPtr histogram;  // never null
};

// One element of a matrix: floats and histograms, times ascending in each, no staleness markers.
struct MatrixSeries {
  model::Labels labels;
  std::vector<model::Sample> samples;
  std::vector<HistogramSample> histograms = {};
};
using Matrix = std::vector<MatrixSeries>;

// An instant query yields any of the four (a matrix for a range selector); a range query always a
// matrix, sorted by labels. The order of an instant vector is that of the outermost sort or topk
// where there is one, and no promise otherwise.
using Value = std::variant<Scalar, String, Vector, Matrix>;

// "scalar", "string", "vector" or "matrix": the API's resultType.
std::string_view TypeName(const Value& value);

// What a query cost. Samples are counted as Prometheus counts them.
struct QueryStats {
  // Seconds.
  double queue_time = 0;
  double preparation_time = 0;
  double inner_eval_time = 0;
  double result_sort_time = 0;
  double total_time = 0;
  // Samples that selectors hand out over all steps: of ranges, each window whole.
  int64_t total_queryable_samples = 0;
  // The same, but of each window what is new at its step.
  int64_t samples_read = 0;
  // The most that the query held in memory at once.
  int64_t peak_samples = 0;
  // (time, samples) of each step; only when asked for.
  std::vector<std::pair<Timestamp, int64_t>> samples_per_step;
  std::vector<std::pair<Timestamp, int64_t>> samples_read_per_step;
};

struct QueryResult {
  Value value;
  // Annotations with their positions, sorted, without duplicates: `PromQL warning: ...`,
  // `PromQL info: ...`.
  std::vector<std::string> warnings;
  std::vector<std::string> infos;
  QueryStats stats;
};

}  // namespace canopy::promql
