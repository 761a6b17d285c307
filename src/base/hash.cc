#include "canopy/base/hash.h"

#include <openssl/evp.h>
#include <sys/random.h>

#include "canopy/base/bytes.h"
#include "canopy/base/check.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace canopy::base {
namespace {

uint64_t DrawSeed() {
  uint64_t seed = 0;
  CANOPY_CHECK(getrandom(&seed, sizeof seed, 0) == static_cast<ssize_t>(sizeof seed));
  return seed;
}

}  // namespace

uint64_t XxHash64(std::string_view bytes) { return XXH64(bytes.data(), bytes.size(), 0); }

uint64_t SeededHash(std::string_view bytes) {
  static const uint64_t seed = DrawSeed();
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

uint64_t Md5Low64(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  CANOPY_CHECK(EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_md5(), nullptr) == 1);
  CANOPY_CHECK(size == 16);
  return ByteReader({reinterpret_cast<const char*>(digest) + 8, 8}).Be64();
}

std::string Sha256Hex(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  CANOPY_CHECK(EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr) == 1);
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (unsigned i = 0; i < size; ++i) {
    out.push_back(kHex[digest[i] >> 4]);
    out.push_back(kHex[digest[i] & 0xf]);
  }
  return out;
}

}  // namespace canopy::base
