#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "canopy/model/sample.h"

// Questions to whole columns, two values in one register at a time: compilers do not find this by
// themselves where it takes a remainder loop (g++ 12 at -O2).

namespace canopy::promql {

namespace scan {
using Doubles = double __attribute__((vector_size(16)));
using Bits = int64_t __attribute__((vector_size(16)));

template <class V>
inline V Load(const double* from) {
  V out;
  std::memcpy(&out, from, sizeof(out));
  return out;
}
}  // namespace scan

// True when there is a staleness marker among the values.
inline bool HasMarker(std::span<const double> values) {
  const auto bits = static_cast<int64_t>(model::kStaleNanBits);
  const scan::Bits marker = {bits, bits};
  scan::Bits even{};
  scan::Bits odd{};
  const double* p = values.data();
  size_t left = values.size();
  for (; left >= 4; left -= 4, p += 4) {
    even |= scan::Load<scan::Bits>(p) == marker;
    odd |= scan::Load<scan::Bits>(p + 2) == marker;
  }
  even |= odd;
  bool any = (even[0] | even[1]) != 0;
  for (; left > 0; --left, ++p) any |= model::IsStale(*p);
  return any;
}

// True when some value is less than the one before it.
inline bool HasFall(std::span<const double> values) {
  if (values.size() < 2) return false;
  scan::Bits even{};
  scan::Bits odd{};
  const double* p = values.data() + 1;
  size_t left = values.size() - 1;
  for (; left >= 4; left -= 4, p += 4) {
    even |= scan::Load<scan::Doubles>(p) < scan::Load<scan::Doubles>(p - 1);
    odd |= scan::Load<scan::Doubles>(p + 2) < scan::Load<scan::Doubles>(p + 1);
  }
  even |= odd;
  bool any = (even[0] | even[1]) != 0;
  for (; left > 0; --left, ++p) any |= *p < *(p - 1);
  return any;
}

}  // namespace canopy::promql
