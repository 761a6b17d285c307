#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "scan.h"

namespace canopy::promql {

// A counter that falls started again from zero. Lists, ascending, the samples before which it did.
inline void FindResets(std::span<const double> values, std::vector<uint32_t>& resets) {
  resets.clear();
  if (!HasFall(values)) return;
  for (size_t i = 1; i < values.size(); ++i)
    if (values[i] < values[i - 1]) resets.push_back(static_cast<uint32_t>(i));
}

// Adds what resets within a window lost, in order, so that every rounding is Prometheus's.
class ResetCorrection {
 public:
  ResetCorrection(std::span<const double> values, std::span<const uint32_t> resets)
      : values_(values), resets_(resets) {}

  double Apply(double increase, uint32_t begin, uint32_t end) {
    // Windows never move back.
    while (next_ < resets_.size() && resets_[next_] <= begin) ++next_;
    for (size_t r = next_; r < resets_.size() && resets_[r] < end; ++r)
      increase += values_[resets_[r] - 1];
    return increase;
  }

 private:
  const std::span<const double> values_;
  const std::span<const uint32_t> resets_;
  size_t next_ = 0;
};

}  // namespace canopy::promql
