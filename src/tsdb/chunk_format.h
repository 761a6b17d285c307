#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/status.h"

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

// Appends the samples of a chunk of floats. kUnsupported for other encodings, kCorrupt for bytes
// that are none, and when times do not ascend; the columns are then as they were.
Status DecodeFloatChunk(ChunkEncoding encoding, std::string_view data, std::vector<int64_t>& times,
                        std::vector<double>& values);

}  // namespace canopy::tsdb
