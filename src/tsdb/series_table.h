#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "canopy/base/ids.h"
#include "canopy/base/status.h"
#include "series.h"

namespace canopy::tsdb {

// All series of the head, by slot and by labels. For the head's writer; const methods for whoever
// holds its lock.
class SeriesTable {
 public:
  SeriesTable();
  ~SeriesTable();

  // Null when the ref's series is not here any more, or never was.
  Series* Find(SeriesRef ref) {
    const Slot slot = SlotOf(ref);
    if (ref.value() >= kMaxRef || !allocated(slot)) return nullptr;
    Series& series = at(slot);
    return series.labels != nullptr && series.generation == GenerationOf(ref) ? &series : nullptr;
  }
  const Series* Find(SeriesRef ref) const { return const_cast<SeriesTable*>(this)->Find(ref); }
  Series& at(Slot slot) { return segments_[slot / kSegmentSize][slot % kSegmentSize]; }
  const Series& at(Slot slot) const { return segments_[slot / kSegmentSize][slot % kSegmentSize]; }
  SeriesRef RefOf(Slot slot) const { return MakeRef(slot, at(slot).generation); }

  static uint32_t HashOf(const NameSet* names, std::span<const model::Symbol> values);
  std::optional<Slot> FindByLabels(const NameSet* names,
                                   std::span<const model::Symbol> values) const;

  // A slot for the series. kLimit when there are too many.
  Result<Slot> Add(SeriesLabels* labels);
  // For replay: under the ref that an earlier process chose. False when its slot is taken.
  bool AddAt(SeriesRef ref, SeriesLabels* labels);
  // The log names the ref, but no series has it here: none is given it any more.
  void Mention(SeriesRef ref);
  // Once all series of the log are there: makes the slots between them known.
  void FindFreeSlots();
  // The slot can be given to another series. The caller has buried what the series pointed to.
  void Remove(Slot slot);

  size_t size() const { return by_labels_.size(); }
  // Calls fn(slot, series) for the series of some thousand slots from `first` on, a number that it
  // has returned or 0; returns where to go on, or 0 at the end.
  template <class Fn>
  Slot ForSome(Slot first, Fn fn);
  template <class Fn>
  void ForAll(Fn fn) const;

 private:
  static constexpr size_t kSegmentSize = 1024;

  struct Entry {
    Slot slot;
    uint32_t hash;
  };
  struct Key {
    const NameSet* names;
    std::span<const model::Symbol> values;
    uint32_t hash;
  };
  struct Hash {
    using is_transparent = void;
    // The table wants all bits of 64 to differ.
    static size_t Spread(uint32_t hash) { return hash * uint64_t{0x9e3779b97f4a7c15}; }
    size_t operator()(const Entry& entry) const { return Spread(entry.hash); }
    size_t operator()(const Key& key) const { return Spread(key.hash); }
  };
  struct Equal {
    using is_transparent = void;
    const SeriesTable* table;
    bool operator()(const Entry& a, const Entry& b) const { return a.slot == b.slot; }
    bool operator()(const Entry& a, const Key& b) const;
    bool operator()(const Key& a, const Entry& b) const { return (*this)(b, a); }
  };

  bool allocated(Slot slot) const {
    return slot / kSegmentSize < segments_.size() && segments_[slot / kSegmentSize] != nullptr;
  }
  Series& Allocate(Slot slot);
  // Makes a slot's next series one that no ref of the log means. False when there is none left.
  bool Renew(Slot slot);
  void Put(Slot slot, SeriesLabels* labels);

  std::vector<std::unique_ptr<Series[]>> segments_;  // null where no slot has been used
  Slot next_ = 1;          // 0 is none: a ref of generation 0 must not be zero
  std::deque<Slot> free_;  // the one that has been free longest first: generations last
  absl::flat_hash_map<Slot, uint16_t> mentioned_;  // highest generation
  absl::flat_hash_set<Entry, Hash, Equal> by_labels_;
};

template <class Fn>
Slot SeriesTable::ForSome(Slot first, Fn fn) {
  constexpr size_t kSegments = 4;
  size_t segment = first / kSegmentSize;
  for (size_t some = 0; segment < segments_.size() && some < kSegments; ++segment) {
    if (!segments_[segment]) continue;
    ++some;
    for (size_t i = 0; i < kSegmentSize; ++i) {
      Series& series = segments_[segment][i];
      if (series.labels != nullptr) fn(static_cast<Slot>(segment * kSegmentSize + i), series);
    }
  }
  return segment < segments_.size() ? static_cast<Slot>(segment * kSegmentSize) : 0;
}

template <class Fn>
void SeriesTable::ForAll(Fn fn) const {
  for (size_t segment = 0; segment < segments_.size(); ++segment) {
    if (!segments_[segment]) continue;
    for (size_t i = 0; i < kSegmentSize; ++i) {
      const Series& series = segments_[segment][i];
      if (series.labels != nullptr) fn(static_cast<Slot>(segment * kSegmentSize + i), series);
    }
  }
}

}  // namespace canopy::tsdb
