#include "start_times.h"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace canopy::tsdb {

StartTimes::~StartTimes() {
  for (const Series& series : series_) std::free(series.changes);
}

void StartTimes::Note(Slot slot, int64_t t, int64_t start, Graveyard& graveyard) {
  if (slot >= series_.size()) {
    if (start == 0) return;
    series_.resize(slot + size_t{1});
  }
  Series& series = series_[slot];
  if (series.newest == start) return;
  // One is all that most ever have.
  if (series.size == series.capacity)
    Replace(series, Of(slot), series.capacity == 0 ? 1 : series.capacity * 2, graveyard);
  series.changes[series.size++] = {t, start};
  series.newest = start;
}

void StartTimes::DropBefore(Slot slot, int64_t time, Graveyard& graveyard) {
  const View changes = Of(slot);
  size_t old = 0;
  while (old + 1 < changes.size() && changes[old + 1].from <= time) ++old;
  if (old == 0) return;
  const View kept = changes.subspan(old);
  Replace(series_[slot], kept, static_cast<uint32_t>(kept.size()), graveyard);
}

void StartTimes::Drop(Slot slot, Graveyard& graveyard) {
  if (slot >= series_.size()) return;
  graveyard.BuryBlock(series_[slot].changes);
  series_[slot] = {};
}

void StartTimes::Replace(Series& series, View changes, uint32_t capacity, Graveyard& graveyard) {
  auto* const memory = static_cast<Change*>(std::malloc(capacity * sizeof(Change)));
  if (memory == nullptr) throw std::bad_alloc();
  std::ranges::copy(changes, memory);
  graveyard.BuryBlock(series.changes);
  series.changes = memory;
  series.size = static_cast<uint32_t>(changes.size());
  series.capacity = capacity;
}

void AddStarts(StartTimes::View changes, std::span<const int64_t> times, size_t first,
               std::vector<int64_t>& column) {
  if (changes.empty()) return;
  column.resize(first);
  StartWalk walk(changes);
  for (const int64_t t : times.subspan(first)) column.push_back(walk.At(t));
}

}  // namespace canopy::tsdb
