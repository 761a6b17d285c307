#include "canopy/base/mutex.h"

#include <pthread.h>

#include <vector>

#include "canopy/base/check.h"

namespace canopy {

#ifdef CANOPY_DEBUG
namespace base {
namespace {
thread_local std::vector<LockRank> held;
}  // namespace

void RankAcquire(LockRank rank) {
  for (const LockRank h : held) CANOPY_CHECK(h < rank);
  held.push_back(rank);
}

void RankRelease(LockRank rank) {
  for (auto it = held.rbegin(); it != held.rend(); ++it) {
    if (*it == rank) {
      held.erase(std::next(it).base());
      return;
    }
  }
  CANOPY_CHECK(false && "released a lock that this thread does not hold");
}
}  // namespace base
#endif

SharedMutex::SharedMutex(LockRank rank) : rank_(rank) {
  pthread_rwlockattr_t attr;
  pthread_rwlockattr_init(&attr);
  // glibc prefers readers unless told otherwise, and then writers starve.
  pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
  CANOPY_CHECK(pthread_rwlock_init(&rw_, &attr) == 0);
  pthread_rwlockattr_destroy(&attr);
}

SharedMutex::~SharedMutex() { pthread_rwlock_destroy(&rw_); }

void SharedMutex::Lock() {
  base::RankAcquire(rank_);
  CANOPY_CHECK(pthread_rwlock_wrlock(&rw_) == 0);
}

void SharedMutex::Unlock() {
  const LockRank rank = rank_;
  pthread_rwlock_unlock(&rw_);
  base::RankRelease(rank);
}

void SharedMutex::LockShared() {
  base::RankAcquire(rank_);
  CANOPY_CHECK(pthread_rwlock_rdlock(&rw_) == 0);
}

void SharedMutex::UnlockShared() {
  const LockRank rank = rank_;
  pthread_rwlock_unlock(&rw_);
  base::RankRelease(rank);
}

}  // namespace canopy
