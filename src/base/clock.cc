#include "canopy/base/clock.h"

#include <ctime>

namespace canopy {
namespace {

class RealClock final : public Clock {
 public:
  Timestamp Now() const override {
    timespec ts{};
    clock_gettime(CLOCK_REALTIME, &ts);
    return Timestamp::FromMs(int64_t{ts.tv_sec} * 1000 + ts.tv_nsec / 1'000'000);
  }
  int64_t MonotonicNanos() const override {
    timespec ts{};
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return int64_t{ts.tv_sec} * 1'000'000'000 + ts.tv_nsec;
  }
};

}  // namespace

const Clock& SystemClock() {
  static const RealClock clock;
  return clock;
}

}  // namespace canopy
