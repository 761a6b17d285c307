#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "canopy/base/status.h"

namespace canopy::base {

// A number of bytes as flags and configurations write it: "512MB", "1.5GiB", "100B", "0". Units are
// powers of 1024 with or without the "i", as Prometheus has them. kInvalid with the text otherwise.
Result<uint64_t> ParseSize(std::string_view text);

// The shortest such text: 536870912 -> "512MiB".
std::string FormatSize(uint64_t bytes);

}  // namespace canopy::base
