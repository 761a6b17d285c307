// How closed chunks get to files, and back from them at a start.

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "canopy/chunk/float_encoder.h"
#include "chunk_builder.h"
#include "head.h"
#include "head_chunk_files.h"
#include "open_histogram.h"

namespace canopy::tsdb {
namespace {

// So many series at a time: appends wait no longer than for these to be exchanged.
constexpr size_t kAtOnce = 512;

HeadChunk Describe(SeriesRef series, const ClosedChunk& chunk, std::string_view data) {
  return {.series = series,
          .mint = chunk.min_time,
          .maxt = chunk.max_time(),
          .encoding = chunk.encoding,
          .data = data};
}

std::string_view Encode(ClosedChunk& chunk, StartTimes::View starts, chunk::FloatEncoder& encoder) {
  if (chunk.place == ClosedChunk::Place::kEncoded) return chunk.encoded->view();
  const ClosedValues& values = *chunk.values;
  std::array<double, chunk::kMaxChunkSamples> decoded;
  chunk::DecodeValues(values.view(), 0, values.count, decoded.data());
  encoder.Clear();
  StartWalk walk(starts);
  for (uint32_t i = 0; i < values.count; ++i) {
    const int64_t t = values.times->at(values.start + i);
    encoder.Append(t, decoded[i], walk.At(t));
  }
  chunk.encoding = EncodingOf(encoder.encoding());
  return encoder.bytes();
}

}  // namespace

void Head::NoteClosed(SeriesRef ref, const Series& series) {
  if (chunk_files_ != nullptr && ChunksOf(series.closed).size() > 1) closed_.push_back(ref);
}

Status Head::SpillChunks() {
  if (chunk_files_ == nullptr) return {};
  std::vector<SeriesRef> refs;
  {
    const MutexLock appending(append_mu_);
    refs.swap(closed_);
  }
  // Some have closed several chunks.
  std::ranges::sort(refs, {}, &SeriesRef::value);
  refs.erase(std::unique(refs.begin(), refs.end()), refs.end());
  for (size_t i = 0; i < refs.size(); i += kAtOnce) {
    const auto some = std::span(refs).subspan(i, std::min(kAtOnce, refs.size() - i));
    const Status status = Spill(some);
    if (status.ok()) continue;
    // The same ones first next time: of a series, chunks must come in order.
    const MutexLock appending(append_mu_);
    closed_.insert(closed_.begin(), refs.begin() + static_cast<std::ptrdiff_t>(i), refs.end());
    return status;
  }
  return refs.empty() ? Status() : chunk_files_->Flush();
}

Status Head::Spill(std::span<const SeriesRef> refs) {
  struct Move {
    SeriesRef ref;
    ClosedChunk chunk;
    StartTimes::View starts;
    uint64_t file_ref = 0;
  };
  // What the chunks point to stays until they have been exchanged.
  const Graveyard::Reader reader(graveyard_);
  std::vector<Move> moves;
  {
    const ReaderLock lock(mu_);
    for (const SeriesRef ref : refs) {
      const Series* const series = table_.Find(ref);
      if (series == nullptr) continue;
      const std::span<const ClosedChunk> chunks = ChunksOf(series->closed);
      for (size_t i = 0; i + 1 < chunks.size(); ++i)
        if (chunks[i].place != ClosedChunk::Place::kFile)
          moves.push_back({ref, chunks[i], start_times_.Of(SlotOf(ref))});
    }
  }
  chunk::FloatEncoder encoder(float_encoding_);
  Status status;
  size_t done = 0;
  for (; done < moves.size(); ++done) {
    Move& move = moves[done];
    const std::string_view data = Encode(move.chunk, move.starts, encoder);
    const auto file_ref = chunk_files_->Append(Describe(move.ref, move.chunk, data));
    if (!file_ref.ok()) {
      status = file_ref.status();
      break;
    }
    move.file_ref = *file_ref;
  }
  const MutexLock appending(append_mu_);
  const WriterLock lock(mu_);
  for (const Move& move : std::span(moves).first(done))
    if (Series* const series = table_.Find(move.ref))
      writer_.MoveToFile(*series, move.chunk, move.file_ref);
  graveyard_.Collect();
  return status;
}

// --- at a start ---

void Head::FoundInFile(uint64_t file_ref, const HeadChunk& chunk) {
  if (chunk.out_of_order || chunk.maxt < refused_before_) return;
  InFiles& found_before = in_files_[chunk.series.value()];
  // The log has what is not taken from here, but only behind the last chunk that is.
  if (found_before.ended) return;
  std::vector<ClosedChunk>& chunks = found_before.chunks;
  const bool in_order = chunks.empty() || chunk.mint > chunks.back().max_time();
  if (!in_order || chunk.mint > chunk.maxt || chunk.maxt >= writer_.EndOfBlock(chunk.mint) ||
      chunk.maxt - chunk.mint > std::numeric_limits<uint32_t>::max()) {
    found_before.ended = true;
    return;
  }
  ClosedChunk& found = chunks.emplace_back();
  found.min_time = chunk.mint;
  found.duration = static_cast<uint32_t>(chunk.maxt - chunk.mint);
  found.place = ClosedChunk::Place::kFile;
  found.encoding = chunk.encoding;
  found.file_ref = file_ref;
}

void Head::AttachFiles(SeriesRef in_log, Series& series) {
  const auto it = in_files_.find(in_log.value());
  if (it == in_files_.end()) return;
  const std::vector<ClosedChunk>& chunks = it->second.chunks;
  if (!chunks.empty() && series.newest_time == Series::kNoTime) {
    writer_.Attach(series, chunks);
    metrics_.chunks_created.Add(static_cast<double>(chunks.size()));
    NoteReplayed(chunks.front().min_time);
    NoteReplayed(chunks.back().max_time());
  }
  in_files_.erase(it);
}

// The log has samples behind each chunk that is in a file. Where it lost them, the last of these
// chunks becomes what the series goes on from.
Status Head::ReopenLastChunks() {
  storage::ColumnBuffer buffer;
  Slot next = 0;
  do {
    Status status;
    next = table_.ForSome(next, [&](Slot slot, Series& series) {
      if (series.count > 0 || series.closed == nullptr || !status.ok()) return;
      const ClosedChunk last = ChunksOf(series.closed).back();
      writer_.DropLastChunk(series);
      const auto pinned = chunk_files_->Read(last.file_ref);
      if (!pinned.ok()) {
        status = pinned.status();
        return;
      }
      status = ReplayChunk(slot, series, pinned->chunk);
    });
    CANOPY_RETURN_IF_ERROR(status);
  } while (next != 0);
  return {};
}

Status Head::ReplayChunk(Slot slot, Series& series, const HeadChunk& chunk) {
  std::vector<StoredSample> samples;
  CANOPY_RETURN_IF_ERROR(DecodeStored(chunk.encoding, chunk.data, samples));
  writer_.BeginBatch();
  for (const StoredSample& sample : samples) {
    if (sample.time <= series.newest_time) continue;
    if (const auto* const value = std::get_if<double>(&sample.value)) {
      writer_.Put(series, sample.time, *value);
      NoteStart(slot, sample.time, *value, sample.start);
    } else if (const auto* const integers = std::get_if<model::Histogram>(&sample.value)) {
      writer_.PutHistogram(series, sample.time, *integers, sample.start);
    } else {
      writer_.PutHistogram(series, sample.time, std::get<model::FloatHistogram>(sample.value),
                           sample.start);
    }
  }
  return {};
}

}  // namespace canopy::tsdb
