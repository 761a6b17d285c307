#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/status.h"
#include "canopy/base/time.h"
#include "canopy/chunk/bits.h"

// Prometheus's XOR chunk of float samples, byte for byte:
//
//   chunk   := n <2b be> | t0 <varint> | v0 <64 bit> | t1-t0 <uvarint> | value | { dod | value }
//   ... dod     := 0                                  delta of deltas of time is zero
//            | 10 <14 bit> | 110 <17 bit> | 1110 <20 bit> | 1111 <64 bit>
//              a field of n bits holds -(2^(n-1)-1) .. 2^(n-1)
//   value is a change of a float, as bits.h draws it
//
// Bits fill bytes from the top. Source: prometheus 3.14 tsdb/chunkenc/{xor,bstream}.go; the page
// tsdb/docs/format/chunks.md draws the same. tests/chunk/xor_test.cc holds bytes that Prometheus
// wrote.

namespace canopy::chunk {

// Builds one chunk. Times must ascend. Not thread-safe.
class XorEncoder {
 public:
  // What the two bytes of the count can say.
  static constexpr uint16_t kMaxSamples = 0xffff;

  XorEncoder() { Clear(); }
  void Clear();
  // REQUIRES: size() < kMaxSamples.
  void Append(int64_t t, double v);
  uint16_t size() const { return size_; }
  // The chunk as it is now.
  const std::string& bytes();

 private:
  void PutDeltaOfDelta(int64_t dod);

  BitWriter out_;
  uint16_t size_ = 0;
  int64_t time_ = 0;
  uint64_t delta_ = 0;
  XorValue value_;
};

// Appends the samples of a chunk to the two columns. The bytes may be hostile: kCorrupt, with the
// columns as they were, when they end too early or are no chunk.
Status DecodeXor(std::string_view bytes, std::vector<int64_t>& times, std::vector<double>& values);

}  // namespace canopy::chunk
