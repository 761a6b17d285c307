#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "canopy/chunk/bits.h"

// Integers of variable length, as include/canopy/chunk/histogram.h draws them.

namespace canopy::chunk {

// Bits of the field behind as many ones and, but for the last, a zero.
inline constexpr std::array<unsigned, 9> kVarbitSizes = {0, 3, 6, 9, 12, 18, 25, 56, 64};

namespace internal {
inline void PutVarbitField(BitWriter& out, uint64_t bits, unsigned ones) {
  const unsigned prefix = ones < 8 ? ones + 1 : 8;
  out.Put(ones < 8 ? (uint64_t{1} << prefix) - 2 : 0xff, prefix);
  out.Put(bits, kVarbitSizes[ones]);
}
}  // namespace internal

inline void PutUvarbit(BitWriter& out, uint64_t v) {
  unsigned ones = 0;
  while (static_cast<unsigned>(std::bit_width(v)) > kVarbitSizes[ones]) ++ones;
  internal::PutVarbitField(out, v, ones);
}

inline void PutVarbit(BitWriter& out, int64_t v) {
  unsigned ones = 0;
  if (v != 0) {
    // -(2^(n-1)-1) .. 2^(n-1), moved to 0 .. 2^n-1.
    const auto fits = [v](unsigned n) {
      return n == 64 || static_cast<uint64_t>(v) + (uint64_t{1} << (n - 1)) - 1 < uint64_t{1} << n;
    };
    for (ones = 1; !fits(kVarbitSizes[ones]);) ++ones;
  }
  internal::PutVarbitField(out, static_cast<uint64_t>(v), ones);
}

inline uint64_t GetUvarbit(BitReader& in) { return in.Get(kVarbitSizes[in.GetOnes(8)]); }

inline int64_t GetVarbit(BitReader& in) {
  const unsigned size = kVarbitSizes[in.GetOnes(8)];
  const uint64_t bits = in.Get(size);
  const bool negative = size > 0 && size < 64 && bits > uint64_t{1} << (size - 1);
  return static_cast<int64_t>(negative ? bits - (uint64_t{1} << size) : bits);
}

}  // namespace canopy::chunk
