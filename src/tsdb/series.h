#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "canopy/base/ids.h"
#include "canopy/chunk/values.h"
#include "label_index.h"
#include "posting_list.h"
#include "timeline.h"

namespace canopy::tsdb {

// A chunk that takes no more samples. From malloc(), bytes behind it.
struct ClosedChunk {
  Timeline* times;
  double constant;
  uint16_t size;
  uint8_t start;  // on the timeline
  uint8_t count;
  uint8_t run;
  chunk::ValueForm form;
  uint8_t bytes[1];

  int64_t min_time() const { return times->at(start); }
  int64_t max_time() const { return times->at(start + count - 1u); }
  chunk::ValuesView values() const { return {form, count, run, size, constant, bytes}; }
};

// Oldest first. From malloc(); a longer or shorter list is another block, so that readers keep
// theirs.
struct ClosedChunks {
  uint32_t size;
  ClosedChunk* chunks[1];
};

// One series of the head: a cache line. What it points to is replaced, never changed, but for bytes
// behind `size`: so a reader that has copied the record under the head's lock has the series as it
// was then.
struct Series {
  static constexpr int64_t kNoTime = std::numeric_limits<int64_t>::min();

  double newest_value = 0;
  int64_t newest_time = kNoTime;
  // The open chunk: `count` values at times[start...]. Its form is of chunk/values.h; a constant's
  // value is newest_value.
  Timeline* times = nullptr;
  uint8_t* bytes = nullptr;
  ClosedChunks* closed = nullptr;
  SeriesLabels* labels = nullptr;  // null: the slot is free
  uint32_t label_hash = 0;
  uint16_t generation = 0;  // of the slot: how many series it has held before
  uint16_t size = 0;        // of bytes, used
  uint16_t capacity = 0;
  uint8_t start = 0;
  uint8_t count = 0;
  uint8_t run = 0;
  chunk::ValueForm form = chunk::ValueForm::kConstant;

  chunk::ValuesView values() const { return {form, count, run, size, newest_value, bytes}; }
  // REQUIRES: it has samples.
  int64_t oldest_time() const {
    return closed != nullptr && closed->size > 0 ? closed->chunks[0]->min_time() : times->at(start);
  }
  uint32_t chunk_count() const {
    return (closed != nullptr ? closed->size : 0) + (count > 0 ? 1 : 0);
  }
};
static_assert(sizeof(Series) == 64);

// A ref says which slot, and which of the series that the slot has held one after the other: refs
// are never given again, slots are. Stays below 2^44, and Prometheus's refs, which count upwards
// from 1, are slots as they are.
inline constexpr unsigned kSlotBits = 32;
inline constexpr unsigned kGenerationBits = 12;
inline constexpr uint16_t kMaxGeneration = (1 << kGenerationBits) - 1;
inline constexpr uint64_t kMaxRef = uint64_t{1} << (kSlotBits + kGenerationBits);
inline constexpr Slot kMaxSlots = std::numeric_limits<Slot>::max();

inline Slot SlotOf(SeriesRef ref) { return static_cast<Slot>(ref.value()); }
inline uint16_t GenerationOf(SeriesRef ref) {
  return static_cast<uint16_t>(ref.value() >> kSlotBits);
}
inline SeriesRef MakeRef(Slot slot, uint16_t generation) {
  return SeriesRef(uint64_t{generation} << kSlotBits | slot);
}

}  // namespace canopy::tsdb
