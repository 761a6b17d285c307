#include "tsdb/index_symbols.h"

#include <algorithm>
#include <string>

#include "canopy/base/bytes.h"
#include "canopy/base/check.h"
#include "tsdb/index_section.h"

namespace canopy::tsdb {
namespace {

constexpr uint32_t kSampling = 32;

}  // namespace

Result<IndexSymbols> IndexSymbols::Open(std::string_view file, uint64_t offset) {
  auto section = ReadSection(file, offset);
  if (!section.ok()) return section.status().In("symbols");
  IndexSymbols out;
  base::ByteReader in(*section);
  out.size_ = in.Be32();
  out.strings_ = in.rest();
  // A string takes a byte at least.
  if (out.size_ > out.strings_.size())
    return Status::Corrupt("symbols: more than there is room for");
  out.offsets_.reserve(out.size_ / kSampling + 1);
  std::string_view before;
  for (uint32_t i = 0; i < out.size_; ++i) {
    if (i % kSampling == 0)
      out.offsets_.push_back(static_cast<uint32_t>(out.strings_.size() - in.remaining()));
    const std::string_view text = in.String();
    if (!in.ok()) return Status::Corrupt("symbols: table ends too early");
    if (i > 0 && text <= before)
      return Status::Corrupt("symbols: number " + std::to_string(i) + " is out of order");
    if (text.empty()) out.has_empty_ = true;
    before = text;
  }
  return out;
}

std::string_view IndexSymbols::Lookup(model::Symbol symbol) const {
  CANOPY_CHECK(symbol < size_);
  base::ByteReader in(strings_.substr(offsets_[symbol / kSampling]));
  for (uint32_t skip = symbol % kSampling; skip > 0; --skip) in.String();
  return in.String();
}

std::optional<model::Symbol> IndexSymbols::Find(std::string_view text) const {
  const auto first_of = [&](uint32_t offset) {
    return base::ByteReader(strings_.substr(offset)).String();
  };
  const auto group = std::ranges::upper_bound(offsets_, text, {}, first_of);
  if (group == offsets_.begin()) return std::nullopt;
  auto symbol = static_cast<uint32_t>(group - 1 - offsets_.begin()) * kSampling;
  base::ByteReader in(strings_.substr(*(group - 1)));
  for (const uint32_t end = std::min(size_, symbol + kSampling); symbol < end; ++symbol) {
    const std::string_view candidate = in.String();
    if (candidate == text) return symbol;
    if (candidate > text) break;
  }
  return std::nullopt;
}

}  // namespace canopy::tsdb
