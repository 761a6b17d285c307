#include "tsdb/wal_segment.h"

#include <algorithm>
#include <limits>

#include "canopy/base/number.h"

namespace canopy::tsdb {

WalPayload CompressRecord(std::string_view record, net::Encoding encoding, std::string& scratch) {
  if (encoding == net::Encoding::kIdentity) return {record, encoding};
  net::Compress(encoding, record, scratch);
  if (scratch.size() >= record.size()) return {record, net::Encoding::kIdentity};
  return {scratch, encoding};
}

std::string EightDigits(uint64_t number) {
  std::string out;
  base::AppendUint(out, number);
  if (out.size() < 8) out.insert(0, 8 - out.size(), '0');
  return out;
}

std::string SegmentPath(std::string_view dir, uint32_t segment) {
  return JoinPath(dir, EightDigits(segment));
}

std::optional<uint32_t> ParseSegmentName(std::string_view name) {
  // Prometheus counts them in ints; the limit leaves room for the next one.
  constexpr uint64_t kMaxSegment = std::numeric_limits<int32_t>::max() - 1;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!std::all_of(name.begin(), name.end(), is_digit)) return std::nullopt;
  const auto number = base::ParseUint(name);
  if (!number || *number > kMaxSegment) return std::nullopt;
  return static_cast<uint32_t>(*number);
}

Result<std::vector<uint32_t>> ListSegments(Fs& fs, const std::string& dir) {
  std::vector<uint32_t> out;
  auto names = fs.List(dir);
  if (names.status().code() == Code::kNotFound) return out;
  if (!names.ok()) return names.status();
  for (const std::string& name : *names)
    if (const auto number = ParseSegmentName(name)) out.push_back(*number);
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace canopy::tsdb
