#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>

#include "canopy/base/mutex.h"

namespace canopy::tsdb {

// Memory that readers may still look at after the head has let go of it. Readers copy pointers
// under the head's shared lock and follow them without it; what the writer replaces is buried
// here, and freed when every reader that could have seen it has left.
class Graveyard {
 public:
  using Free = void (*)(void* context, uint64_t what);

  Graveyard() : mu_(LockRank::kLeaf) {}
  // Frees everything. REQUIRES: no readers.
  ~Graveyard();
  Graveyard(const Graveyard&) = delete;
  Graveyard& operator=(const Graveyard&) = delete;

  // One reader: from before it takes the head's lock until it follows no pointer any more.
  class Reader {
   public:
    explicit Reader(Graveyard& graveyard) : graveyard_(graveyard), since_(graveyard.Enter()) {}
    ~Reader() { graveyard_.Leave(since_); }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

   private:
    Graveyard& graveyard_;
    const uint64_t since_;
  };

  // For the head's writer, under its exclusive lock. Calls free(context, what) at once when there
  // is no reader.
  void Bury(Free free, void* context, uint64_t what);
  // What malloc() gave; null is fine.
  void BuryBlock(void* block);
  // Frees what no reader can see any more.
  void Collect();

  // Waits until the readers of this moment have left; new ones may come. False when `most` has
  // passed before.
  bool AwaitReaders(Duration most);

  size_t buried() const { return graves_.size(); }

 private:
  struct Grave {
    uint64_t since;
    Free free;
    void* context;
    uint64_t what;
  };

  uint64_t Enter();
  void Leave(uint64_t since);
  uint64_t OldestReader();

  std::deque<Grave> graves_;  // the writer's
  std::atomic<uint32_t> readers_{0};

  Mutex mu_;
  CondVar left_;
  uint64_t now_ CANOPY_GUARDED_BY(mu_) = 1;
  std::map<uint64_t, uint32_t> entered_ CANOPY_GUARDED_BY(mu_);  // readers by the time they entered
};

}  // namespace canopy::tsdb
