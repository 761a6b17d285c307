#pragma once

#include <atomic>

#include "canopy/base/clock.h"

namespace canopy::testing {

// A clock that stands still until a test turns it. Thread-safe.
class ManualClock : public Clock {
 public:
  explicit ManualClock(Timestamp now = Timestamp::FromMs(0)) : ms_(now.ms()) {}

  Timestamp Now() const override { return Timestamp::FromMs(ms_); }
  int64_t MonotonicNanos() const override { return nanos_; }

  void Advance(Duration d) {
    ms_ += d.count();
    nanos_ += d.count() * 1'000'000;
  }
  // Sets the wall clock; the other goes on from where it is.
  void Set(Timestamp now) { ms_ = now.ms(); }

 private:
  std::atomic<int64_t> ms_;
  std::atomic<int64_t> nanos_{0};
};

}  // namespace canopy::testing
