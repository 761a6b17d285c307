#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
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
    // A series of a classic histogram that becomes a native one: not stored, and found by its hash;
    // or stored as well, and followed by the entry of the series.
    kPart,
    kStoredPart,
    kCreated,  // says when the counters of lines before it started
  };
  // Which part: of which histogram (ClassicGroups::series), and its count, its sum or, from
  // kFirstBucket on, the bucket up to ClassicGroups::bounds.
  struct Part {
    static constexpr uint32_t kCount = 0;
    static constexpr uint32_t kSum = 1;
    static constexpr uint32_t kFirstBucket = 2;
    static constexpr uint32_t kMaxGroups = 1u << 25;
    static constexpr uint32_t kMaxRoles = 1u << 20;

    uint32_t group = 0;
    uint32_t role = 0;
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
    const uint64_t plus_one = (bits_ >> kRefShift) & kTypeMask;
    return plus_one == 0 ? before : static_cast<model::MetricType>(plus_one - 1);
  }
  bool has_type() const { return ((bits_ >> kRefShift) & kTypeMask) != 0; }
  // Of kLines with a type: some bits of a hash of the family that the last one is of.
  uint64_t family_tag() const { return bits_ >> kTagShift; }
  static uint64_t FamilyTag(uint64_t hash) { return hash >> kTagShift; }
  // Of kLines: whether one of them says a unit.
  bool has_unit() const { return ((bits_ >> (kRefShift + kTypeBits)) & 1) != 0; }
  static Entry Lines(uint64_t hash, size_t length, std::optional<model::MetricType> type,
                     uint64_t family_tag, bool has_unit) {
    const uint64_t plus_one = type ? static_cast<uint64_t>(*type) + 1 : 0;
    return {hash, length, Kind::kLines,
            plus_one | uint64_t{has_unit} << kTypeBits | family_tag << (kTagShift - kRefShift)};
  }
  static Entry OfPart(uint64_t hash, size_t length, Part part, bool stored) {
    CANOPY_CHECK(part.group < Part::kMaxGroups && part.role < Part::kMaxRoles);
    return {hash, length, stored ? Kind::kStoredPart : Kind::kPart,
            uint64_t{part.group} * Part::kMaxRoles + part.role};
  }
  Part part() const {
    const uint64_t bits = bits_ >> kRefShift;
    return {static_cast<uint32_t>(bits / Part::kMaxRoles),
            static_cast<uint32_t>(bits % Part::kMaxRoles)};
  }
  // Of kCreated: StartTimes::Lines.
  static constexpr unsigned kLinesBits = 22;
  static bool FitsCreated(uint32_t first, uint32_t count) {
    return (first | count) >> kLinesBits == 0;
  }
  static Entry OfCreated(uint64_t hash, size_t length, uint32_t first, uint32_t count) {
    CANOPY_CHECK(FitsCreated(first, count));
    return {hash, length, Kind::kCreated, uint64_t{first} << kLinesBits | count};
  }
  std::pair<uint32_t, uint32_t> created() const {
    const uint64_t bits = bits_ >> kRefShift;
    return {static_cast<uint32_t>(bits >> kLinesBits),
            static_cast<uint32_t>(bits & ((1u << kLinesBits) - 1))};
  }
  // Whether it is what stands for its hash.
  bool is_series() const { return kind() <= Kind::kDropped || kind() == Kind::kPart; }

  void set_kind(Kind kind) { *this = Entry(hash_, length(), kind, bits_ >> kRefShift); }
  void set_ref(SeriesRef ref) { *this = Entry(hash_, length(), kind(), ref.value()); }

 private:
  static constexpr unsigned kRefShift = 19;
  static constexpr unsigned kTypeBits = 4;
  static constexpr uint64_t kTypeMask = (1u << kTypeBits) - 1;
  static constexpr unsigned kTagShift = kRefShift + kTypeBits + 1;

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
