#include "series_table.h"

#include <algorithm>

#include "canopy/base/check.h"
#include "canopy/base/hash.h"

namespace canopy::tsdb {

using model::Symbol;

SeriesTable::SeriesTable() : by_labels_(0, Hash{}, Equal{this}) {}
SeriesTable::~SeriesTable() = default;

uint32_t SeriesTable::HashOf(const NameSet* names, std::span<const Symbol> values) {
  const uint64_t hash =
      base::SeededHash({reinterpret_cast<const char*>(values.data()), values.size_bytes()});
  return static_cast<uint32_t>(
      (hash ^ reinterpret_cast<uintptr_t>(names) >> 4) * uint64_t{0x9e3779b97f4a7c15} >> 32);
}

bool SeriesTable::Equal::operator()(const Entry& a, const Key& b) const {
  if (a.hash != b.hash) return false;
  const SeriesLabels& labels = *table->at(a.slot).labels;
  return labels.names == b.names && std::equal(b.values.begin(), b.values.end(), labels.values);
}

std::optional<Slot> SeriesTable::FindByLabels(const NameSet* names,
                                              std::span<const Symbol> values) const {
  const auto it = by_labels_.find(Key{names, values, HashOf(names, values)});
  return it == by_labels_.end() ? std::nullopt : std::optional<Slot>(it->slot);
}

Series& SeriesTable::Allocate(Slot slot) {
  const size_t segment = slot / kSegmentSize;
  if (segment >= segments_.size()) segments_.resize(segment + 1);
  if (!segments_[segment]) segments_[segment] = std::make_unique<Series[]>(kSegmentSize);
  next_ = std::max(next_, slot + 1);
  return at(slot);
}

void SeriesTable::Put(Slot slot, SeriesLabels* labels) {
  Series& series = at(slot);
  series.labels = labels;
  series.label_hash = HashOf(labels->names, {labels->values, labels->size()});
  by_labels_.insert({slot, series.label_hash});
}

bool SeriesTable::Renew(Slot slot) {
  Series& series = at(slot);
  const auto mentioned = mentioned_.find(slot);
  if (mentioned == mentioned_.end() || mentioned->second < series.generation) return true;
  if (mentioned->second == kMaxGeneration) return false;
  series.generation = static_cast<uint16_t>(mentioned->second + 1);
  mentioned_.erase(mentioned);
  return true;
}

Result<Slot> SeriesTable::Add(SeriesLabels* labels) {
  for (;;) {
    Slot slot = next_;
    if (!free_.empty()) {
      slot = free_.front();
      free_.pop_front();
    } else if (next_ == kMaxSlots) {
      return Status::Limit("the store holds as many series as it can: " +
                           std::to_string(kMaxSlots - 1));
    }
    Allocate(slot);
    if (!Renew(slot)) continue;
    Put(slot, labels);
    return slot;
  }
}

void SeriesTable::Mention(SeriesRef ref) {
  if (ref.value() >= kMaxRef) return;
  uint16_t& generation = mentioned_[SlotOf(ref)];
  generation = std::max(generation, GenerationOf(ref));
}

bool SeriesTable::AddAt(SeriesRef ref, SeriesLabels* labels) {
  const Slot slot = SlotOf(ref);
  if (ref.value() >= kMaxRef || slot == 0) return false;
  Series& series = Allocate(slot);
  if (series.labels != nullptr) return false;
  series.generation = GenerationOf(ref);
  Put(slot, labels);
  return true;
}

void SeriesTable::FindFreeSlots() {
  free_.clear();
  for (size_t segment = 0; segment < segments_.size(); ++segment) {
    if (!segments_[segment]) continue;
    for (size_t i = segment == 0 ? 1 : 0; i < kSegmentSize; ++i) {
      const auto slot = static_cast<Slot>(segment * kSegmentSize + i);
      if (slot < next_ && at(slot).labels == nullptr) free_.push_back(slot);
    }
  }
}

void SeriesTable::Remove(Slot slot) {
  Series& series = at(slot);
  by_labels_.erase(Entry{slot, series.label_hash});
  const uint16_t generation = series.generation;
  series = Series();
  // After its last generation a slot is never used again.
  if (generation == kMaxGeneration) return;
  series.generation = static_cast<uint16_t>(generation + 1);
  free_.push_back(slot);
}

}  // namespace canopy::tsdb
