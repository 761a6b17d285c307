#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "graveyard.h"
#include "label_index.h"

// When the counters of the head's series of floats started. A target says it with each sample, but
// it is the same for as long as the target lives: so what is kept are the moments at which it
// changed, beside the series, by slot. Chunks of histograms have it in themselves, and so have
// chunks in files.

namespace canopy::tsdb {

class StartTimes {
 public:
  // Samples from `from` on have this start. Both in Unix ms, the start chunk::kNoStart (0) where
  // none is known.
  struct Change {
    int64_t from;
    int64_t start;
  };
  // Oldest first; before the first of them no start is known. Once it was got under the head's
  // lock, it can be read as long as a Graveyard::Reader is there.
  using View = std::span<const Change>;

  StartTimes() = default;
  ~StartTimes();
  StartTimes(const StartTimes&) = delete;
  StartTimes& operator=(const StartTimes&) = delete;

  // Under the head's shared lock. Empty when nothing is known of the series.
  View Of(Slot slot) const {
    return slot < series_.size() ? View(series_[slot].changes, series_[slot].size) : View();
  }

  // Of its newest sample.
  int64_t Newest(Slot slot) const { return slot < series_.size() ? series_[slot].newest : 0; }

  // --- under the exclusive one ---

  // Of the newest sample of the series. REQUIRES: times ascend.
  void Note(Slot slot, int64_t t, int64_t start, Graveyard& graveyard);
  // Forgets what no sample from `time` on needs.
  void DropBefore(Slot slot, int64_t time, Graveyard& graveyard);
  // The series goes.
  void Drop(Slot slot, Graveyard& graveyard);

 private:
  struct Series {
    Change* changes = nullptr;  // from malloc(); replaced, never changed, but behind `size`
    uint32_t size = 0;
    uint32_t capacity = 0;
    int64_t newest = 0;  // the start of the last one
  };
  void Replace(Series& series, View changes, uint32_t capacity, Graveyard& graveyard);

  std::vector<Series> series_;
};

// The starts of samples that are asked for in order of time.
class StartWalk {
 public:
  explicit StartWalk(StartTimes::View changes) : changes_(changes) {}

  int64_t At(int64_t t) {
    while (next_ < changes_.size() && changes_[next_].from <= t) start_ = changes_[next_++].start;
    return start_;
  }

 private:
  const StartTimes::View changes_;
  size_t next_ = 0;
  int64_t start_ = 0;
};

// Adds the starts of the samples times[first...] to the column. Nothing when there are no changes,
// and it is for the caller then to make the column as long as the others.
void AddStarts(StartTimes::View changes, std::span<const int64_t> times, size_t first,
               std::vector<int64_t>& column);

}  // namespace canopy::tsdb
