#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "canopy/base/bytes.h"
#include "canopy/base/crc32c.h"
#include "tsdb/index_format.h"

namespace canopy::testing {

// Writes the right sum behind bytes [begin, end), when there is room for it.
inline void PutSum(std::string& bytes, size_t begin, size_t end) {
  if (end > bytes.size() || bytes.size() - end < sizeof(uint32_t) || begin > end) return;
  base::WriteBe32(bytes.data() + end,
                  base::Crc32c(std::string_view(bytes).substr(begin, end - begin)));
}

// Makes the sums of an index right, as far as its own offsets and lengths lead to them. The table
// of contents goes first, so that what it says holds.
inline void RepairIndexSums(std::string& bytes) {
  using namespace tsdb;
  if (bytes.size() < kIndexHeaderBytes + kTocBytes) return;
  PutSum(bytes, bytes.size() - kTocBytes, bytes.size() - kCrcBytes);
  base::ByteReader toc(std::string_view(bytes).substr(bytes.size() - kTocBytes));
  const uint64_t symbols = toc.Be64();
  const uint64_t series = toc.Be64();
  toc.Be64();
  toc.Be64();
  uint64_t postings = toc.Be64();
  const uint64_t table = toc.Be64();
  const auto end_of = [&](uint64_t offset) {
    if (offset >= bytes.size() || bytes.size() - offset < 4) return uint64_t{0};
    return offset + 4 + base::LoadBe32(bytes.data() + offset);
  };
  for (uint64_t at = series; at < postings && at < bytes.size();) {
    base::ByteReader in(std::string_view(bytes).substr(at));
    const uint64_t size = in.Uvarint();
    const size_t begin = bytes.size() - in.remaining();
    if (!in.ok() || size > in.remaining()) break;
    if (size > 0) PutSum(bytes, begin, begin + size);
    at = (begin + size + kCrcBytes + kSeriesAlign - 1) / kSeriesAlign * kSeriesAlign;
  }
  while (postings < table) {
    const uint64_t end = end_of(postings);
    if (end == 0 || end > bytes.size()) break;
    PutSum(bytes, postings + 4, end);
    postings = (end + kCrcBytes + kPostingsAlign - 1) / kPostingsAlign * kPostingsAlign;
  }
  for (const uint64_t section : {symbols, table})
    if (const uint64_t end = end_of(section); end != 0) PutSum(bytes, section + 4, end);
  PutSum(bytes, bytes.size() - kTocBytes, bytes.size() - kCrcBytes);
}

}  // namespace canopy::testing
