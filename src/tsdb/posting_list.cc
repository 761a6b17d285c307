#include "posting_list.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "canopy/base/check.h"

namespace canopy::tsdb {

PostingList& PostingList::operator=(PostingList&& other) noexcept {
  if (this != &other) {
    Clear();
    word_ = other.word_;
    other.word_ = 0;
  }
  return *this;
}

void PostingList::Clear() {
  if (tag() == kArray) std::free(few());
  if (tag() == kBitmap) delete bitmap();
  word_ = 0;
}

void PostingList::Add(Slot slot) {
  if (empty()) {
    SetOne(slot);
  } else if (tag() == kBitmap) {
    bitmap()->add(slot);
  } else {
    AddToFew(slot);
  }
}

void PostingList::AddToFew(Slot slot) {
  const Slot first = one();
  Few* const old = tag() == kArray ? few() : nullptr;
  const uint32_t size = old ? old->size : 1;
  if (size == kFew) {
    auto* const all = new Roaring(size, old->slots);
    all->add(slot);
    std::free(old);
    word_ = reinterpret_cast<uint64_t>(all) | kBitmap;
    return;
  }
  // Sizes of powers of two, less the counter: an array grows when it is full.
  Few* array = old;
  if (old == nullptr || (size & (size + 1)) == 0) {
    const size_t slots = std::min<size_t>(kFew, 2 * size + 1);
    array = static_cast<Few*>(std::realloc(old, offsetof(Few, slots) + slots * sizeof(Slot)));
    if (array == nullptr) throw std::bad_alloc();
    if (old == nullptr) array->slots[0] = first;
  }
  Slot* const at = std::lower_bound(array->slots, array->slots + size, slot);
  std::copy_backward(at, array->slots + size, array->slots + size + 1);
  *at = slot;
  array->size = size + 1;
  SetFew(array);
}

void PostingList::Remove(Slot slot) {
  CANOPY_DCHECK(!empty());
  if (tag() == kOne) {
    word_ = 0;
  } else if (tag() == kArray) {
    RemoveFromFew(slot);
  } else {
    bitmap()->remove(slot);
    if (bitmap()->isEmpty()) Clear();
  }
}

void PostingList::RemoveFromFew(Slot slot) {
  Few* const array = few();
  Slot* const end = array->slots + array->size;
  Slot* const at = std::lower_bound(array->slots, end, slot);
  CANOPY_CHECK(at != end && *at == slot);
  std::copy(at + 1, end, at);
  if (--array->size == 1) {
    const Slot last = array->slots[0];
    Clear();
    SetOne(last);
    return;
  }
  // What AddToFew takes for full must be full.
  const size_t size = array->size;
  if ((size & (size + 1)) != 0) return;
  void* const smaller = std::realloc(array, offsetof(Few, slots) + size * sizeof(Slot));
  if (smaller != nullptr) SetFew(static_cast<Few*>(smaller));
}

uint64_t PostingList::size() const {
  if (empty()) return 0;
  if (tag() == kOne) return 1;
  return tag() == kArray ? few()->size : bitmap()->cardinality();
}

void PostingList::UniteInto(Roaring& out) const {
  if (empty()) return;
  if (tag() == kOne) {
    out.add(one());
  } else if (tag() == kArray) {
    out.addMany(few()->size, few()->slots);
  } else {
    out |= *bitmap();
  }
}

void PostingUnion::Add(const PostingList& list) {
  if (list.empty()) return;
  if (list.tag() == PostingList::kOne) {
    AddSlot(list.one());
  } else if (list.tag() == PostingList::kArray) {
    for (uint32_t i = 0; i < list.few()->size; ++i) AddSlot(list.few()->slots[i]);
  } else {
    long_ |= *list.bitmap();
  }
}

Roaring PostingUnion::Take() {
  std::vector<Slot> slots;
  for (size_t i = 0; i < words_.size(); ++i) {
    for (uint64_t word = words_[i]; word != 0; word &= word - 1)
      slots.push_back(static_cast<Slot>(i * 64 + static_cast<size_t>(std::countr_zero(word))));
  }
  long_.addMany(slots.size(), slots.data());
  return std::move(long_);
}

}  // namespace canopy::tsdb
