#pragma once

#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "canopy/base/clock.h"
#include "canopy/base/mutex.h"

namespace canopy {

// A fixed number of named threads over one bounded queue. Thread-safe.
class Workers {
 public:
  // Threads are named "<name>-0", "<name>-1", ... (15 characters, the kernel's limit).
  Workers(std::string name, int threads, size_t queue_capacity);
  // Runs what is queued, then joins.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Waits while the queue is full. False after Stop(): the task will not run.
  bool Submit(std::function<void()> task);
  // As Submit, but false at once when the queue is full.
  bool TrySubmit(std::function<void()> task);
  // Refuses new tasks, runs the queued ones, joins. Idempotent.
  void Stop();
  // Whether Stop() has been called: TrySubmit() will not succeed again.
  bool stopping() const;
  size_t queued() const;

 private:
  void Run();

  const size_t capacity_;
  mutable Mutex mu_;
  CondVar has_task_;
  CondVar has_room_;
  std::deque<std::function<void()>> queue_ CANOPY_GUARDED_BY(mu_);
  bool stopping_ CANOPY_GUARDED_BY(mu_) = false;
  std::vector<std::thread> threads_;
};

// Calls a function again and again on a thread of its own, `interval` apart, until destroyed; the
// first time after one interval. A call that takes longer delays the next one. Wake() makes the
// next call happen at once.
class PeriodicTask {
 public:
  PeriodicTask(std::string name, Duration interval, std::function<void()> task);
  ~PeriodicTask();
  PeriodicTask(const PeriodicTask&) = delete;
  PeriodicTask& operator=(const PeriodicTask&) = delete;

  void Wake();
  void Stop();

 private:
  void Run();

  const Duration interval_;
  const std::function<void()> task_;
  Mutex mu_;
  CondVar wake_;
  bool woken_ CANOPY_GUARDED_BY(mu_) = false;
  bool stopping_ CANOPY_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

// Names the calling thread, for top, perf and gdb.
void SetThreadName(const std::string& name);

}  // namespace canopy
