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
#include "open_histogram.h"

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

ClosedChunks* NewList(std::span<const ClosedChunk> chunks, size_t room) {
  auto* const list = Allocate<ClosedChunks>(offsetof(ClosedChunks, chunks) +
                                            (chunks.size() + room) * sizeof(ClosedChunk));
  list->size = static_cast<uint32_t>(chunks.size() + room);
  std::ranges::copy(chunks, list->chunks);
  return list;
}

}  // namespace

SeriesWriter::SeriesWriter(Graveyard& graveyard, uint32_t samples_per_chunk, int64_t block_range_ms,
                           chunk::HistogramForm histogram_form)
    : graveyard_(graveyard),
      samples_per_chunk_(
          std::clamp<uint32_t>(samples_per_chunk, 2, uint32_t{chunk::kMaxChunkSamples})),
      block_range_(block_range_ms),
      histogram_form_(histogram_form) {}

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
  if (series.has_histogram && model::IsStale(value)) {
    PutHistogram(series, t, StaleHistogram(series.histogram->integers()));
    return;
  }
  if (series.count > 0 && !series.has_histogram && Advance(series, t)) {
    AddValue(series, value);
  } else {
    if (series.count > 0) CloseChunk(series);
    if (series.has_histogram) DropHistogram(series);
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

// Its values go on with their timeline.
ClosedChunk SeriesWriter::TakeValues(Series& series) {
  auto* const values = Allocate<ClosedValues>(
      std::max(sizeof(ClosedValues), offsetof(ClosedValues, bytes) + series.size));
  values->times = series.times;  // with its use
  values->constant = series.newest_value;
  values->size = series.size;
  values->start = series.start;
  values->count = series.count;
  values->run = series.run;
  values->form = series.form;
  if (series.size > 0) std::memcpy(values->bytes, series.bytes, series.size);
  // The next chunk is likely to be as long: readers must be done with the bytes first.
  graveyard_.BuryBlock(series.bytes);
  series.bytes = nullptr;
  series.capacity = 0;
  series.times = nullptr;
  ClosedChunk chunk;
  chunk.min_time = values->times->at(values->start);
  chunk.place = ClosedChunk::Place::kValues;
  chunk.encoding = ChunkEncoding::kNone;
  chunk.values = values;
  return chunk;
}

// The object stays, for the next chunk.
ClosedChunk SeriesWriter::TakeHistograms(Series& series) {
  const std::string& bytes = series.histogram->bytes();
  auto* const encoded = Allocate<EncodedChunk>(
      std::max(sizeof(EncodedChunk), offsetof(EncodedChunk, bytes) + bytes.size()));
  encoded->size = static_cast<uint32_t>(bytes.size());
  std::ranges::copy(bytes, encoded->bytes);
  ClosedChunk chunk;
  chunk.min_time = series.histogram->first_time();
  chunk.place = ClosedChunk::Place::kEncoded;
  chunk.encoding = series.histogram->encoding();
  chunk.encoded = encoded;
  return chunk;
}

void SeriesWriter::CloseChunk(Series& series) {
  ClosedChunk chunk = series.has_histogram ? TakeHistograms(series) : TakeValues(series);
  chunk.duration = static_cast<uint32_t>(series.newest_time - chunk.min_time);
  ClosedChunks* const old = series.closed;
  series.closed = NewList(ChunksOf(old), 1);
  series.closed->chunks[series.closed->size - 1] = chunk;
  graveyard_.BuryBlock(old);
  series.count = 0;
}

bool SeriesWriter::HistogramFits(const Series& series, int64_t t,
                                 const storage::HistogramValue& value) const {
  return series.has_histogram && series.histogram->integers() == HoldsIntegers(value) &&
         series.count < samples_per_chunk_ && !series.histogram->full() &&
         t < EndOfBlock(series.histogram->first_time()) &&
         t - series.histogram->first_time() <= std::numeric_limits<uint32_t>::max();
}

void SeriesWriter::PutHistogram(Series& series, int64_t t, const storage::HistogramValue& value,
                                int64_t start) {
  CANOPY_DCHECK(t > series.newest_time);
  const bool appended = series.count > 0 && HistogramFits(series, t, value) &&
                        series.histogram->Append(t, value, start, graveyard_);
  if (!appended) {
    if (series.count > 0) CloseChunk(series);
    if (series.has_histogram && series.histogram->integers() != HoldsIntegers(value))
      DropHistogram(series);
    if (!series.has_histogram) {
      series.histogram = new OpenHistogram(HoldsIntegers(value), histogram_form_);
      series.has_histogram = true;
    }
    series.histogram->BeginNext(t, value, start, graveyard_);
    ++chunks_created_;
  }
  ++series.count;
  series.newest_time = t;
  series.newest_value = IsStale(value) ? model::StaleNan() : model::NormalNan();
}

void SeriesWriter::DropHistogram(Series& series) {
  series.histogram->Bury(graveyard_);
  delete series.histogram;
  series.histogram = nullptr;
  series.has_histogram = false;
}

void SeriesWriter::Bury(const ClosedChunk& chunk) {
  switch (chunk.place) {
    case ClosedChunk::Place::kValues:
      chunk.values->times->DropUse(graveyard_);
      graveyard_.BuryBlock(chunk.values);
      break;
    case ClosedChunk::Place::kEncoded:
      graveyard_.BuryBlock(chunk.encoded);
      break;
    case ClosedChunk::Place::kFile:
      break;
  }
}

void SeriesWriter::MoveToFile(Series& series, const ClosedChunk& chunk, uint64_t file_ref) {
  const std::span<const ClosedChunk> chunks = ChunksOf(series.closed);
  const auto it = std::ranges::find_if(chunks, [&](const ClosedChunk& c) {
    return c.min_time == chunk.min_time && c.place == chunk.place;
  });
  if (it == chunks.end()) return;  // dropped meanwhile
  ClosedChunks* const old = series.closed;
  const auto place = static_cast<size_t>(it - chunks.begin());
  series.closed = NewList(chunks, 0);
  series.closed->chunks[place].place = ClosedChunk::Place::kFile;
  series.closed->chunks[place].encoding = chunk.encoding;
  series.closed->chunks[place].file_ref = file_ref;
  Bury(old->chunks[place]);
  graveyard_.BuryBlock(old);
}

void SeriesWriter::Attach(Series& series, std::span<const ClosedChunk> chunks) {
  series.closed = NewList(chunks, 0);
  series.newest_time = chunks.back().max_time();
}

void SeriesWriter::DropLastChunk(Series& series) {
  ClosedChunks* const old = series.closed;
  const std::span<const ClosedChunk> rest = old->view().first(old->size - 1);
  series.closed = rest.empty() ? nullptr : NewList(rest, 0);
  series.newest_time = rest.empty() ? Series::kNoTime : rest.back().max_time();
  graveyard_.BuryBlock(old);
}

uint32_t SeriesWriter::DropChunksBefore(Series& series, int64_t time) {
  const std::span<const ClosedChunk> chunks = ChunksOf(series.closed);
  uint32_t old = 0;
  while (old < chunks.size() && chunks[old].max_time() < time) Bury(chunks[old++]);
  if (old == 0) return 0;
  ClosedChunks* const list = series.closed;
  series.closed = old == chunks.size() ? nullptr : NewList(chunks.subspan(old), 0);
  graveyard_.BuryBlock(list);
  return old;
}

void SeriesWriter::Drop(Series& series) {
  for (const ClosedChunk& chunk : ChunksOf(series.closed)) Bury(chunk);
  graveyard_.BuryBlock(series.closed);
  if (series.has_histogram) {
    DropHistogram(series);
    return;
  }
  if (series.count > 0) series.times->DropUse(graveyard_);
  graveyard_.BuryBlock(series.bytes);
}

}  // namespace canopy::tsdb
