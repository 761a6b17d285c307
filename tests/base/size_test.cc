#include "canopy/base/size.h"

#include <boost/test/unit_test.hpp>

namespace canopy::base {

BOOST_AUTO_TEST_CASE(sizes_are_read_in_powers_of_1024) {
  const auto f = [](std::string_view text, uint64_t want) {
    const Result<uint64_t> got = ParseSize(text);
    BOOST_TEST_REQUIRE(got.ok(), text);
    BOOST_TEST(*got == want, text);
  };
  f("0", 0);
  f("512", 512);
  f("100B", 100);
  f("1KB", 1024);
  f("1KiB", 1024);
  f("512MB", 512ull << 20);
  f("1.5GB", 3ull << 29);
  f("2EB", 2ull << 60);
}

BOOST_AUTO_TEST_CASE(what_is_no_size_is_refused) {
  for (const std::string_view text :
       {"", "MB", "1mb", "-1MB", "1XB", "1KiBB", "1K", "9EB", "1 MB"}) {
    BOOST_TEST(!ParseSize(text).ok(), text);
  }
}

BOOST_AUTO_TEST_CASE(sizes_are_written_in_the_largest_unit_that_divides) {
  const auto f = [](uint64_t bytes, std::string_view want) {
    BOOST_TEST(FormatSize(bytes) == want);
  };
  f(0, "0B");
  f(1023, "1023B");
  f(1024, "1KiB");
  f(512ull << 20, "512MiB");
  f(3ull << 29, "1536MiB");
}

}  // namespace canopy::base
