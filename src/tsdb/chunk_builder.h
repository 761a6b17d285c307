#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <variant>
#include <vector>

#include "canopy/base/status.h"
#include "canopy/chunk/encodings.h"
#include "canopy/chunk/float_encoder.h"
#include "canopy/chunk/histogram.h"
#include "tsdb/block_writer.h"

namespace canopy::tsdb {

// As many as Prometheus puts into a chunk that it makes in compaction.
inline constexpr size_t kMergedChunkSamples = 120;

// A sample as chunks keep it. When its counter started is in Unix ms, chunk::kNoStart where that is
// not known.
using StoredValue = std::variant<double, model::Histogram, model::FloatHistogram>;
struct StoredSample {
  int64_t time = 0;
  StoredValue value;
  int64_t start = chunk::kNoStart;
};

// Appends the samples of a chunk as they are stored, integers as integers. Errors are those of
// DecodeChunk(), but that the counts of histograms are taken as they are; `out` may then hold a
// part.
Status DecodeStored(ChunkEncoding encoding, std::string_view data, std::vector<StoredSample>& out);

// Makes chunks of one series out of its samples, which come in order of time: a new one where the
// last is full, the kind of sample changes, or a histogram does not go on from the one before. What
// the encodings have no place for is left out. Not thread-safe.
class ChunkBuilder {
 public:
  explicit ChunkBuilder(size_t samples_per_chunk = kMergedChunkSamples,
                        const chunk::Encodings& encodings = {})
      : samples_per_chunk_(samples_per_chunk),
        values_(encodings.floats),
        integers_(encodings.histograms),
        floats_(encodings.histograms) {}

  void Add(int64_t t, double v, int64_t start = chunk::kNoStart) {
    const ChunkEncoding encoding = EncodingOf(values_.encoding());
    if (encoding_ != encoding || values_.size() == samples_per_chunk_) {
      Close();
      values_.Clear();
      Open(encoding, t);
    }
    values_.Append(t, v, start);
    last_ = t;
  }
  // REQUIRES: valid ones, or staleness markers.
  void Add(int64_t t, const model::Histogram& h, int64_t start = chunk::kNoStart);
  void Add(int64_t t, const model::FloatHistogram& h, int64_t start = chunk::kNoStart);
  void Add(const StoredSample& sample) {
    std::visit([&](const auto& value) { Add(sample.time, value, sample.start); }, sample.value);
  }

  // Closes the last chunk and appends all since the last call, or Clear(). Views live until
  // Clear().
  void Flush(std::vector<SourceChunk>& out);
  void Clear();

 private:
  template <class H>
  void AddHistogram(int64_t t, const H& h, int64_t start, chunk::HistogramEncoder<H>& encoder);
  void Open(ChunkEncoding encoding, int64_t t) {
    encoding_ = encoding;
    first_ = t;
  }
  void Close();

  const size_t samples_per_chunk_;
  ChunkEncoding encoding_ = ChunkEncoding::kNone;  // of the open chunk, if there is one
  int64_t first_ = 0;                              // its times
  int64_t last_ = 0;
  chunk::FloatEncoder values_;
  chunk::IntHistogramEncoder integers_;
  chunk::FloatHistogramEncoder floats_;
  std::deque<std::string> bytes_;  // views of its strings stay valid while it grows
  std::vector<SourceChunk> done_;
};

}  // namespace canopy::tsdb
