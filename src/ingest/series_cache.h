#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "canopy/base/check.h"
#include "canopy/base/ids.h"
#include "canopy/model/metadata.h"

// What is remembered of a target's last page: 16 bytes a line, in the page's order.

namespace canopy::ingest {

// A line that holds a sample, or a run of lines that hold none, by the hash of its bytes: for a
// sample those before the value. Hashes are 64 bits under a secret of the process, and are trusted:
// of a million lines that change each second, one is taken for another every 600,000 years.
class Entry {
 public:
  enum class Kind : uint8_t {
    kTracked,    // ends when it vanishes
    kUntracked,  // had a timestamp of its own
    kDropped,    // by relabelling
    kDuplicate,  // of a line further up
    kLines,      // comments and metadata
  };
  static constexpr size_t kMaxLength = (1u << 16) - 1;

  Entry() = default;
  // A longer series is remembered with length 0: it is found by its hash, never by its place.
  Entry(uint64_t hash, size_t length, Kind kind, uint64_t ref)
      : hash_(hash),
        bits_((length <= kMaxLength ? length : 0) | uint64_t{static_cast<uint8_t>(kind)} << 16 |
              ref << kRefShift) {
    CANOPY_CHECK(ref < uint64_t{1} << (64 - kRefShift));
  }

  uint64_t hash() const { return hash_; }
  size_t length() const { return bits_ & kMaxLength; }
  Kind kind() const { return static_cast<Kind>((bits_ >> 16) & 7); }
  SeriesRef ref() const { return SeriesRef(bits_ >> kRefShift); }
  // Of kLines: the type in force behind them, when `before` was in force before.
  model::MetricType TypeBehind(model::MetricType before) const {
    const uint64_t plus_one = bits_ >> kRefShift;
    return plus_one == 0 ? before : static_cast<model::MetricType>(plus_one - 1);
  }
  static Entry Lines(uint64_t hash, size_t length, std::optional<model::MetricType> type) {
    return {hash, length, Kind::kLines, type ? static_cast<uint64_t>(*type) + 1 : 0};
  }
  bool is_series() const { return kind() <= Kind::kDropped; }

  void set_kind(Kind kind) { *this = Entry(hash_, length(), kind, bits_ >> kRefShift); }
  void set_ref(SeriesRef ref) { *this = Entry(hash_, length(), kind(), ref.value()); }

 private:
  static constexpr unsigned kRefShift = 19;

  uint64_t hash_ = 0;
  uint64_t bits_ = 0;  // length 16, kind 3, ref 45
};
static_assert(sizeof(Entry) == 16);

using Entries = std::vector<Entry>;

// The bytes of a series or of lines, under the process's secret. What AddLabels makes of a series
// depends on the type in force as well (le and quantile are rewritten), and so does its hash.
uint64_t HashSeries(std::string_view bytes, model::MetricType type);
uint64_t HashLines(std::string_view bytes);

// Where on the old page, or on the one that is being read, a series stands. Points into two lists
// that it does not own. Not thread-safe.
class SeriesIndex {
 public:
  struct Place {
    bool found = false;
    bool on_new_page = false;
    uint32_t position = 0;
  };

  // Empties the index and takes over the series of `old_page`. Both lists are read by Find and Add:
  // they may grow, but must not move away.
  void Build(const Entries& old_page, const Entries& new_page);
  Place Find(uint64_t hash) const;
  // REQUIRES: not found, and the entry is in new_page at `position`.
  void AddNew(uint64_t hash, uint32_t position);

 private:
  static constexpr uint32_t kNewBit = uint32_t{1} << 31;

  uint64_t HashAt(uint32_t slot) const;
  void Put(uint64_t hash, uint32_t slot);
  void Grow();

  const Entries* old_page_ = nullptr;
  const Entries* new_page_ = nullptr;
  std::vector<uint32_t> slots_;  // 0: free; otherwise a position + 1, with kNewBit
  size_t used_ = 0;
};

}  // namespace canopy::ingest
