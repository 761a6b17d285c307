#include "canopy/base/gate.h"

#include "canopy/base/check.h"

namespace canopy {

bool Gate::Enter() {
  MutexLock lock(mu_);
  if (closed_) return false;
  ++running_;
  return true;
}

void Gate::Leave() {
  MutexLock lock(mu_);
  CANOPY_CHECK(running_ > 0);
  // Under the lock: the one who closes may destroy the gate as soon as it is released.
  if (--running_ == 0) idle_.NotifyAll();
}

void Gate::Close() {
  MutexLock lock(mu_);
  closed_ = true;
  while (running_ > 0) idle_.Wait(mu_);
}

bool Gate::closed() const {
  MutexLock lock(mu_);
  return closed_;
}

}  // namespace canopy
