#pragma once

#include "canopy/base/time.h"
#include "canopy/model/labels.h"

namespace canopy::model {

// One observation that stands for others, with where it came from: usually a trace's id. Its labels
// may be none.
struct Exemplar {
  Labels labels;
  double value = 0;
  Timestamp time;
  friend bool operator==(const Exemplar&, const Exemplar&) = default;
};

}  // namespace canopy::model
