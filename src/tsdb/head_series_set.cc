#include "head_series_set.h"

#include <algorithm>

#include "canopy/base/check.h"
#include "canopy/storage/merge.h"
#include "head_chunk_files.h"

namespace canopy::tsdb {
namespace {

// Of the pieces of timelines that were read, in 64 bits that no two different rows share but by
// a chance of 2^-64. The steps are those of splitmix64.
uint64_t Mix(uint64_t id, uint64_t timeline, uint64_t piece) {
  for (const uint64_t part : {timeline, piece}) {
    id += part + 0x9e3779b97f4a7c15;
    id = (id ^ id >> 30) * 0xbf58476d1ce4e5b9;
    id = (id ^ id >> 27) * 0x94d049bb133111eb;
    id ^= id >> 31;
  }
  return id | 1;
}

// The part of the chunk that lies within from..until; returns what names its times, or 0 for none.
uint64_t AddValues(const Timeline& times, uint32_t start, const chunk::ValuesView& values,
                   int64_t from, int64_t until, storage::ColumnBuffer& buffer, uint64_t times_id) {
  const uint32_t end = start + values.count;
  if (times.at(end - 1) < from || times.at(start) > until) return times_id;
  const uint32_t* const offsets = times.offsets();
  const int64_t base = times.base();
  const auto before = [&](uint32_t offset, int64_t t) { return base + offset < t; };
  const auto after = [&](int64_t t, uint32_t offset) { return t < base + offset; };
  const uint32_t* const first = std::lower_bound(offsets + start, offsets + end, from, before);
  const uint32_t* const last = std::upper_bound(first, offsets + end, until, after);
  if (first == last) return times_id;
  const size_t old = buffer.times.size();
  const auto count = static_cast<size_t>(last - first);
  buffer.times.resize(old + count);
  buffer.values.resize(old + count);
  for (size_t i = 0; i < count; ++i) buffer.times[old + i] = base + first[i];
  const auto place = static_cast<size_t>(first - (offsets + start));
  chunk::DecodeValues(values, place, place + count, buffer.values.data() + old);
  return Mix(times_id, times.id(),
             static_cast<uint64_t>(first - offsets) << 32 | static_cast<uint64_t>(last - offsets));
}

}  // namespace

void RecordSet::AddFloats(const Timeline& times, uint32_t start, const chunk::ValuesView& values,
                          Reading& reading) {
  storage::ColumnBuffer& buffer = reading.buffer;
  const size_t before = buffer.times.size();
  reading.times_id =
      AddValues(times, start, values, reading.from, reading.until, buffer, reading.times_id);
  AddStarts(reading.starts, buffer.times, before, buffer.start_times);
}

Status RecordSet::AddClosed(const ClosedChunk& chunk, Reading& reading) const {
  if (chunk.max_time() < reading.from || chunk.min_time > reading.until) return {};
  switch (chunk.place) {
    case ClosedChunk::Place::kValues:
      AddFloats(*chunk.values->times, chunk.values->start, chunk.values->view(), reading);
      return {};
    case ClosedChunk::Place::kEncoded:
      reading.has_encoded = true;
      return DecodeChunk(chunk.encoding, chunk.encoded->view(), reading.buffer);
    case ClosedChunk::Place::kFile: {
      reading.has_encoded = true;
      CANOPY_CHECK(files_ != nullptr);
      CANOPY_ASSIGN_OR_RETURN(const HeadChunkFiles::Pinned pinned, files_->Read(chunk.file_ref));
      return DecodeChunk(pinned.chunk.encoding, pinned.chunk.data, reading.buffer);
    }
  }
  return {};
}

Status RecordSet::AddOpen(const Series& series, Reading& reading) const {
  if (series.count == 0) return {};
  if (!series.has_histogram) {
    AddFloats(*series.times, series.start, series.values(), reading);
    return {};
  }
  reading.has_encoded = true;
  const auto it = open_.find(series.labels);
  CANOPY_CHECK(it != open_.end());
  // That it holds integers or floats is the first thing that the copy says.
  const auto encoding = static_cast<ChunkEncoding>(it->second.front());
  return DecodeChunk(encoding, std::string_view(it->second).substr(1), reading.buffer);
}

void NewestSet::Prefetch(std::span<const uint32_t> series) const {
  for (const uint32_t i : series) __builtin_prefetch(&entries_[i]);
  for (const uint32_t i : series) __builtin_prefetch(entries_[i].labels);
  const auto for_each_value = [&](auto fn) {
    for (const uint32_t i : series)
      for (const model::SymbolPair pair : entries_[i].labels->pairs()) fn(pair.value);
  };
  for_each_value([&](model::Symbol value) { symbols_.Prefetch(value); });
  for_each_value([&](model::Symbol value) { symbols_.PrefetchText(value); });
}

Result<storage::Columns> RecordSet::Read(size_t i, Timestamp from, Timestamp until,
                                         storage::ColumnBuffer& buffer) const {
  CANOPY_ASSIGN_OR_RETURN(const storage::Columns in_order, ReadInOrder(i, from, until, buffer));
  if (beside_.out_of_order.empty()) return in_order;
  const auto it = beside_.out_of_order.find(records_[i].labels);
  if (it == beside_.out_of_order.end()) return in_order;
  const int64_t first = std::max(from.ms(), beside_.out_of_order_from);
  const int64_t last = std::min(until.ms(), maxt_);
  storage::ColumnBuffer merged;
  storage::ColumnBuffer scratch;
  for (const OutOfOrderSeries& samples : it->second)
    CANOPY_RETURN_IF_ERROR(samples.ReadInto(first, last, merged));
  storage::MergeColumns(merged, in_order, scratch);
  std::swap(buffer, merged);
  return storage::PartOf(buffer.View(), first, last);
}

Result<storage::Columns> RecordSet::ReadInOrder(size_t i, Timestamp from, Timestamp until,
                                                storage::ColumnBuffer& buffer) const {
  buffer.Clear();
  Reading reading{std::max(from.ms(), mint_), std::min(until.ms(), maxt_), buffer};
  const Series& series = records_[i];
  if (!beside_.starts.empty())
    if (const auto it = beside_.starts.find(series.labels); it != beside_.starts.end())
      reading.starts = it->second;
  for (const ClosedChunk& chunk : ChunksOf(series.closed))
    CANOPY_RETURN_IF_ERROR(AddClosed(chunk, reading));
  CANOPY_RETURN_IF_ERROR(AddOpen(series, reading));
  if (!buffer.histograms.empty()) buffer.histograms.resize(buffer.times.size());
  if (!buffer.start_times.empty()) buffer.start_times.resize(buffer.times.size(), chunk::kNoStart);
  if (!beside_.deleted.empty()) {
    if (const auto it = beside_.deleted.find(series.labels); it != beside_.deleted.end()) {
      EraseDeleted(*it->second, 0, buffer);
      reading.times_id = 0;
    }
  }
  if (!reading.has_encoded)
    return storage::Columns{buffer.times, buffer.values, reading.times_id, {}, buffer.start_times};
  return storage::PartOf(buffer.View(), reading.from, reading.until);
}

}  // namespace canopy::tsdb
