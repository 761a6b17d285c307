#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <vector>

#include "canopy/base/mutex.h"
#include "canopy/net/client.h"

namespace canopy::net {

// The timers of one event loop. RunDue() is of the loop's thread; the rest is thread-safe.
class ClientTimers {
 public:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  // `wake` makes the loop look at next_due() again, whoever calls.
  explicit ClientTimers(std::function<void()> wake) : wake_(std::move(wake)), mu_(LockRank::kNet) {}

  std::unique_ptr<HttpClient::Timer> Add(std::function<Duration()> task);
  // Monotonic nanoseconds; kNever when there is no timer.
  int64_t next_due() const;
  void RunDue();

 private:
  struct Entry {
    std::function<Duration()> task;
    int64_t due = 0;
    bool running = false;
    bool awaited = false;
  };
  class Handle;

  const std::function<void()> wake_;
  mutable Mutex mu_;
  CondVar rested_;  // a task has returned
  std::vector<std::shared_ptr<Entry>> entries_ CANOPY_GUARDED_BY(mu_);
};

}  // namespace canopy::net
