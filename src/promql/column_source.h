#pragma once

#include <memory>

#include "canopy/promql/ast.h"
#include "canopy/storage/queryable.h"
#include "query.h"
#include "row.h"
#include "series_source.h"

// What selectors and subqueries hand to functions: series as columns of times and values, one read
// for all steps.

namespace canopy::promql {

// The time in the data that each step looks at: its own less an offset, or a fixed one (`@`).
struct LookAt {
  Steps steps;
  int64_t offset = 0;
  bool fixed = false;
  int64_t fixed_time = 0;  // the offset taken off already

  int64_t at(size_t step) const { return fixed ? fixed_time : steps.at(step) - offset; }
  int64_t first() const { return at(0); }
  int64_t last() const { return at(steps.count - 1); }
};
LookAt Resolve(const Query& query, const TimeModifiers& modifiers, const Steps& steps);

class ColumnSource {
 public:
  virtual ~ColumnSource() = default;
  virtual size_t size() const = 0;
  virtual SeriesLabels labels(size_t i) const = 0;
  virtual bool distinct_without_metadata() const = 0;
  // Samples of series i of all windows, without staleness markers; valid until the next call with
  // this scratch. Thread-safe with one Scratch per thread.
  virtual storage::Columns Read(size_t i, Scratch& scratch) const = 0;

  // Step i sees (look.at(i) - range, look.at(i)].
  const LookAt& look() const { return look_; }
  int64_t range_ms() const { return range_ms_; }

 protected:
  ColumnSource(const LookAt& look, int64_t range_ms) : look_(look), range_ms_(range_ms) {}

 private:
  const LookAt look_;
  const int64_t range_ms_;
};
using ColumnSourcePtr = std::unique_ptr<ColumnSource>;

// In `times`, ascending, the windows (look.at(i) - range, look.at(i)].
void FindWindows(std::span<const int64_t> times, const LookAt& look, int64_t range_ms,
                 Windows& out);

}  // namespace canopy::promql
