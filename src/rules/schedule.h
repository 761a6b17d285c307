#pragma once

#include <cstdint>
#include <string_view>

#include "canopy/base/time.h"

// When a group is evaluated: at slots one interval apart, shifted by an offset that its name
// decides, so that groups spread over time and keep their slots over restarts. Pure.

namespace canopy::rules {

// [0, interval)
Duration SlotOffset(std::string_view key, Duration interval);

// The newest slot that is not after `now`.
Timestamp SlotAtOrBefore(Timestamp now, Duration interval, Duration offset);

struct NextSlot {
  Timestamp slot;
  int64_t missed = 0;  // slots between the last one and this one that nobody evaluated
};

// What is to be evaluated at `now`, when `last` was the slot of the last evaluation.
// REQUIRES: now >= last + interval.
NextSlot SlotAfter(Timestamp last, Timestamp now, Duration interval);

}  // namespace canopy::rules
