#include "head_block_source.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "head_chunk_files.h"
#include "open_histogram.h"

namespace canopy::tsdb {

// Chunks of one series are far from each other in their files, and to read one maps what lies
// around it, 200 KiB and more: without an end, the files would be in memory as a whole.
constexpr uint32_t kReleaseChunks = 32;

HeadBlockSource::HeadBlockSource(Head& head, Timestamp start, Timestamp end, std::stop_token stop)
    : head_(head),
      start_(start.ms()),
      end_(end.ms()),
      stop_(std::move(stop)),
      reader_(head.graveyard_),
      order_(head.symbols_),
      encoder_(head.encodings().floats),
      builder_(kMergedChunkSamples, head.encodings()) {
  FindSeries();
  order_.Sort();
}

HeadBlockSource::~HeadBlockSource() {
  if (head_.chunk_files_ != nullptr) head_.chunk_files_->Release();
}

void HeadBlockSource::FindSeries() {
  Slot next = 0;
  do {
    const ReaderLock lock(head_.mu_);
    next = head_.table_.ForSome(next, [&](Slot slot, const tsdb::Series& series) {
      if (series.count > 0 && series.newest_time >= start_ && series.oldest_time() < end_)
        order_.Add(slot, series.labels);
    });
  } while (next != 0);
}

Result<bool> HeadBlockSource::NextSeries(BlockSource::Series& series) {
  if (stop_.stop_requested()) return Status::Canceled("the store is closing");
  if (next_entry_ == order_.entries().size()) return false;
  const SeriesOrder::Entry& entry = order_.entries()[next_entry_++];
  tsdb::Series record;
  chunks_.clear();
  std::optional<ClosedChunk> open;
  std::string open_bytes;
  {
    const ReaderLock lock(head_.mu_);
    record = head_.table_.at(entry.slot);
    deleted_ = head_.deletions_.Find(entry.slot);
    starts_ = head_.start_times_.Of(entry.slot);
    if (record.has_histogram) {
      open.emplace();
      open->min_time = record.histogram->first_time();
      open->encoding = record.histogram->encoding();
      open_bytes = record.histogram->bytes();
    }
  }
  order_.LabelsOf(entry, labels_);
  for (const ClosedChunk& chunk : ChunksOf(record.closed)) CANOPY_RETURN_IF_ERROR(AddClosed(chunk));
  if (open) {
    CANOPY_RETURN_IF_ERROR(
        AddEncoded(open->min_time, record.newest_time, open->encoding, open_bytes));
  } else if (record.count > 0) {
    AddValues(*record.times, record.start, record.values());
  }
  for (size_t i = 0; i < chunks_.size(); ++i) chunks_[i].data = bytes_[i];
  series = {labels_, chunks_};
  return true;
}

std::string& HeadBlockSource::NextBytes() {
  if (bytes_.size() == chunks_.size()) bytes_.emplace_back();
  return bytes_[chunks_.size()];
}

HeadBlockSource::Share HeadBlockSource::ShareOf(int64_t mint, int64_t maxt) const {
  if (maxt < start_ || mint >= end_) return Share::kNone;
  bool whole = mint >= start_ && maxt < end_;
  if (deleted_ != nullptr) {
    if (CoversAll(*deleted_, std::max(mint, start_), std::min(maxt, end_ - 1))) return Share::kNone;
    whole &= std::ranges::none_of(
        *deleted_, [&](const TimeRange& r) { return r.mint <= maxt && mint <= r.maxt; });
  }
  return whole ? Share::kAll : Share::kPart;
}

bool HeadBlockSource::IsWanted(int64_t t) const {
  return t >= start_ && t < end_ && !(deleted_ != nullptr && CoversAll(*deleted_, t, t));
}

Status HeadBlockSource::AddClosed(const ClosedChunk& chunk) {
  switch (chunk.place) {
    case ClosedChunk::Place::kValues:
      AddValues(*chunk.values->times, chunk.values->start, chunk.values->view());
      return {};
    case ClosedChunk::Place::kEncoded:
      return AddEncoded(chunk.min_time, chunk.max_time(), chunk.encoding, chunk.encoded->view());
    case ClosedChunk::Place::kFile: {
      if (ShareOf(chunk.min_time, chunk.max_time()) == Share::kNone) return {};
      if (++read_from_files_ % kReleaseChunks == 0) head_.chunk_files_->Release();
      CANOPY_ASSIGN_OR_RETURN(const HeadChunkFiles::Pinned pinned,
                              head_.chunk_files_->Read(chunk.file_ref));
      return AddEncoded(chunk.min_time, chunk.max_time(), chunk.encoding, pinned.chunk.data);
    }
  }
  return {};
}

Status HeadBlockSource::AddEncoded(int64_t mint, int64_t maxt, ChunkEncoding encoding,
                                   std::string_view data) {
  switch (ShareOf(mint, maxt)) {
    case Share::kNone:
      return {};
    case Share::kPart:
      return AddPartOf(encoding, data);
    case Share::kAll:
      NextBytes() = data;
      chunks_.push_back({mint, maxt, encoding, {}});
      return {};
  }
  return {};
}

Status HeadBlockSource::AddPartOf(ChunkEncoding encoding, std::string_view data) {
  samples_.clear();
  CANOPY_RETURN_IF_ERROR(DecodeStored(encoding, data, samples_));
  for (const StoredSample& sample : samples_)
    if (IsWanted(sample.time)) builder_.Add(sample);
  std::vector<SourceChunk> made;
  builder_.Flush(made);
  for (const SourceChunk& chunk : made) {
    NextBytes() = chunk.data;
    chunks_.push_back({chunk.mint, chunk.maxt, chunk.encoding, {}});
  }
  builder_.Clear();
  return {};
}

void HeadBlockSource::AddValues(const Timeline& times, uint32_t start,
                                const chunk::ValuesView& values) {
  const Share share = ShareOf(times.at(start), times.at(start + values.count - 1u));
  if (share == Share::kNone) return;
  std::array<double, chunk::kMaxChunkSamples> decoded;
  chunk::DecodeValues(values, 0, values.count, decoded.data());
  encoder_.Clear();
  StartWalk starts(starts_);
  int64_t mint = 0;
  int64_t maxt = 0;
  for (uint32_t i = 0; i < values.count; ++i) {
    const int64_t t = times.at(start + i);
    if (share == Share::kPart && !IsWanted(t)) continue;
    if (encoder_.size() == 0) mint = t;
    maxt = t;
    encoder_.Append(t, decoded[i], starts.At(t));
  }
  if (encoder_.size() == 0) return;
  NextBytes() = encoder_.bytes();
  chunks_.push_back({mint, maxt, EncodingOf(encoder_.encoding()), {}});
}

}  // namespace canopy::tsdb
