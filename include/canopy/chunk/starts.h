#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "canopy/chunk/bits.h"

// Start timestamps: when what a sample counts began. Chunks that can hold them (XOR2, histogramST
// and floathistogramST) have a byte for them in their header, and bits behind those of each sample:
//
//   header := first <1 bit> | from <7 bit>
//   start  := (t - start) <varint>        of sample 0, when `first` is set
//           | d <varbit>                  of sample i >= from, when `from` is not 0
//           | nothing: it is as that of the sample before, of sample 0 unknown
//   d      := t' - start, where t' is the time of the sample before; from the second such sample
//             on, the difference to what that was for the sample before
//
// varbit is as histogram.h draws it. `from` is where the start changes for the first time. It
// cannot say more than 127: so it says that, and samples behind have bits, when there was no change
// until then.
//
// Source: prometheus 3.14 tsdb/chunkenc/{st,xor2}.go. The page tsdb/docs/format/chunks.md says it
// less exactly: there, `d` of sample 1 is counted from the start before, and has another encoding.

namespace canopy::chunk {

// No start is known; as Prometheus, at the cost of January 1st, 1970.
inline constexpr int64_t kNoStart = 0;

// Where the header is in all chunks that can hold them.
inline constexpr size_t kStartsHeader = 2;

// False when no start is known in such a chunk. It may be true all the same, of a long one.
inline bool MayHaveStarts(std::string_view chunk) {
  return chunk.size() > kStartsHeader && chunk[kStartsHeader] != 0;
}

// Follows the samples of one chunk. Not thread-safe.
class StartWriter {
 public:
  // Behind each sample, which was at `t`. Keeps the chunk's header.
  void Put(BitWriter& out, int64_t t, int64_t start);

 private:
  uint32_t samples_ = 0;
  uint8_t from_ = 0;
  int64_t before_ = 0;  // the time of the last sample
  int64_t start_ = kNoStart;
  uint64_t distance_ = 0;  // the last d, as a whole
};

class StartReader {
 public:
  explicit StartReader(uint8_t header) : first_((header & 0x80) != 0), from_(header & 0x7f) {}

  // Behind each sample, which was at `t`: its start. Bytes that end too early show in `in`.
  int64_t Get(BitReader& in, int64_t t);

 private:
  const bool first_;
  const uint8_t from_;
  uint32_t samples_ = 0;
  int64_t before_ = 0;
  int64_t start_ = kNoStart;
  uint64_t distance_ = 0;
};

}  // namespace canopy::chunk
