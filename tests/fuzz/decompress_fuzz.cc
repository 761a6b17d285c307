#include <cstdint>
#include <string>
#include <string_view>

#include "canopy/base/check.h"
#include "canopy/net/compress.h"

// Whatever a peer sends as compressed stays within the limit, and all that we compress comes back.

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace canopy::net;
  constexpr size_t kLimit = size_t{1} << 20;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string packed;
  std::string out;
  for (const Encoding encoding :
       {Encoding::kGzip, Encoding::kDeflate, Encoding::kZstd, Encoding::kSnappy}) {
    (void)Decompress(encoding, text, kLimit, out);
    CANOPY_CHECK(out.size() <= kLimit);
    Compress(encoding, text, packed);
    CANOPY_CHECK(Decompress(encoding, packed, size, out).ok() && out == text);
  }
  return 0;
}
