#pragma once

#include "canopy/base/time.h"

namespace canopy {

// Where the time comes from. Passed in, so that tests turn it by hand. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // The wall clock.
  virtual Timestamp Now() const = 0;
  // Never goes back; only differences mean anything. Nanoseconds.
  virtual int64_t MonotonicNanos() const = 0;
};

// The machine's clocks; lives as long as the program.
const Clock& SystemClock();

}  // namespace canopy
