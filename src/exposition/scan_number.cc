#include "scan_number.h"

#include <fast_float/fast_float.h>

#include <bit>
#include <cmath>
#include <cstring>

namespace canopy::exposition {
namespace {

constexpr double kPowersOfTen[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
constexpr int kMaxExactPower = 22;
// More digits could overflow 64 bits.
constexpr int kMaxDigits = 19;
constexpr uint64_t kMaxExactInteger = uint64_t{1} << 53;

bool IsDigit(char c) { return static_cast<unsigned char>(c - '0') < 10; }

const char* ScanAny(const char* p, const char* end, double& value) {
  const auto [stop, error] = fast_float::from_chars(p, end, value);
  if (error != std::errc() || std::isinf(value)) return nullptr;
  return stop;
}

// "e+06" at `p`, adding to `exponent`. Null when there is more to it than two digits.
const char* ScanShortExponent(const char* p, const char* end, int& exponent) {
  ++p;
  const bool negative = p < end && *p == '-';
  if (p < end && (*p == '-' || *p == '+')) ++p;
  const char* const digits = p;
  int e = 0;
  while (p < end && IsDigit(*p) && p - digits < 3) e = e * 10 + (*p++ - '0');
  if (p == digits || p - digits > 2) return nullptr;
  exponent += negative ? -e : e;
  return p;
}

// Up to eight digits at `p` at once; `count` says how many there are. REQUIRES: eight readable
// bytes. Digits are counted by the first byte that is none, moved to the high end (so that zeros
// come before them), and added up in pairs, fours and eights.
inline uint64_t ScanEight(const char* p, unsigned& count) {
  uint64_t chunk = 0;
  std::memcpy(&chunk, p, sizeof chunk);
  const uint64_t digits = chunk ^ 0x3030303030303030;  // 0 to 9 where there is a digit
  const uint64_t others = ((digits + 0x7676767676767676) | digits) & 0x8080808080808080;
  count = others == 0 ? 8 : static_cast<unsigned>(std::countr_zero(others)) / 8;
  if (count == 0) return 0;
  uint64_t v = digits << (64 - 8 * count);
  v = (v * 10 + (v >> 8)) & 0x00ff00ff00ff00ff;
  v = (v * 100 + (v >> 16)) & 0x0000ffff0000ffff;
  return (v * 10000 + (v >> 32)) & 0xffffffff;
}

constexpr uint64_t kIntegerPowers[] = {1,      10,      100,      1000,     10000,
                                       100000, 1000000, 10000000, 100000000};

// Reads all digits at `p` behind those that `mantissa` holds already. It overflows when there are
// more than kMaxDigits: callers count.
inline const char* ScanDigits(const char* p, const char* end, uint64_t& mantissa) {
  while (end - p >= 8) {
    unsigned count = 0;
    const uint64_t v = ScanEight(p, count);
    mantissa = mantissa * kIntegerPowers[count] + v;
    p += count;
    if (count < 8) return p;
  }
  while (p < end && IsDigit(*p)) mantissa = mantissa * 10 + static_cast<uint64_t>(*p++ - '0');
  return p;
}

}  // namespace

const char* ScanNumber(const char* p, const char* end, double& value) {
  const char* const start = p;
  const bool negative = p < end && *p == '-';
  if (negative) ++p;
  if (p == end || !IsDigit(*p)) return nullptr;
  const char* const digits = p;
  uint64_t mantissa = 0;
  p = ScanDigits(p, end, mantissa);
  auto count = p - digits;
  int exponent = 0;
  if (p < end && *p == '.') {
    const char* const decimals = ++p;
    p = ScanDigits(p, end, mantissa);
    count += p - decimals;
    exponent = static_cast<int>(decimals - p);
  }
  if (p < end && (*p | 0x20) == 'e') {
    p = ScanShortExponent(p, end, exponent);
    if (!p) return ScanAny(start, end, value);
  }
  if (count > kMaxDigits || mantissa > kMaxExactInteger || exponent > kMaxExactPower ||
      exponent < -kMaxExactPower)
    return ScanAny(start, end, value);
  const auto exact = static_cast<double>(mantissa);
  const double v = exponent < 0 ? exact / kPowersOfTen[-exponent] : exact * kPowersOfTen[exponent];
  value = negative ? -v : v;
  return p;
}

}  // namespace canopy::exposition
