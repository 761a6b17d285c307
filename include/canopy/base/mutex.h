#pragma once

#include <pthread.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <shared_mutex>

#include "canopy/base/time.h"

// Mutexes that know their place. Lock order of the whole program, outermost first: a thread takes
// locks only downwards in this list, and equal ranks never nest. In debug and sanitizer builds each
// Lock checks it. The one list in base that names upper modules, because it must be in one place.

namespace canopy {

enum class LockRank : uint8_t {
  kApp = 10,          // reload and shutdown
  kDiscovery = 15,    // target groups
  kScrapeSync = 18,   // one change of jobs or targets at a time
  kScrape = 20,       // pools and targets
  kRules = 25,        // groups
  kNotify = 30,       // queue of alerts
  kFederation = 35,   // selections, children
  kApi = 40,          // sessions, query slots
  kDb = 50,           // one maintenance of the store at a time
  kBlocks = 51,       // the list of open blocks
  kAppend = 53,       // one append at a time
  kHead = 55,         // series, postings, samples
  kWal = 60,          // segments
  kNet = 70,          // connections
  kWorkers = 80,      // queues of threads
  kSelfMetrics = 90,  // registration of metrics
  kLeaf = 100,        // held for a few instructions, calls nothing
};

#if defined(__clang__)
#define CANOPY_TSA(x) __attribute__((x))
#else
#define CANOPY_TSA(x)
#endif
#define CANOPY_GUARDED_BY(mu) CANOPY_TSA(guarded_by(mu))
#define CANOPY_REQUIRES(...) CANOPY_TSA(requires_capability(__VA_ARGS__))
#define CANOPY_REQUIRES_SHARED(...) CANOPY_TSA(requires_shared_capability(__VA_ARGS__))
#define CANOPY_EXCLUDES(...) CANOPY_TSA(locks_excluded(__VA_ARGS__))

namespace base {
// Debug builds keep the ranks that this thread holds and abort with "BUG:" on a wrong order.
#ifdef CANOPY_DEBUG
void RankAcquire(LockRank rank);
void RankRelease(LockRank rank);
#else
inline void RankAcquire(LockRank) {}
inline void RankRelease(LockRank) {}
#endif
}  // namespace base

class CANOPY_TSA(capability("mutex")) Mutex {
 public:
  explicit Mutex(LockRank rank) : rank_(rank) {}
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() CANOPY_TSA(acquire_capability()) {
    base::RankAcquire(rank_);
    mu_.lock();
  }
  void Unlock() CANOPY_TSA(release_capability()) {
    // Once it is unlocked, another thread may destroy it.
    const LockRank rank = rank_;
    mu_.unlock();
    base::RankRelease(rank);
  }

 private:
  friend class CondVar;
  const LockRank rank_;
  std::mutex mu_;
};

class CANOPY_TSA(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mu) CANOPY_TSA(acquire_capability(mu)) : mu_(mu) { mu_.Lock(); }
  ~MutexLock() CANOPY_TSA(release_capability()) { mu_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mu_;
};

// Many readers or one writer; a waiting writer keeps new readers out, so that readers, however
// many, cannot starve it. A thread must not take it twice, shared or not.
class CANOPY_TSA(capability("mutex")) SharedMutex {
 public:
  explicit SharedMutex(LockRank rank);
  ~SharedMutex();
  SharedMutex(const SharedMutex&) = delete;
  SharedMutex& operator=(const SharedMutex&) = delete;

  void Lock() CANOPY_TSA(acquire_capability());
  void Unlock() CANOPY_TSA(release_capability());
  void LockShared() CANOPY_TSA(acquire_shared_capability());
  void UnlockShared() CANOPY_TSA(release_shared_capability());

 private:
  const LockRank rank_;
  pthread_rwlock_t rw_;
};

class CANOPY_TSA(scoped_lockable) WriterLock {
 public:
  explicit WriterLock(SharedMutex& mu) CANOPY_TSA(acquire_capability(mu)) : mu_(mu) { mu_.Lock(); }
  ~WriterLock() CANOPY_TSA(release_capability()) { mu_.Unlock(); }
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

 private:
  SharedMutex& mu_;
};

class CANOPY_TSA(scoped_lockable) ReaderLock {
 public:
  explicit ReaderLock(SharedMutex& mu) CANOPY_TSA(acquire_shared_capability(mu)) : mu_(mu) {
    mu_.LockShared();
  }
  ~ReaderLock() CANOPY_TSA(release_capability()) { mu_.UnlockShared(); }
  ReaderLock(const ReaderLock&) = delete;
  ReaderLock& operator=(const ReaderLock&) = delete;

 private:
  SharedMutex& mu_;
};

class CondVar {
 public:
  // `mu` is held by the caller, released while waiting, and held again after.
  void Wait(Mutex& mu) {
    std::unique_lock<std::mutex> lock(mu.mu_, std::adopt_lock);
    cv_.wait(lock);
    lock.release();
  }
  // False when the time ran out before anybody notified.
  bool WaitFor(Mutex& mu, Duration d) {
    std::unique_lock<std::mutex> lock(mu.mu_, std::adopt_lock);
    const bool notified = cv_.wait_for(lock, d) == std::cv_status::no_timeout;
    lock.release();
    return notified;
  }
  void NotifyOne() { cv_.notify_one(); }
  void NotifyAll() { cv_.notify_all(); }

 private:
  std::condition_variable cv_;
};

}  // namespace canopy
