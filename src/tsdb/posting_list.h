#pragma once

#include <cstddef>
#include <cstdint>
#include <roaring/roaring.hh>
#include <vector>

namespace canopy::tsdb {

// The place of a series in the head's table. Given again after the series has gone.
using Slot = uint32_t;

// The series that have one label with one value. Most lists of a node are of one series or a few,
// and there are millions of them: one series costs nothing, a few cost an array, only the others a
// bitmap. Moves, does not copy. Not thread-safe.
class PostingList {
 public:
  PostingList() = default;
  PostingList(PostingList&& other) noexcept : word_(other.word_) { other.word_ = 0; }
  PostingList& operator=(PostingList&& other) noexcept;
  ~PostingList() { Clear(); }

  // REQUIRES: not in the list.
  void Add(Slot slot);
  // REQUIRES: in the list.
  void Remove(Slot slot);

  bool empty() const { return word_ == 0; }
  uint64_t size() const;
  void UniteInto(Roaring& out) const;

 private:
  friend class PostingUnion;
  // Sorted.
  struct Few {
    uint32_t size;
    Slot slots[1];
  };
  static constexpr uint32_t kFew = 16;
  enum Tag : uint64_t { kOne = 1, kArray = 2, kBitmap = 3 };  // in the two lowest bits

  Tag tag() const { return static_cast<Tag>(word_ & 3); }
  Slot one() const { return static_cast<Slot>(word_ >> 2); }
  Few* few() const { return reinterpret_cast<Few*>(word_ & ~uint64_t{3}); }
  Roaring* bitmap() const { return reinterpret_cast<Roaring*>(word_ & ~uint64_t{3}); }
  void SetOne(Slot slot) { word_ = uint64_t{slot} << 2 | kOne; }
  void SetFew(Few* few) { word_ = reinterpret_cast<uint64_t>(few) | kArray; }
  void AddToFew(Slot slot);
  void RemoveFromFew(Slot slot);
  void Clear();

  uint64_t word_ = 0;  // 0: none
};

// The union of many lists, nearly all of them short, in any order: a bit per slot, which costs less
// than keeping a Roaring sorted all the while.
class PostingUnion {
 public:
  // REQUIRES: all slots are below `slots`.
  explicit PostingUnion(size_t slots) : words_((slots + 63) / 64) {}

  void Add(const PostingList& list);
  Roaring Take();

 private:
  void AddSlot(Slot slot) { words_[slot / 64] |= uint64_t{1} << slot % 64; }

  std::vector<uint64_t> words_;
  Roaring long_;
};

}  // namespace canopy::tsdb
