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

// Which samples around a range count with those within it; none are farther from it than the
// lookback.
enum class Edges : uint8_t {
  kPlain,     // none
  kAnchored,  // the newest one that is not within: what the series was at when the range began
  kSmoothed,  // that one, and the first that is not before the range's end
};

// What each step sees: (look.at(i) - range, look.at(i)], and what its edges add.
struct RangeOfSteps {
  LookAt look;
  int64_t range_ms = 0;
  Edges edges = Edges::kPlain;
  int64_t lookback_ms = 0;  // of edges that are not plain

  // Of all samples that are looked at.
  int64_t first_ms() const {
    return look.first() - range_ms - (edges == Edges::kPlain ? 0 : lookback_ms) + 1;
  }
  int64_t last_ms() const { return look.last() + (edges == Edges::kSmoothed ? lookback_ms : 0); }
};

// The windows of all steps in `times`, ascending.
void FindWindows(std::span<const int64_t> times, const RangeOfSteps& range, Windows& out);

class ColumnSource {
 public:
  virtual ~ColumnSource() = default;
  virtual size_t size() const = 0;
  virtual SeriesLabels labels(size_t i) const = 0;
  virtual bool distinct_without_metadata() const = 0;
  // Samples of series i of all windows, without staleness markers; valid until the next call with
  // this scratch. Thread-safe with one Scratch per thread.
  virtual storage::Columns Read(size_t i, Scratch& scratch) const = 0;

  // False for a subquery: what it reads is counted where its selectors read it.
  virtual bool reads_samples() const { return true; }

  const RangeOfSteps& range() const { return range_; }
  const LookAt& look() const { return range_.look; }
  int64_t range_ms() const { return range_.range_ms; }

 protected:
  explicit ColumnSource(const RangeOfSteps& range) : range_(range) {}

 private:
  const RangeOfSteps range_;
};
using ColumnSourcePtr = std::unique_ptr<ColumnSource>;

// Counts what the windows of one series hand out.
void CountWindows(const ReadScope& scope, const ColumnSource& source, const Windows& windows);

}  // namespace canopy::promql
