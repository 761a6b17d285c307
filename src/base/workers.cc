#include "canopy/base/workers.h"

#include <pthread.h>

#include <algorithm>

#include "canopy/base/check.h"

namespace canopy {
namespace {

constexpr size_t kMaxThreadName = 15;  // the kernel's limit, without the final zero

}  // namespace

void SetThreadName(const std::string& name) {
  pthread_setname_np(pthread_self(), name.substr(0, kMaxThreadName).c_str());
}

Workers::Workers(std::string name, int threads, size_t queue_capacity)
    : capacity_(queue_capacity), mu_(LockRank::kWorkers) {
  CANOPY_CHECK(threads > 0 && queue_capacity > 0);
  threads_.reserve(static_cast<size_t>(threads));
  for (int i = 0; i < threads; ++i) {
    // The number says more than the end of a long name.
    const std::string number = "-" + std::to_string(i);
    threads_.emplace_back(
        [this, thread_name = name.substr(0, kMaxThreadName - number.size()) + number] {
          SetThreadName(thread_name);
          Run();
        });
  }
}

Workers::~Workers() { Stop(); }

bool Workers::Submit(std::function<void()> task) {
  MutexLock lock(mu_);
  while (!stopping_ && queue_.size() >= capacity_) has_room_.Wait(mu_);
  if (stopping_) return false;
  queue_.push_back(std::move(task));
  has_task_.NotifyOne();
  return true;
}

bool Workers::TrySubmit(std::function<void()> task) {
  MutexLock lock(mu_);
  if (stopping_ || queue_.size() >= capacity_) return false;
  queue_.push_back(std::move(task));
  has_task_.NotifyOne();
  return true;
}

void Workers::Stop() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
    has_task_.NotifyAll();
    has_room_.NotifyAll();
  }
  for (std::thread& thread : threads_) {
    CANOPY_CHECK(thread.get_id() != std::this_thread::get_id());
    if (thread.joinable()) thread.join();
  }
}

bool Workers::stopping() const {
  MutexLock lock(mu_);
  return stopping_;
}

size_t Workers::queued() const {
  MutexLock lock(mu_);
  return queue_.size();
}

void Workers::Run() {
  for (;;) {
    std::function<void()> task;
    {
      MutexLock lock(mu_);
      while (queue_.empty() && !stopping_) has_task_.Wait(mu_);
      if (queue_.empty()) return;
      task = std::move(queue_.front());
      queue_.pop_front();
      has_room_.NotifyOne();
    }
    task();
  }
}

PeriodicTask::PeriodicTask(std::string name, Duration interval, std::function<void()> task)
    : interval_(interval), task_(std::move(task)), mu_(LockRank::kWorkers) {
  CANOPY_CHECK(interval > Duration(0));
  thread_ = std::thread([this, name = std::move(name)] {
    SetThreadName(name);
    Run();
  });
}

PeriodicTask::~PeriodicTask() { Stop(); }

void PeriodicTask::Wake() {
  MutexLock lock(mu_);
  woken_ = true;
  wake_.NotifyAll();
}

void PeriodicTask::Stop() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
    wake_.NotifyAll();
  }
  CANOPY_CHECK(thread_.get_id() != std::this_thread::get_id());
  if (thread_.joinable()) thread_.join();
}

void PeriodicTask::Run() {
  // Thread scheduling, not data: the machine's own clock whatever clock the program was given.
  using Steady = std::chrono::steady_clock;
  auto next = Steady::now() + interval_;
  for (;;) {
    {
      MutexLock lock(mu_);
      for (auto now = Steady::now(); !stopping_ && !woken_ && now < next; now = Steady::now()) {
        // Rounded up: a wait of zero would spin through the last millisecond.
        wake_.WaitFor(mu_, std::chrono::ceil<Duration>(next - now));
      }
      if (stopping_) return;
      woken_ = false;
    }
    // From one start to the next; a task that took longer is started again at once, and what it
    // missed is not caught up with.
    next = Steady::now() + interval_;
    task_();
  }
}

}  // namespace canopy
