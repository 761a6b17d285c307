#pragma once

#include <bit>
#include <cstdint>
#include <random>

// Steps of all sizes, so that each delta of deltas and each window of significant bits is met.

namespace canopy::chunk {

inline int64_t LaterTime(std::mt19937_64& random, int64_t time) {
  return static_cast<int64_t>(static_cast<uint64_t>(time) + (random() >> (random() % 64)));
}

inline double ChangedValue(std::mt19937_64& random, double value) {
  const uint64_t change = random() >> (random() % 64) << (random() % 64);
  return std::bit_cast<double>(std::bit_cast<uint64_t>(value) ^ change);
}

}  // namespace canopy::chunk
