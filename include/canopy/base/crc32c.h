#pragma once

#include <cstdint>
#include <string_view>

namespace canopy::base {

// CRC-32C (Castagnoli), as WAL pages, head chunks and indexes carry it. `seed` continues a sum.
uint32_t Crc32c(std::string_view bytes, uint32_t seed = 0);

}  // namespace canopy::base
