#include "tsdb/ulid.h"

#include <sys/random.h>

#include <algorithm>

#include "canopy/base/check.h"

namespace canopy::tsdb {
namespace {

// Without I, L, O and U.
constexpr std::string_view kDigits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr size_t kTimeBytes = 6;

}  // namespace

Ulid Ulid::New(Timestamp time) {
  Ulid out;
  // Never short for so few bytes, once the system's source is ready.
  CANOPY_CHECK(::getrandom(out.bytes_.data(), out.bytes_.size(), 0) ==
               static_cast<ssize_t>(out.bytes_.size()));
  const auto ms = static_cast<uint64_t>(std::max<int64_t>(time.ms(), 0));
  for (size_t i = 0; i < kTimeBytes; ++i)
    out.bytes_[i] = static_cast<uint8_t>(ms >> (8 * (kTimeBytes - 1 - i)));
  return out;
}

Timestamp Ulid::time() const {
  uint64_t ms = 0;
  for (size_t i = 0; i < kTimeBytes; ++i) ms = ms << 8 | bytes_[i];
  return Timestamp::FromMs(static_cast<int64_t>(ms));
}

// 130 bits of text for 128 of number: the first digit holds three.
std::string Ulid::ToString() const {
  std::string out(kTextSize, '0');
  uint32_t bits = 0;
  unsigned held = 0;
  auto byte = bytes_.rbegin();
  for (size_t i = kTextSize; i-- > 0;) {
    if (held < 5 && byte != bytes_.rend()) {
      bits |= static_cast<uint32_t>(*byte++) << held;
      held += 8;
    }
    out[i] = kDigits[bits & 31];
    bits >>= 5;
    held = held < 5 ? 0 : held - 5;
  }
  return out;
}

std::optional<Ulid> Ulid::Parse(std::string_view text) {
  if (text.size() != kTextSize || text[0] > '7') return std::nullopt;
  Ulid out;
  uint32_t bits = 0;
  unsigned held = 0;
  size_t byte = out.bytes_.size();
  for (size_t i = kTextSize; i-- > 0;) {
    const size_t digit = kDigits.find(text[i]);
    if (digit == std::string_view::npos) return std::nullopt;
    bits |= static_cast<uint32_t>(digit) << held;
    held += 5;
    if (held >= 8) {
      out.bytes_[--byte] = static_cast<uint8_t>(bits);
      bits >>= 8;
      held -= 8;
    }
  }
  return out;
}

}  // namespace canopy::tsdb
