#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "canopy/base/status.h"

namespace canopy::net {

// Takes the framing off a chunked body, RFC 9112, 7.1, in whatever pieces it comes. Pure: no
// sockets.
class ChunkDecoder {
 public:
  // The next bytes of the body at the front of `in`, which is shortened by what was used. Empty
  // when `in` is used up, or done(). kInvalid: broken framing.
  Result<std::string_view> Next(std::string_view& in);
  // How many bytes of the chunk are still to come, as its size says.
  uint64_t left() const { return left_; }
  // The body has ended, and its trailer, which is passed over. What `in` still holds is not of it.
  bool done() const { return place_ == Place::kDone; }

 private:
  enum class Place : uint8_t { kSize, kData, kDataEnd, kTrailer, kDone };

  // False: the line has not come whole.
  Result<bool> TakeLine(std::string_view& in);
  Status EndLine();

  Place place_ = Place::kSize;
  uint64_t left_ = 0;
  size_t trailer_ = 0;  // bytes of it so far
  std::string line_;    // as far as it has come
};

}  // namespace canopy::net
