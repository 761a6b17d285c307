#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/status.h"
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

// The number of samples that the chunk claims to have; 0 when it is too short for a number.
size_t ChunkSampleCount(ChunkEncoding encoding, std::string_view data);

// Appends the samples of a chunk, floats or histograms, to columns that may hold either. kCorrupt
// for bytes that are no chunk, histograms that cannot be, and when times do not ascend;
// kUnsupported for other encodings. The columns are then as they were.
Status DecodeChunk(ChunkEncoding encoding, std::string_view data, storage::ColumnBuffer& out);

}  // namespace canopy::tsdb
