#include "series_writer.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <span>

#include "canopy/base/check.h"
#include "canopy/model/sample.h"

namespace canopy::tsdb {
namespace {

using chunk::ValueForm;

constexpr size_t kMaxCapacity = 0xfff0;

template <class T>
T* Allocate(size_t bytes) {
  void* const memory = std::malloc(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return static_cast<T*>(memory);
}

// The allocator's size classes, more or less: little is lost, and growth stays rare.
size_t RoundCapacity(size_t bytes) {
  if (bytes <= 64) return (bytes + 15) / 16 * 16;
  return std::min((bytes + bytes / 4 + 31) / 32 * 32, kMaxCapacity);
}

ClosedChunks* NewList(std::span<ClosedChunk* const> chunks, size_t room) {
  auto* const list = Allocate<ClosedChunks>(offsetof(ClosedChunks, chunks) +
                                            (chunks.size() + room) * sizeof(ClosedChunk*));
  list->size = static_cast<uint32_t>(chunks.size() + room);
  std::ranges::copy(chunks, list->chunks);
  return list;
}

std::span<ClosedChunk* const> ChunksOf(const ClosedChunks* list) {
  return list == nullptr ? std::span<ClosedChunk* const>() : std::span(list->chunks, list->size);
}

}  // namespace

SeriesWriter::SeriesWriter(Graveyard& graveyard, uint32_t samples_per_chunk, int64_t block_range_ms)
    : graveyard_(graveyard),
      samples_per_chunk_(
          std::clamp<uint32_t>(samples_per_chunk, 2, uint32_t{chunk::kMaxChunkSamples})),
      block_range_(block_range_ms) {}

int64_t SeriesWriter::EndOfBlock(int64_t t) const {
  const int64_t into = t % block_range_;
  const int64_t left = into < 0 ? -into : block_range_ - into;
  int64_t end = 0;
  return __builtin_add_overflow(t, left, &end) ? std::numeric_limits<int64_t>::max() : end;
}

SeriesWriter::Move& SeriesWriter::MoveFor(const Timeline* from, uint32_t place, int64_t t) {
  const uint64_t key = (reinterpret_cast<uintptr_t>(from) >> 4) + place * 31u +
                       static_cast<uint64_t>(t) * uint64_t{0x9e3779b97f4a7c15};
  Move& move = moves_[(key ^ key >> 32) % moves_.size()];
  if (move.batch != batch_ || move.from != from || move.place != place || move.time != t)
    move = {batch_, from, place, t, nullptr};
  return move;
}

void SeriesWriter::Put(Series& series, int64_t t, double value) {
  CANOPY_DCHECK(t > series.newest_time);
  if (series.count > 0 && Advance(series, t)) {
    AddValue(series, value);
  } else {
    if (series.count > 0) CloseChunk(series);
    BeginChunk(series, t, value);
  }
  series.newest_time = t;
  series.newest_value = value;
}

bool SeriesWriter::Advance(Series& series, int64_t t) {
  Timeline& times = *series.times;
  const uint32_t place = series.start + uint32_t{series.count};
  if (place < times.size()) {
    if (times.at(place) != t) return Fork(series, place, t);
  } else {
    if (place == samples_per_chunk_ || t >= times.limit()) return false;
    times.Push(t, graveyard_);
  }
  latest_ = &times;
  return true;
}

// The others on the timeline have gone on to another time. Whoever leaves them at the same place
// for the same time is in the same company again.
bool SeriesWriter::Fork(Series& series, uint32_t place, int64_t t) {
  if (place == samples_per_chunk_ || t >= series.times->limit()) return false;
  Move& move = MoveFor(series.times, place, t);
  if (move.to == nullptr) {
    move.to = series.times->Fork(place);
    move.to->Push(t, graveyard_);
  }
  move.to->AddUse();
  series.times->DropUse(graveyard_);
  series.times = move.to;
  return true;
}

Timeline* SeriesWriter::TimelineFor(int64_t t) {
  Move& move = MoveFor(nullptr, 0, t);
  if (move.to == nullptr) {
    // Newcomers join those that are there, unless little is left of their chunk.
    const bool join = latest_ != nullptr && latest_->last() == t && t < latest_->limit() &&
                      latest_->size() <= samples_per_chunk_ / 4 * 3;
    move.to = join ? latest_ : Timeline::Create(t, EndOfBlock(t));
  } else if (move.to->at(0) != t && move.to->last() != t) {
    move.to = Timeline::Create(t, EndOfBlock(t));
  }
  return move.to;
}

void SeriesWriter::BeginChunk(Series& series, int64_t t, double value) {
  Timeline* const times = TimelineFor(t);
  times->AddUse();
  series.times = times;
  series.start = static_cast<uint8_t>(times->at(0) == t ? 0 : times->size() - 1);
  series.count = 1;
  series.run = 0;
  series.form = ValueForm::kConstant;
  series.size = 0;
  series.newest_value = value;
  ++chunks_created_;
}

void SeriesWriter::AddValue(Series& series, double value) {
  if (model::SameBits(series.newest_value, value)) {
    ++series.run;
  } else if (series.form == ValueForm::kConstant) {
    Recode(series, value);
  } else {
    uint8_t token[chunk::kMaxTokenBytes];
    const size_t size = chunk::EncodeNext(series.values(), series.newest_value, value, token);
    if (size == 0) {
      Recode(series, value);
    } else {
      Reserve(series, series.size + size);
      std::memcpy(series.bytes + series.size, token, size);
      series.size = static_cast<uint16_t>(series.size + size);
      series.run = 0;
    }
  }
  ++series.count;
}

void SeriesWriter::Reserve(Series& series, size_t bytes) {
  if (bytes <= series.capacity) return;
  const size_t capacity = RoundCapacity(bytes);
  auto* const grown = Allocate<uint8_t>(capacity);
  if (series.size > 0) std::memcpy(grown, series.bytes, series.size);
  graveyard_.BuryBlock(series.bytes);
  series.bytes = grown;
  series.capacity = static_cast<uint16_t>(capacity);
}

// The form does not hold the value: all values so far and this one get another.
void SeriesWriter::Recode(Series& series, double value) {
  chunk::DecodeValues(series.values(), 0, series.count, values_.data());
  values_[series.count] = value;
  const chunk::EncodedValues encoded =
      chunk::EncodeValues(std::span(values_).first(series.count + size_t{1}), scratch_.data());
  // Readers look at the old bytes.
  graveyard_.BuryBlock(series.bytes);
  series.bytes = nullptr;
  series.capacity = 0;
  series.size = 0;
  Reserve(series, encoded.size);
  std::memcpy(series.bytes, scratch_.data(), encoded.size);
  series.size = encoded.size;
  series.form = encoded.form;
  series.run = 0;
}

void SeriesWriter::CloseChunk(Series& series) {
  auto* const chunk = Allocate<ClosedChunk>(
      std::max(sizeof(ClosedChunk), offsetof(ClosedChunk, bytes) + series.size));
  chunk->times = series.times;  // with its use
  chunk->constant = series.newest_value;
  chunk->size = series.size;
  chunk->start = series.start;
  chunk->count = series.count;
  chunk->run = series.run;
  chunk->form = series.form;
  if (series.size > 0) std::memcpy(chunk->bytes, series.bytes, series.size);
  AppendChunk(series, chunk);
  // The next chunk is likely to be as long: readers must be done with the bytes first.
  graveyard_.BuryBlock(series.bytes);
  series.bytes = nullptr;
  series.capacity = 0;
  series.times = nullptr;
  series.count = 0;
}

void SeriesWriter::AppendChunk(Series& series, ClosedChunk* chunk) {
  ClosedChunks* const old = series.closed;
  series.closed = NewList(ChunksOf(old), 1);
  series.closed->chunks[series.closed->size - 1] = chunk;
  graveyard_.BuryBlock(old);
}

void SeriesWriter::Bury(ClosedChunk* chunk) {
  chunk->times->DropUse(graveyard_);
  graveyard_.BuryBlock(chunk);
}

uint32_t SeriesWriter::DropChunksBefore(Series& series, int64_t time) {
  const std::span<ClosedChunk* const> chunks = ChunksOf(series.closed);
  uint32_t old = 0;
  while (old < chunks.size() && chunks[old]->max_time() < time) Bury(chunks[old++]);
  if (old == 0) return 0;
  ClosedChunks* const list = series.closed;
  series.closed = old == chunks.size() ? nullptr : NewList(chunks.subspan(old), 0);
  graveyard_.BuryBlock(list);
  return old;
}

void SeriesWriter::Drop(Series& series) {
  for (ClosedChunk* const chunk : ChunksOf(series.closed)) Bury(chunk);
  graveyard_.BuryBlock(series.closed);
  if (series.count > 0) series.times->DropUse(graveyard_);
  graveyard_.BuryBlock(series.bytes);
}

}  // namespace canopy::tsdb
