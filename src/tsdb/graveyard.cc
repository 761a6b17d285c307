#include "graveyard.h"

#include <cstdlib>

#include "canopy/base/check.h"
#include "canopy/base/clock.h"

namespace canopy::tsdb {

Graveyard::~Graveyard() {
  CANOPY_CHECK(readers_ == 0);
  Collect();
}

uint64_t Graveyard::Enter() {
  const MutexLock lock(mu_);
  ++readers_;
  ++entered_[now_];
  return now_;
}

void Graveyard::Leave(uint64_t since) {
  const MutexLock lock(mu_);
  const auto it = entered_.find(since);
  if (--it->second == 0) {
    entered_.erase(it);
    left_.NotifyAll();
  }
  --readers_;
}

void Graveyard::Bury(Free free, void* context, uint64_t what) {
  // A reader that enters from now on takes the head's lock after us, and finds nothing of this.
  if (readers_ == 0 && graves_.empty()) {
    free(context, what);
    return;
  }
  const MutexLock lock(mu_);
  graves_.push_back({now_, free, context, what});
}

void Graveyard::BuryBlock(void* block) {
  if (block == nullptr) return;
  Bury([](void* memory, uint64_t) { std::free(memory); }, block, 0);
}

uint64_t Graveyard::OldestReader() {
  const MutexLock lock(mu_);
  // Readers that enter later are told from those that were there before this.
  ++now_;
  return entered_.empty() ? now_ : entered_.begin()->first;
}

void Graveyard::Collect() {
  if (graves_.empty()) return;
  const uint64_t oldest = OldestReader();
  while (!graves_.empty() && graves_.front().since < oldest) {
    const Grave grave = graves_.front();
    graves_.pop_front();
    grave.free(grave.context, grave.what);
  }
}

bool Graveyard::AwaitReaders(Duration most) {
  const MutexLock lock(mu_);
  const uint64_t until = ++now_;
  const int64_t deadline = SystemClock().MonotonicNanos() + std::chrono::nanoseconds(most).count();
  while (!entered_.empty() && entered_.begin()->first < until) {
    const auto left = std::chrono::nanoseconds(deadline - SystemClock().MonotonicNanos());
    if (left.count() <= 0) return false;
    (void)left_.WaitFor(mu_, std::chrono::ceil<Duration>(left));
  }
  return true;
}

}  // namespace canopy::tsdb
