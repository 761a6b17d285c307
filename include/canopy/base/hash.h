#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace canopy::base {

// XXH64 with seed 0: the hash of Prometheus's labels and symbols.
uint64_t XxHash64(std::string_view bytes);

// XXH3 under a seed drawn when the process starts: for tables keyed by input from outside, so that
// nobody can choose colliding keys. Never stored.
uint64_t SeededHash(std::string_view bytes);

// The last 8 bytes of the MD5, big endian: what relabelling's hashmod takes the modulus of.
uint64_t Md5Low64(std::string_view bytes);

// The SHA-256 as 64 hexadecimal digits.
std::string Sha256Hex(std::string_view bytes);

}  // namespace canopy::base
