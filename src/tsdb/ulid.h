#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "canopy/base/time.h"

namespace canopy::tsdb {

// The name of a block: 48 bits of milliseconds since the epoch and 80 random bits, as text 26
// characters of Crockford's base 32, so that names sort by time. See github.com/ulid/spec.
class Ulid {
 public:
  static constexpr size_t kTextSize = 26;

  // All zero: no block has it.
  Ulid() = default;
  // Unique, under the time that is given (negative ones become zero).
  static Ulid New(Timestamp time);
  // Capital letters only, as directories are named. None: the text is no ULID.
  static std::optional<Ulid> Parse(std::string_view text);

  Timestamp time() const;
  std::string ToString() const;

  friend auto operator<=>(const Ulid&, const Ulid&) = default;

 private:
  std::array<uint8_t, 16> bytes_{};
};

}  // namespace canopy::tsdb
