#include "client_timers.h"

#include <algorithm>
#include <utility>

#include "canopy/base/clock.h"

namespace canopy::net {

class ClientTimers::Handle final : public HttpClient::Timer {
 public:
  Handle(ClientTimers& timers, std::shared_ptr<Entry> entry)
      : timers_(timers), entry_(std::move(entry)) {}
  ~Handle() override {
    const MutexLock lock(timers_.mu_);
    entry_->awaited = true;
    while (entry_->running) timers_.rested_.Wait(timers_.mu_);
    std::erase(timers_.entries_, entry_);
  }

  void RunSoon() override {
    {
      const MutexLock lock(timers_.mu_);
      entry_->due = 0;
    }
    timers_.wake_();
  }

 private:
  ClientTimers& timers_;
  const std::shared_ptr<Entry> entry_;
};

std::unique_ptr<HttpClient::Timer> ClientTimers::Add(std::function<Duration()> task) {
  auto entry = std::make_shared<Entry>();
  entry->task = std::move(task);
  {
    const MutexLock lock(mu_);
    entries_.push_back(entry);
  }
  wake_();
  return std::make_unique<Handle>(*this, std::move(entry));
}

int64_t ClientTimers::next_due() const {
  const MutexLock lock(mu_);
  int64_t next = kNever;
  for (const auto& entry : entries_) next = std::min(next, entry->due);
  return next;
}

void ClientTimers::RunDue() {
  const int64_t now = SystemClock().MonotonicNanos();
  // By place, since a task may add a timer and others may end theirs meanwhile.
  for (size_t i = 0;; ++i) {
    std::shared_ptr<Entry> entry;
    {
      const MutexLock lock(mu_);
      if (i >= entries_.size()) return;
      if (entries_[i]->due > now) continue;
      entry = entries_[i];
      entry->running = true;
      entry->due = kNever;  // RunSoon() during the run asks for another one
    }
    const Duration pause = entry->task();
    const MutexLock lock(mu_);
    entry->running = false;
    entry->due =
        std::min(entry->due, SystemClock().MonotonicNanos() + int64_t{pause.count()} * 1'000'000);
    if (entry->awaited) rested_.NotifyAll();
  }
}

}  // namespace canopy::net
