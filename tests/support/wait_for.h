#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace canopy::testing {

// Looks again and again whether `condition` holds; false when it still does not at the deadline.
// For what other threads and processes bring about: a test waits for the thing itself, never for a
// time in which it probably happens.
inline bool WaitFor(const std::function<bool()>& condition,
                    std::chrono::milliseconds deadline = std::chrono::seconds(20)) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return condition();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace canopy::testing
