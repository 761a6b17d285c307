#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

// The index of a block, version 2:
//
//   index    := magic <4b> | version <1b> | symbols | series | postings | postings table | toc
//   symbols  := len <4b> | n <4b> | { string } x n | crc            sorted, numbered from 0
//   series   := { padding to 16 bytes | len <uvarint> | labels | chunks | crc }    sorted by labels
//   labels   := n <uvarint> | { name, value: symbol <uvarint> } x n
//   chunks   := n <uvarint>
//               | mint <varint> | maxt - mint <uvarint> | ref <uvarint>            the first one
//               | { mint - maxt before <uvarint> | maxt - mint <uvarint> | ref - ref before
//               <varint> }
//   postings := { padding to 4 bytes | len <4b> | n <4b> | { series id <4b> } x n | crc }
//   table    := len <4b> | n <4b> | { 2 | name | value: string | offset of the list <uvarint> } |
//   crc
//               by name, then value; first of all "", "": the list of all series
//   toc      := offsets of symbols, series, label indices, label index table, postings, table <8b>
//               each | crc
//   string   := len <uvarint> | bytes
//   crc      := CRC-32C <4b> of what lies between the length and itself
//
// All numbers are big endian. A series is named by its offset divided by 16. Label indices and
// their table are history: old writers have them between series and postings, no reader looks
// there. Source: prometheus 3.14 tsdb/index/index.go; the page is tsdb/docs/format/index.md.

namespace canopy::tsdb {

inline constexpr std::string_view kIndexFile = "index";
inline constexpr uint32_t kIndexMagic = 0xBAAAD700;
inline constexpr uint8_t kIndexVersion = 2;
inline constexpr size_t kIndexHeaderBytes = 5;
inline constexpr size_t kCrcBytes = 4;
inline constexpr size_t kTocBytes = 6 * 8 + kCrcBytes;
inline constexpr size_t kSeriesAlign = 16;
inline constexpr size_t kPostingsAlign = 4;
// Series have to be named in 32 bits.
inline constexpr uint64_t kMaxIndexBytes = uint64_t{kSeriesAlign} << 32;

// The name of a series within its block. Ascending ids are series sorted by labels.
using SeriesId = uint32_t;

struct IndexToc {
  uint64_t symbols = 0;
  uint64_t series = 0;
  uint64_t label_indices = 0;
  uint64_t label_index_table = 0;
  uint64_t postings = 0;
  uint64_t postings_table = 0;
};

// Where a chunk lies, and the times of its first and last sample (Unix ms).
struct ChunkMeta {
  int64_t mint = 0;
  int64_t maxt = 0;
  // The number of the file, counted from 0, and the offset in it, 32 bits each.
  uint64_t ref = 0;

  bool Overlaps(int64_t from, int64_t until) const { return mint <= until && maxt >= from; }
  friend bool operator==(const ChunkMeta&, const ChunkMeta&) = default;
};

}  // namespace canopy::tsdb
