#pragma once

#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

#include "canopy/base/mutex.h"
#include "canopy/net/client.h"

namespace canopy::notify {

// Where responses wait for the manager's thread: the HTTP client's own thread must not be held up.
// Shared with the callbacks, which may outlive the manager. Thread-safe.
class Inbox {
 public:
  struct Item {
    uint64_t ticket;  // of the request
    net::HttpResponse response;
  };

  // Numbers requests, so that what comes after a request was given up is known as such.
  uint64_t NewTicket() { return ++last_ticket_; }
  void Put(Item item) {
    const MutexLock lock(mu_);
    items_.push_back(std::move(item));
    changed_.NotifyOne();
  }
  // Ends the Wait() of now or the next one.
  void Wake() {
    const MutexLock lock(mu_);
    woken_ = true;
    changed_.NotifyOne();
  }
  std::vector<Item> Take() {
    const MutexLock lock(mu_);
    return std::exchange(items_, {});
  }
  // Returns when there are items, somebody woke it, or the time is over.
  void Wait(Duration most) {
    const MutexLock lock(mu_);
    if (items_.empty() && !woken_) (void)changed_.WaitFor(mu_, most);
    woken_ = false;
  }

 private:
  std::atomic<uint64_t> last_ticket_{0};
  Mutex mu_{LockRank::kLeaf};
  CondVar changed_;
  std::vector<Item> items_ CANOPY_GUARDED_BY(mu_);
  bool woken_ CANOPY_GUARDED_BY(mu_) = false;
};

}  // namespace canopy::notify
