#include "tsdb/chunk_format.h"

#include <algorithm>

#include "canopy/base/bytes.h"
#include "canopy/chunk/xor.h"

namespace canopy::tsdb {

std::string ChunkEncodingName(ChunkEncoding encoding) {
  switch (encoding) {
    case ChunkEncoding::kNone:
      return "none";
    case ChunkEncoding::kXor:
      return "XOR";
    case ChunkEncoding::kHistogram:
      return "histogram";
    case ChunkEncoding::kFloatHistogram:
      return "floathistogram";
    case ChunkEncoding::kXor2:
      return "XOR2";
    case ChunkEncoding::kHistogramSt:
      return "histogramST";
    case ChunkEncoding::kFloatHistogramSt:
      return "floathistogramST";
  }
  return "encoding " + std::to_string(static_cast<unsigned>(encoding));
}

size_t ChunkSampleCount(ChunkEncoding encoding, std::string_view data) {
  const uint16_t count = base::ByteReader(data).Be16();
  const bool shares_bits =
      encoding == ChunkEncoding::kHistogramSt || encoding == ChunkEncoding::kFloatHistogramSt;
  // The two high bits of these are about counter resets.
  return shares_bits ? count & 0x3fff : count;
}

Status DecodeFloatChunk(ChunkEncoding encoding, std::string_view data, std::vector<int64_t>& times,
                        std::vector<double>& values) {
  switch (encoding) {
    case ChunkEncoding::kXor: {
      const size_t before = times.size();
      CANOPY_RETURN_IF_ERROR(chunk::DecodeXor(data, times, values));
      const auto first = times.begin() + static_cast<std::ptrdiff_t>(before);
      if (std::adjacent_find(first, times.end(), std::greater_equal<>()) == times.end()) return {};
      times.resize(before);
      values.resize(before);
      return Status::Corrupt("times of a chunk do not ascend");
    }
    default:
      if (!IsKnownEncoding(encoding)) return Status::Corrupt(ChunkEncodingName(encoding));
      return Status::Unsupported("chunks of encoding " + ChunkEncodingName(encoding));
  }
}

}  // namespace canopy::tsdb
