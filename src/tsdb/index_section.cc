#include "tsdb/index_section.h"

#include <string>

#include "canopy/base/bytes.h"
#include "canopy/base/crc32c.h"

namespace canopy::tsdb {
namespace {

Status At(uint64_t offset, const char* what) {
  return Status::Corrupt(what).In("offset " + std::to_string(offset));
}

Result<std::string_view> Take(base::ByteReader in, uint64_t size, uint64_t offset, bool verify) {
  const std::string_view bytes = in.Bytes(size);
  const uint32_t sum = in.Be32();
  if (!in.ok()) return At(offset, "reaches behind the end of the file");
  if (verify && base::Crc32c(bytes) != sum) return At(offset, "unexpected checksum");
  return bytes;
}

}  // namespace

Result<std::string_view> ReadSection(std::string_view file, uint64_t offset, bool verify) {
  if (offset >= file.size()) return At(offset, "lies behind the end of the file");
  base::ByteReader in(file.substr(offset));
  const uint32_t size = in.Be32();
  return Take(in, size, offset, verify);
}

Result<std::string_view> ReadUvarintSection(std::string_view file, uint64_t offset) {
  if (offset >= file.size()) return At(offset, "lies behind the end of the file");
  base::ByteReader in(file.substr(offset));
  const uint64_t size = in.Uvarint();
  return Take(in, size, offset, true);
}

}  // namespace canopy::tsdb
