#pragma once

#include "canopy/model/labels.h"

namespace canopy::rules {

// A sample that a rule makes; its time is the evaluation's.
struct RuleRow {
  model::Labels labels;
  double value = 0;
};

}  // namespace canopy::rules
