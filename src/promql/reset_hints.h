#pragma once

#include "canopy/model/histogram.h"

namespace canopy::promql {

// Whether histograms that are aggregated say different things about their counters.
class ResetHints {
 public:
  void See(const model::FloatHistogram& h) {
    reset_ |= h.hint == model::CounterResetHint::kReset;
    not_reset_ |= h.hint == model::CounterResetHint::kNotReset;
  }
  bool collide() const { return reset_ && not_reset_; }

 private:
  bool reset_ = false;
  bool not_reset_ = false;
};

}  // namespace canopy::promql
