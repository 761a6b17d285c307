#pragma once

#include <span>
#include <vector>

#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/model/exemplar.h"
#include "canopy/model/labels.h"
#include "canopy/model/matcher.h"

namespace canopy::storage {

struct ExemplarSeries {
  model::Labels labels;
  std::vector<model::Exemplar> exemplars;  // by time, never none
};

// Where exemplars are read. Thread-safe.
class ExemplarQueryable {
 public:
  virtual ~ExemplarQueryable() = default;
  // Exemplars with mint <= time <= maxt of the series that at least one of the selectors matches,
  // by labels. Each series appears once.
  virtual Result<std::vector<ExemplarSeries>> SelectExemplars(
      std::span<const model::Matchers> selectors, Timestamp mint, Timestamp maxt) = 0;
};

}  // namespace canopy::storage
