#include "canopy/base/hash.h"

#include <boost/test/unit_test.hpp>

#include "canopy/base/crc32c.h"

namespace canopy::base {
namespace {

// RFC 3720, B.4, and the check value of the CRC catalogue.
BOOST_AUTO_TEST_CASE(crc32c_of_known_bytes) {
  BOOST_TEST(Crc32c("") == 0u);
  BOOST_TEST(Crc32c("123456789") == 0xe3069283u);
  BOOST_TEST(Crc32c(std::string(32, '\0')) == 0x8a9136aau);
  BOOST_TEST(Crc32c(std::string(32, '\xff')) == 0x62a8ab43u);
  std::string up;
  for (int i = 0; i < 32; ++i) up.push_back(static_cast<char>(i));
  BOOST_TEST(Crc32c(up) == 0x46dd794eu);
}

BOOST_AUTO_TEST_CASE(crc32c_goes_on_from_where_it_was) {
  const std::string text = "The quick brown fox jumps over the lazy dog";
  for (size_t cut = 0; cut <= text.size(); ++cut)
    BOOST_TEST(Crc32c(text.substr(cut), Crc32c(text.substr(0, cut))) == Crc32c(text));
}

BOOST_AUTO_TEST_CASE(hashes_of_known_bytes) {
  BOOST_TEST(XxHash64("") == 0xef46db3751d8e999u);
  BOOST_TEST(XxHash64("a") == 0xd24ec4f1a98c6e5bu);
  BOOST_TEST(XxHash64("abc") == 0x44bc2cf5ad770999u);
  // md5("") = d41d8cd98f00b204 e9800998ecf8427e
  BOOST_TEST(Md5Low64("") == 0xe9800998ecf8427eu);
  // md5("abc") = 900150983cd24fb0 d6963f7d28e17f72
  BOOST_TEST(Md5Low64("abc") == 0xd6963f7d28e17f72u);
  BOOST_TEST(Sha256Hex("abc") ==
             "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  BOOST_TEST(SeededHash("a") == SeededHash("a"));
  BOOST_TEST(SeededHash("a") != SeededHash("b"));
}

}  // namespace
}  // namespace canopy::base
