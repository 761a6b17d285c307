#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/status.h"
#include "canopy/chunk/float_encoder.h"
#include "canopy/chunk/histogram.h"
#include "canopy/storage/queryable.h"

// What a chunk of samples says of itself, in blocks and in head chunks. Source: prometheus 3.14
// tsdb/chunkenc/chunk.go.

namespace canopy::tsdb {

enum class ChunkEncoding : uint8_t {
  kNone = 0,
  kXor = 1,
  kHistogram = 2,
  kFloatHistogram = 3,
  kXor2 = 4,
  kHistogramSt = 5,
  kFloatHistogramSt = 6,
};

// "XOR", "histogram", ...
std::string ChunkEncodingName(ChunkEncoding encoding);
inline bool IsKnownEncoding(ChunkEncoding encoding) {
  return encoding >= ChunkEncoding::kXor && encoding <= ChunkEncoding::kFloatHistogramSt;
}
inline bool HoldsHistograms(ChunkEncoding encoding) {
  return encoding != ChunkEncoding::kXor && encoding != ChunkEncoding::kXor2;
}
inline ChunkEncoding EncodingOf(chunk::FloatEncoding floats) {
  return floats == chunk::FloatEncoding::kXor2 ? ChunkEncoding::kXor2 : ChunkEncoding::kXor;
}
inline ChunkEncoding EncodingOf(chunk::HistogramForm form, bool integers) {
  if (form == chunk::HistogramForm::kWithStarts)
    return integers ? ChunkEncoding::kHistogramSt : ChunkEncoding::kFloatHistogramSt;
  return integers ? ChunkEncoding::kHistogram : ChunkEncoding::kFloatHistogram;
}
// REQUIRES: HoldsHistograms().
inline chunk::HistogramForm HistogramFormOf(ChunkEncoding encoding) {
  const bool starts =
      encoding == ChunkEncoding::kHistogramSt || encoding == ChunkEncoding::kFloatHistogramSt;
  return starts ? chunk::HistogramForm::kWithStarts : chunk::HistogramForm::kPlain;
}

// As chunk::MayHaveStarts(), of any chunk.
inline bool MayHaveStarts(ChunkEncoding encoding, std::string_view data) {
  const bool has_header = encoding == ChunkEncoding::kXor2 ||
                          encoding == ChunkEncoding::kHistogramSt ||
                          encoding == ChunkEncoding::kFloatHistogramSt;
  return has_header && chunk::MayHaveStarts(data);
}

// The number of samples that the chunk claims to have; 0 when it is too short for a number.
size_t ChunkSampleCount(ChunkEncoding encoding, std::string_view data);

// Appends the samples of a chunk, floats or histograms, to columns that may hold either. kCorrupt
// for bytes that are no chunk, an encoding that is none, histograms that cannot be, and when times
// do not ascend. The columns are then as they were.
Status DecodeChunk(ChunkEncoding encoding, std::string_view data, storage::ColumnBuffer& out);

}  // namespace canopy::tsdb
