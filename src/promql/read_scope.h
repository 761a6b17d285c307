#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "row.h"

// How many samples a query reads, counted as Prometheus counts them:
//   - in total: what selectors hand out at each step, windows whole; what lies in a subquery counts
//     for nothing there, as the windows over the subquery count themselves; what is step-invariant
//     counts at every step.
//   - read: what is new at each step. Of a subquery, what its selectors read and a window sees;
//     what is step-invariant counts at the first step.

namespace canopy::promql {

// Of one query. Thread-safe but for the counts per step: with these a query has one thread.
struct ReadCounts {
  std::atomic<int64_t> total{0};
  std::atomic<int64_t> read{0};
  // Empty unless they are asked for.
  std::vector<int64_t> total_per_step;
  std::vector<int64_t> read_per_step;

  void Clear();
};

// The place of a selector in its query, as far as it matters to what its samples count for.
class ReadScope {
 public:
  // Outside of everything; `steps` are the query's.
  ReadScope(ReadCounts& counts, const Steps& steps);
  // Within a step-invariant expression, which is evaluated once for all `steps`.
  static ReadScope Invariant(const ReadScope& parent, const Steps& steps);
  // Within a subquery whose windows at `steps` are (step - offset - range, step - offset].
  // `result`: no window is over it, it is what the query yields.
  static ReadScope InSubquery(const ReadScope& parent, const Steps& steps, int64_t offset_ms,
                              int64_t range_ms, bool result);

  // Whether AddAt must be used, once for each step.
  bool by_step() const { return by_step_; }
  // Of one series at all its steps.
  void Add(int64_t samples, int64_t fresh) const;
  void AddAt(int64_t time_ms, int64_t samples, int64_t fresh) const;

 private:
  enum class Kind : uint8_t { kRoot, kInvariant, kSubquery };

  ReadScope(Kind kind, const ReadScope& parent, const Steps& steps);
  // The parent's step to which what is read at `time_ms` belongs; false when it belongs to none.
  bool ToParent(int64_t& time_ms) const;

  Kind kind_;
  ReadCounts* counts_;
  const ReadScope* parent_ = nullptr;  // outlives this
  Steps steps_;                        // the parent's
  int64_t offset_ms_ = 0;
  int64_t range_ms_ = 0;
  int64_t repeat_ = 1;  // how often a sample counts in total
  bool by_step_ = false;
};

}  // namespace canopy::promql
