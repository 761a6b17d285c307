#pragma once

#include <atomic>
#include <cstdint>

#include "graveyard.h"

namespace canopy::tsdb {

// The times of samples, once for all series that are scraped together: a chunk names a timeline, a
// place on it, and a count. A timeline is as long as a chunk may be, and dies with its last chunk.
// Written by the head's writer. Readers may call base() and at() without a lock, with places below
// a size that they learned under the head's lock.
class Timeline {
 public:
  // The earliest time that does not fit any more: a timeline stays within one block, and its
  // offsets within 32 bits.
  static Timeline* Create(int64_t first, int64_t limit);
  // A timeline with the first `size` times of this one.
  Timeline* Fork(uint32_t size) const;

  // Of no other timeline of this process.
  uint64_t id() const { return id_; }
  uint32_t size() const { return size_; }
  int64_t base() const { return base_; }
  int64_t limit() const { return limit_; }
  int64_t at(uint32_t i) const { return base_ + offsets()[i]; }
  int64_t last() const { return at(size_ - 1); }
  // Milliseconds after base(). Grows into another array; the old one stays for its readers.
  const uint32_t* offsets() const { return offsets_.load(std::memory_order_acquire); }

  // REQUIRES: later than last(), and below limit().
  void Push(int64_t t, Graveyard& graveyard);

  void AddUse() { ++uses_; }
  void DropUse(Graveyard& graveyard) {
    if (--uses_ == 0) Bury(graveyard);
  }

 private:
  Timeline(int64_t base, int64_t limit);
  ~Timeline();
  void Bury(Graveyard& graveyard);
  void Grow(Graveyard& graveyard);

  const uint64_t id_;
  const int64_t base_;
  const int64_t limit_;
  std::atomic<uint32_t*> offsets_ = nullptr;
  uint32_t size_ = 0;
  uint32_t capacity_ = 0;
  uint32_t uses_ = 0;
};

}  // namespace canopy::tsdb
