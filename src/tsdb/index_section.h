#pragma once

#include <cstdint>
#include <string_view>

#include "canopy/base/status.h"

namespace canopy::tsdb {

// What a length <4b> at the offset announces, its checksum verified unless told otherwise.
// kCorrupt with the offset when it does not lie within the file, or the sum is another.
Result<std::string_view> ReadSection(std::string_view file, uint64_t offset, bool verify = true);

// The same with a length that is a uvarint, as series have it.
Result<std::string_view> ReadUvarintSection(std::string_view file, uint64_t offset);

}  // namespace canopy::tsdb
