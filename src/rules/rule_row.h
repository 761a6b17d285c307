#pragma once

#include "canopy/model/labels.h"
#include "canopy/promql/value.h"

namespace canopy::rules {

// A sample that a rule makes; its time is the evaluation's.
struct RuleRow {
  model::Labels labels;
  double value = 0;
  // What the sample is instead; null for a float.
  promql::HistogramPtr histogram = nullptr;
};

}  // namespace canopy::rules
