#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace canopy {

// A number that names something and takes no part in arithmetic. Zero means "none".
template <class Tag>
class Id {
 public:
  constexpr Id() = default;
  constexpr explicit Id(uint64_t value) : value_(value) {}
  constexpr uint64_t value() const { return value_; }
  constexpr explicit operator bool() const { return value_ != 0; }
  friend constexpr auto operator<=>(const Id&, const Id&) = default;

 private:
  uint64_t value_ = 0;
};

// A series of the local store. Stable while the series is in the head; after the series has been
// dropped the value is not given to another series. Stores count upwards and stay below 2^44, so
// that caches may keep a ref together with a few bits of their own.
using SeriesRef = Id<struct SeriesRefTag>;

}  // namespace canopy

template <class Tag>
struct std::hash<canopy::Id<Tag>> {
  size_t operator()(canopy::Id<Tag> id) const noexcept { return std::hash<uint64_t>()(id.value()); }
};
