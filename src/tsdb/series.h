#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "canopy/base/ids.h"
#include "canopy/chunk/values.h"
#include "chunk_format.h"
#include "label_index.h"
#include "posting_list.h"
#include "timeline.h"

namespace canopy::tsdb {

class OpenHistogram;

// Floats as an open chunk had them. From malloc(), bytes behind it.
struct ClosedValues {
  Timeline* times;
  double constant;
  uint16_t size;
  uint8_t start;  // on the timeline
  uint8_t count;
  uint8_t run;
  chunk::ValueForm form;
  uint8_t bytes[1];

  chunk::ValuesView view() const { return {form, count, run, size, constant, bytes}; }
};

// A chunk in the form that it has on disk. From malloc(), bytes behind it.
struct EncodedChunk {
  uint32_t size;
  char bytes[1];

  std::string_view view() const { return {bytes, size}; }
};

// A chunk that takes no more samples: in memory as floats or encoded, or in a head chunk file.
struct ClosedChunk {
  enum class Place : uint8_t { kValues, kEncoded, kFile };

  int64_t min_time;
  uint32_t duration;  // from the first sample to the last, in milliseconds
  Place place;
  ChunkEncoding encoding;  // on disk; kNone of values, which have none yet
  union {
    ClosedValues* values;
    EncodedChunk* encoded;
    uint64_t file_ref;
  };

  int64_t max_time() const { return min_time + duration; }
};

// Oldest first. From malloc(); a list that is changed is another block, so that readers keep
// theirs.
struct ClosedChunks {
  uint32_t size;
  ClosedChunk chunks[1];

  std::span<const ClosedChunk> view() const { return {chunks, size}; }
};
inline std::span<const ClosedChunk> ChunksOf(const ClosedChunks* list) {
  return list == nullptr ? std::span<const ClosedChunk>() : list->view();
}

// One series of the head: a cache line. What it points to is replaced, never changed, but for bytes
// behind `size`: so a reader that has copied the record under the head's lock has the series as it
// was then. An open chunk of histograms does change: it is to be looked at under the lock.
struct Series {
  static constexpr int64_t kNoTime = std::numeric_limits<int64_t>::min();

  double newest_value = 0;  // model::NormalNan() when it is a histogram
  int64_t newest_time = kNoTime;
  // The open chunk of floats: `count` values at times[start...]. Its form is of chunk/values.h; a
  // constant's value is newest_value.
  Timeline* times = nullptr;
  union {
    uint8_t* bytes = nullptr;
    OpenHistogram* histogram;  // of `count` samples, when has_histogram
  };
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
  bool has_histogram = false;
  bool has_out_of_order = false;  // samples beside it: see out_of_order.h

  chunk::ValuesView values() const { return {form, count, run, size, newest_value, bytes}; }
  // Calls for the place where the next sample goes: values lie all over the memory.
  void PrefetchEnd() const {
    if (!has_histogram) __builtin_prefetch(bytes + size, 1);
  }
  // Under the head's lock. REQUIRES: it has samples.
  int64_t oldest_time() const;
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
