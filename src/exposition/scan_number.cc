#include "scan_number.h"

#include <fast_float/fast_float.h>

#include <cmath>

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

}  // namespace

const char* ScanNumber(const char* p, const char* end, double& value) {
  const char* const start = p;
  const bool negative = p < end && *p == '-';
  if (negative) ++p;
  if (p == end || !IsDigit(*p)) return nullptr;
  const char* const digits = p;
  uint64_t mantissa = 0;
  while (p < end && IsDigit(*p)) mantissa = mantissa * 10 + static_cast<uint64_t>(*p++ - '0');
  auto count = p - digits;
  int exponent = 0;
  if (p < end && *p == '.') {
    const char* const decimals = ++p;
    while (p < end && IsDigit(*p)) mantissa = mantissa * 10 + static_cast<uint64_t>(*p++ - '0');
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
