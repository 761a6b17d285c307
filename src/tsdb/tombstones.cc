#include "tsdb/tombstones.h"

#include <algorithm>
#include <limits>

#include "canopy/base/bytes.h"
#include "canopy/base/check.h"
#include "canopy/base/crc32c.h"

namespace canopy::tsdb {
namespace {

constexpr uint32_t kMagic = 0x0130BA30;
constexpr uint8_t kVersion = 1;
constexpr size_t kHeaderBytes = 5;
constexpr size_t kCrcBytes = 4;

// Whether nothing lies between the end of `a` and the begin of `b`.
bool Touches(const TimeRange& a, const TimeRange& b) {
  return a.maxt == std::numeric_limits<int64_t>::max() || b.mint <= a.maxt + 1;
}

}  // namespace

void AddRange(std::vector<TimeRange>& ranges, TimeRange range) {
  CANOPY_CHECK(range.mint <= range.maxt);
  const auto first =
      std::ranges::partition_point(ranges, [&](const TimeRange& r) { return !Touches(r, range); });
  auto last = first;
  for (; last != ranges.end() && Touches(range, *last); ++last) {
    range.mint = std::min(range.mint, last->mint);
    range.maxt = std::max(range.maxt, last->maxt);
  }
  ranges.insert(ranges.erase(first, last), range);
}

std::span<const TimeRange> Tombstones::Get(uint64_t series) const {
  const auto it = ranges_.find(series);
  if (it == ranges_.end()) return {};
  return it->second;
}

uint64_t Tombstones::size() const {
  uint64_t out = 0;
  for (const auto& [series, ranges] : ranges_) out += ranges.size();
  return out;
}

Result<Tombstones> ParseTombstones(std::string_view file) {
  if (file.size() < kHeaderBytes + kCrcBytes)
    return Status::Corrupt("tombstones file is too short for a header");
  base::ByteReader in(file.substr(0, file.size() - kCrcBytes));
  if (in.Be32() != kMagic) return Status::Corrupt("this is no tombstones file");
  if (const uint8_t version = in.U8(); version != kVersion)
    return Status::Unsupported("tombstones version " + std::to_string(version));
  if (base::LoadBe32(file.data() + file.size() - kCrcBytes) != base::Crc32c(in.rest()))
    return Status::Corrupt("unexpected checksum");
  Tombstones out;
  while (!in.empty()) {
    const size_t offset = file.size() - kCrcBytes - in.remaining();
    const uint64_t series = in.Uvarint();
    const TimeRange range{in.Varint(), in.Varint()};
    if (!in.ok() || range.mint > range.maxt)
      return Status::Corrupt("impossible deletion").In("offset " + std::to_string(offset));
    out.Add(series, range);
  }
  return out;
}

std::string FormatTombstones(const Tombstones& tombstones) {
  std::string out;
  base::PutBe32(out, kMagic);
  out.push_back(static_cast<char>(kVersion));
  for (const auto& [series, ranges] : tombstones.all()) {
    for (const TimeRange& range : ranges) {
      base::PutUvarint(out, series);
      base::PutVarint(out, range.mint);
      base::PutVarint(out, range.maxt);
    }
  }
  base::PutBe32(out, base::Crc32c(std::string_view(out).substr(kHeaderBytes)));
  return out;
}

Result<Tombstones> ReadTombstones(Fs& fs, const std::string& dir) {
  const std::string path = JoinPath(dir, kTombstonesFile);
  const auto file = fs.ReadFile(path);
  if (file.status().code() == Code::kNotFound) return Tombstones();
  if (!file.ok()) return file.status();
  auto out = ParseTombstones(*file);
  if (!out.ok()) return out.status().In(path);
  return out;
}

Status WriteTombstones(Fs& fs, const std::string& dir, const Tombstones& tombstones) {
  return fs.ReplaceFile(JoinPath(dir, kTombstonesFile), FormatTombstones(tombstones));
}

bool CoversAll(std::span<const TimeRange> deleted, int64_t mint, int64_t maxt) {
  return std::ranges::any_of(deleted,
                             [&](const TimeRange& r) { return r.mint <= mint && maxt <= r.maxt; });
}

void EraseDeleted(std::span<const TimeRange> deleted, size_t first,
                  storage::ColumnBuffer& columns) {
  const std::vector<int64_t>& times = columns.times;
  const size_t size = times.size();
  size_t kept = first;
  size_t next = first;
  const auto keep_until = [&](size_t end) {
    const auto move = [&](auto& column) {
      if (column.empty()) return;
      std::copy(column.data() + next, column.data() + end, column.data() + kept);
    };
    if (kept != next) {
      move(columns.times);
      move(columns.values);
      move(columns.histograms);
      move(columns.start_times);
    }
    kept += end - next;
    next = end;
  };
  const auto place_of = [&](auto found) { return static_cast<size_t>(found - times.begin()); };
  for (const TimeRange& range : deleted) {
    const auto begin = times.begin() + static_cast<std::ptrdiff_t>(next);
    keep_until(place_of(std::lower_bound(begin, times.end(), range.mint)));
    next = place_of(std::upper_bound(times.begin() + static_cast<std::ptrdiff_t>(next), times.end(),
                                     range.maxt));
  }
  keep_until(size);
  columns.times.resize(kept);
  columns.values.resize(kept);
  if (!columns.histograms.empty()) columns.histograms.resize(kept);
  if (!columns.start_times.empty()) columns.start_times.resize(kept);
}

}  // namespace canopy::tsdb
