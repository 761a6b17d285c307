#pragma once

#include <cstdint>
#include <deque>

#include "canopy/base/clock.h"
#include "canopy/base/mutex.h"
#include "canopy/base/status.h"
#include "canopy/promql/engine.h"

namespace canopy::promql {

// How many queries may run at once; the others wait in the order in which they came. Thread-safe.
class QuerySlots {
 public:
  QuerySlots(int slots, const Clock& clock) : clock_(clock), mu_(LockRank::kApi), free_(slots) {}

  // Waits for a slot, at most until the deadline or until canceled.
  Status Acquire(int64_t deadline_nanos, const CancelToken* cancel);
  void Release();

 private:
  const Clock& clock_;
  Mutex mu_;
  CondVar changed_;
  int free_ CANOPY_GUARDED_BY(mu_);
  std::deque<const void*> waiting_ CANOPY_GUARDED_BY(mu_);  // the oldest first
};

}  // namespace canopy::promql
