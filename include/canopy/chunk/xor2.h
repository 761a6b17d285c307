#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/status.h"
#include "canopy/chunk/bits.h"
#include "canopy/chunk/starts.h"

// Prometheus's XOR2 chunk of float samples (encoding 4), byte for byte: XOR where time and value
// share their first bits, staleness markers cost next to nothing, and samples may have a start.
//
//   chunk  := n <2b be> | header of starts <1b>
//             | t0 <varint> | v0 <64 bit>      | start
//             | t1-t0 <uvarint> | value        | start
//             | { sample                       | start }
//   sample := 0                      delta of deltas of time (dod) and value as before
//           | 10 changed             dod is 0, another value
//           | 110 <13 bit> value     dod
//           | 1110 <20 bit> value
//           | 11110 <64 bit> value
//           | 11111                  dod is 0, a staleness marker
//   value  := 0                      as before
//           | 10 <bits>              XOR with the value before, in the last window
//           | 110 window <bits>      a new window
//           | 111                    a staleness marker
//   changed := 0 <bits>              in the last window
//           | 1 window <bits>
//   window := leading <5 bit> | length <6 bit, 0 is 64>
//
// A dod of n bits is -2^(n-1) .. 2^(n-1)-1: unlike XOR's, in two's complement. With its prefix it
// fills whole bytes, but begins anywhere in one. The value before is the last one that was no
// marker, and 0 if none was; v0 is written whole, marker or not. Starts are as starts.h draws them:
// none in chunks of up to 127 samples where none is known, and then the header is 0.
//
// Source: prometheus 3.14 tsdb/chunkenc/{xor2,st}.go; the page tsdb/docs/format/chunks.md draws the
// same, but for starts. tests/chunk/xor2_test.cc holds bytes that Prometheus's code wrote.

namespace canopy::chunk {

inline constexpr size_t kXor2HeaderBytes = 3;

// Builds one chunk. Times must ascend. Not thread-safe.
class Xor2Encoder {
 public:
  // What the two bytes of the count can say. From the 128th sample on each costs three bytes more,
  // if starts are not known.
  static constexpr uint16_t kMaxSamples = 0xffff;

  Xor2Encoder() { Clear(); }
  void Clear();
  // REQUIRES: size() < kMaxSamples.
  void Append(int64_t t, double v, int64_t start = kNoStart);
  uint16_t size() const { return size_; }
  // The chunk as it is now.
  const std::string& bytes();

 private:
  void PutTimeAndValue(int64_t dod, uint64_t bits, bool stale);
  void PutValue(uint64_t bits, bool stale);

  BitWriter out_;
  uint16_t size_ = 0;
  int64_t time_ = 0;
  uint64_t delta_ = 0;
  XorValue value_;
  StartWriter starts_;
};

// Appends the samples of a chunk to the columns; starts, kNoStart where none is known, when there
// is one for them. The bytes may be hostile: kCorrupt, with the columns as they were, when they end
// too early or are no chunk.
Status DecodeXor2(std::string_view bytes, std::vector<int64_t>& times, std::vector<double>& values,
                  std::vector<int64_t>* starts = nullptr);

}  // namespace canopy::chunk
