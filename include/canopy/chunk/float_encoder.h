#pragma once

#include <cstdint>
#include <string>

#include "canopy/chunk/encodings.h"
#include "canopy/chunk/xor.h"
#include "canopy/chunk/xor2.h"

namespace canopy::chunk {

// Builds chunks of floats in one of the encodings. Times must ascend. Not thread-safe.
class FloatEncoder {
 public:
  explicit FloatEncoder(FloatEncoding encoding) : encoding_(encoding) {}

  FloatEncoding encoding() const { return encoding_; }
  void Clear() {
    xor_.Clear();
    xor2_.Clear();
  }
  // XOR has no place for the start. REQUIRES: size() < 0xffff.
  void Append(int64_t t, double v, int64_t start = kNoStart) {
    if (encoding_ == FloatEncoding::kXor)
      xor_.Append(t, v);
    else
      xor2_.Append(t, v, start);
  }
  uint16_t size() const { return encoding_ == FloatEncoding::kXor ? xor_.size() : xor2_.size(); }
  // The chunk as it is now.
  const std::string& bytes() {
    return encoding_ == FloatEncoding::kXor ? xor_.bytes() : xor2_.bytes();
  }

 private:
  FloatEncoding encoding_;
  XorEncoder xor_;
  Xor2Encoder xor2_;
};

}  // namespace canopy::chunk
