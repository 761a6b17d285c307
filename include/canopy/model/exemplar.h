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
  // False: its source named none, and `time` is when it was seen. Seen again it is the same one.
  bool has_time = true;
  friend bool operator==(const Exemplar&, const Exemplar&) = default;
};

}  // namespace canopy::model
