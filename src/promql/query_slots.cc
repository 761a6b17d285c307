#include "query_slots.h"

#include <algorithm>

namespace canopy::promql {
namespace {

// A canceled query is not told so: it looks.
constexpr Duration kLookInterval(20);

}  // namespace

Status QuerySlots::Acquire(int64_t deadline_nanos, const CancelToken* cancel) {
  MutexLock lock(mu_);
  waiting_.push_back(&lock);
  Status status;
  while (free_ == 0 || waiting_.front() != &lock) {
    if (cancel && cancel->canceled()) {
      status = Status::Canceled("query was canceled in query queue");
      break;
    }
    const int64_t left = deadline_nanos - clock_.MonotonicNanos();
    if (left <= 0) {
      status = Status::Timeout("query timed out in query queue");
      break;
    }
    changed_.WaitFor(mu_, std::min(kLookInterval, Duration(left / 1'000'000 + 1)));
  }
  std::erase(waiting_, &lock);
  if (status.ok()) --free_;
  changed_.NotifyAll();
  return status;
}

void QuerySlots::Release() {
  MutexLock lock(mu_);
  ++free_;
  changed_.NotifyAll();
}

}  // namespace canopy::promql
