#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>

#include "canopy/storage/appender.h"
#include "graveyard.h"
#include "series.h"

namespace canopy::tsdb {

// Puts samples into series: which timeline, which form of values, when a chunk is closed. Under the
// head's exclusive lock.
class SeriesWriter {
 public:
  SeriesWriter(Graveyard& graveyard, uint32_t samples_per_chunk, int64_t block_range_ms,
               chunk::HistogramForm histogram_form = chunk::HistogramForm::kPlain);

  // Series that take their next sample within one batch share its timeline, if they can.
  void BeginBatch() {
    ++batch_;
    latest_ = nullptr;
  }
  // A staleness marker is of the kind that the series has. REQUIRES: t is later than
  // series.newest_time.
  void Put(Series& series, int64_t t, double value);
  void PutHistogram(Series& series, int64_t t, const storage::HistogramValue& value,
                    int64_t start = chunk::kNoStart);

  // One of its chunks is in a file now, in the encoding that is given with it.
  void MoveToFile(Series& series, const ClosedChunk& chunk, uint64_t file_ref);
  // For a start. REQUIRES: an empty series, and chunks in order, all in files.
  void Attach(Series& series, std::span<const ClosedChunk> chunks);
  // Takes the newest closed chunk away, and with it what is newest. REQUIRES: it is in a file, and
  // none is open.
  void DropLastChunk(Series& series);

  // Buries all samples of a series that goes away.
  void Drop(Series& series);
  // Lets go of closed chunks that end before `time`; returns how many.
  uint32_t DropChunksBefore(Series& series, int64_t time);

  // The first time that is in another block than `t`.
  int64_t EndOfBlock(int64_t t) const;

  // Chunks that were begun, since the start.
  uint64_t chunks_created() const { return chunks_created_; }

 private:
  // A timeline that some series of this batch has moved to, for those that come to the same place.
  struct Move {
    uint64_t batch = 0;
    const Timeline* from = nullptr;  // null: a new chunk
    uint32_t place = 0;
    int64_t time = 0;
    Timeline* to = nullptr;
  };

  // Makes times[start + count] be t, if the open chunk can go on.
  bool Advance(Series& series, int64_t t);
  bool Fork(Series& series, uint32_t place, int64_t t);
  void BeginChunk(Series& series, int64_t t, double value);
  // Of this batch, with t on it; its place is at the start or at the end.
  Timeline* TimelineFor(int64_t t);
  void CloseChunk(Series& series);
  ClosedChunk TakeValues(Series& series);
  ClosedChunk TakeHistograms(Series& series);
  void AddValue(Series& series, double value);
  void Recode(Series& series, double value);
  void Reserve(Series& series, size_t bytes);
  bool HistogramFits(const Series& series, int64_t t, const storage::HistogramValue& value) const;
  void DropHistogram(Series& series);
  void Bury(const ClosedChunk& chunk);
  Move& MoveFor(const Timeline* from, uint32_t place, int64_t t);

  Graveyard& graveyard_;
  const uint32_t samples_per_chunk_;
  const int64_t block_range_;
  const chunk::HistogramForm histogram_form_;
  uint64_t batch_ = 1;
  Timeline* latest_ = nullptr;  // that a series of this batch has advanced on
  uint64_t chunks_created_ = 0;
  std::array<Move, 256> moves_;
  std::array<uint8_t, chunk::kMaxValueBytes> scratch_;
  std::array<double, chunk::kMaxChunkSamples> values_;
};

}  // namespace canopy::tsdb
