#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "canopy/base/fs.h"
#include "canopy/base/status.h"
#include "canopy/net/compress.h"

// The framing of the write-ahead log, which checkpoints and the out-of-order log (wbl/) share.
//
//   log      := files named 00000000, 00000001, ...; numbers without a gap
//   segment  := pages of 32 KiB; the last one may be short
//   page     := { fragment } and zeros to its end
//   fragment := type and flags <1b> | length <2b> | CRC-32C of the data <4b> | data
//
// Of the first byte the low three bits are the type, 0x08 says snappy, 0x10 zstd; flags are the
// same in all fragments of a record. A record is one full fragment, or a first, any number of
// middle and a last one, in pages that follow each other; it does not cross into another segment.
// Compression is of the whole record. Source: prometheus 3.14 tsdb/wlog/{wlog,reader}.go; the page
// is tsdb/docs/format/wal.md.

namespace canopy::tsdb {

inline constexpr std::string_view kOutOfOrderLogDir = "wbl";

inline constexpr size_t kWalPageBytes = 32 << 10;
inline constexpr size_t kFragmentHeaderBytes = 7;

enum class FragmentType : uint8_t { kPageEnd = 0, kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4 };
inline constexpr uint8_t kFragmentTypeMask = 0x07;
inline constexpr uint8_t kSnappyFlag = 0x08;
inline constexpr uint8_t kZstdFlag = 0x10;

// What a record of the log unpacks to at most; a claim beyond it is taken for corruption.
inline constexpr size_t kMaxWalRecordBytes = size_t{1} << 30;

// A record as it stands in the log: perhaps compressed. `encoding` is kIdentity, kSnappy or kZstd.
struct WalPayload {
  std::string_view bytes;
  net::Encoding encoding = net::Encoding::kIdentity;
};

// `record`, compressed into `scratch` when that makes it shorter. The result is a view of either.
WalPayload CompressRecord(std::string_view record, net::Encoding encoding, std::string& scratch);

// "dir/00000042"
std::string SegmentPath(std::string_view dir, uint32_t segment);
// The number of such a name; none for other files.
std::optional<uint32_t> ParseSegmentName(std::string_view name);
// Ascending. A missing directory holds none. Gaps are not looked for.
Result<std::vector<uint32_t>> ListSegments(Fs& fs, const std::string& dir);

// "00000042", as segments, blocks' chunk files, head chunk files and checkpoints count.
std::string EightDigits(uint64_t number);

}  // namespace canopy::tsdb
