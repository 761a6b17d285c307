#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/fs.h"
#include "canopy/base/status.h"
#include "canopy/storage/queryable.h"

// What was deleted from a block whose chunks still hold it:
//
//   tombstones := 0x0130BA30 <4b> | version 1 <1b> | { deletion } | crc <4b>
//   deletion   := series <uvarint> | mint <varint> | maxt <varint>
//   crc        := CRC-32C of the deletions (the version is left out)
//
// Source: prometheus 3.14 tsdb/tombstones/tombstones.go; the page is
// tsdb/docs/format/tombstones.md.

namespace canopy::tsdb {

inline constexpr std::string_view kTombstonesFile = "tombstones";

// Both ends included, Unix ms.
struct TimeRange {
  int64_t mint;
  int64_t maxt;
  friend bool operator==(const TimeRange&, const TimeRange&) = default;
};

// Ranges that touch or overlap become one. REQUIRES: `ranges` are sorted, with gaps between them;
// mint <= maxt.
void AddRange(std::vector<TimeRange>& ranges, TimeRange range);

// Deleted ranges by series. Const methods are thread-safe.
class Tombstones {
 public:
  // As AddRange().
  void Add(uint64_t series, TimeRange range) { AddRange(ranges_[series], range); }
  // Sorted, with gaps between them; empty when nothing of the series was deleted.
  std::span<const TimeRange> Get(uint64_t series) const;
  bool empty() const { return ranges_.empty(); }
  // Ranges of all series.
  uint64_t size() const;
  // By series.
  const std::map<uint64_t, std::vector<TimeRange>>& all() const { return ranges_; }

  friend bool operator==(const Tombstones&, const Tombstones&) = default;

 private:
  std::map<uint64_t, std::vector<TimeRange>> ranges_;
};

Result<Tombstones> ParseTombstones(std::string_view file);
std::string FormatTombstones(const Tombstones& tombstones);

// The file of the block directory `dir`; none there is the same as an empty one.
Result<Tombstones> ReadTombstones(Fs& fs, const std::string& dir);
// Readers see the old file or the new one.
Status WriteTombstones(Fs& fs, const std::string& dir, const Tombstones& tombstones);

// Whether one of the ranges covers all of [mint, maxt].
bool CoversAll(std::span<const TimeRange> deleted, int64_t mint, int64_t maxt);
// Drops the samples from place `first` on whose times are in the ranges.
void EraseDeleted(std::span<const TimeRange> deleted, size_t first, storage::ColumnBuffer& columns);

}  // namespace canopy::tsdb
