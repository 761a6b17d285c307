#pragma once

#include <memory>
#include <span>
#include <vector>

#include "canopy/promql/ast.h"

namespace canopy::promql {

// An aggregation while series come: a row of state per group. A call is made once per series, not
// per sample.
class Accumulator {
 public:
  virtual ~Accumulator() = default;
  // Makes room for one more group.
  virtual void AddGroup() = 0;
  // Takes in values of one series of a group: those of the steps from `first` on. Calls for steps
  // that do not overlap may run at the same time.
  virtual void Add(size_t group, size_t first, std::span<const double> values) = 0;
  // Whether a group has a value at a step already; of sum and avg only.
  virtual bool Has(size_t /*group*/, size_t /*step*/) const { return false; }
  // The result, absent where the group had no series. Once per group.
  virtual void Finish(size_t group, std::span<double> out) = 0;
};

// For all operators that yield one series per group, but count_values. `param` is quantile's.
std::unique_ptr<Accumulator> NewAccumulator(AggregateOp op, size_t steps,
                                            std::vector<double> param);

}  // namespace canopy::promql
