#pragma once

#include <bit>
#include <cstdint>
#include <limits>

#include "canopy/base/time.h"

namespace canopy::model {

// The NaN that says "this series ends here". Bit pattern from prometheus model/value: told from
// every other NaN by its bits, kept by all formats that store 64 bits.
inline constexpr uint64_t kStaleNanBits = 0x7ff0000000000002;
// The one NaN that is written for ordinary NaNs.
inline constexpr uint64_t kNormalNanBits = 0x7ff8000000000001;

inline double StaleNan() { return std::bit_cast<double>(kStaleNanBits); }
inline double NormalNan() { return std::bit_cast<double>(kNormalNanBits); }
inline bool IsStale(double v) { return std::bit_cast<uint64_t>(v) == kStaleNanBits; }
// Equal as stored: NaNs by bits, and 0 is not -0.
inline bool SameBits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

struct Sample {
  Timestamp time;
  double value = 0;
};

}  // namespace canopy::model
