#pragma once

#include <cstdint>

namespace canopy::exposition {

// Reads a decimal number at `p`, which must begin with a digit or with '-' and a digit. Returns
// where it ends, or null when it is none or is too large for a double: the caller then looks
// closer. Most samples are short whole numbers or short decimals; these are exact in one
// multiplication or division (Clinger's fast path), the rest goes to fast_float.
const char* ScanNumber(const char* p, const char* end, double& value);

}  // namespace canopy::exposition
