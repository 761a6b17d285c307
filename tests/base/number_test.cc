#include "canopy/base/number.h"

#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>

namespace canopy::base {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::string Plain(double v) {
  std::string out;
  AppendFloatPlain(out, v);
  return out;
}
std::string Shortest(double v) {
  std::string out;
  AppendFloatShortest(out, v);
  return out;
}
std::string Api(double v) {
  std::string out;
  AppendFloatApi(out, v);
  return out;
}

// The texts are what Go 1.2x prints: strconv.FormatFloat(v, 'f' and 'g', -1, 64), and Prometheus's
// API for the last column.
BOOST_AUTO_TEST_CASE(floats_read_as_go_writes_them) {
  auto f = [](double v, std::string_view plain, std::string_view shortest, std::string_view api) {
    BOOST_TEST_CONTEXT(shortest) {
      BOOST_TEST(Plain(v) == plain);
      BOOST_TEST(Shortest(v) == shortest);
      BOOST_TEST(Api(v) == api);
    }
  };
  f(0, "0", "0", "0");
  f(-0.0, "-0", "-0", "-0");
  f(1, "1", "1", "1");
  f(-1, "-1", "-1", "-1");
  f(0.1, "0.1", "0.1", "0.1");
  f(0.30000000000000004, "0.30000000000000004", "0.30000000000000004", "0.30000000000000004");
  f(200000, "200000", "200000", "200000");
  f(999999, "999999", "999999", "999999");
  f(1e6, "1000000", "1e+06", "1000000");
  f(2000000, "2000000", "2e+06", "2000000");
  f(123456.7, "123456.7", "123456.7", "123456.7");
  f(1234567.8, "1234567.8", "1.2345678e+06", "1234567.8");
  f(123456700, "123456700", "1.234567e+08", "123456700");
  f(1726839813.016397, "1726839813.016397", "1.726839813016397e+09", "1726839813.016397");
  f(0.0001, "0.0001", "0.0001", "0.0001");
  f(0.00012345, "0.00012345", "0.00012345", "0.00012345");
  f(0.00001, "0.00001", "1e-05", "0.00001");
  f(1e-6, "0.000001", "1e-06", "0.000001");
  f(1e-7, "0.0000001", "1e-07", "1e-07");
  f(-2.5e-9, "-0.0000000025", "-2.5e-09", "-2.5e-09");
  f(9007199254740991, "9007199254740991", "9.007199254740991e+15", "9007199254740991");
  f(9007199254740992, "9007199254740992", "9.007199254740992e+15", "9007199254740992");
  f(1e20, "100000000000000000000", "1e+20", "100000000000000000000");
  f(1e21, "1000000000000000000000", "1e+21", "1e+21");
  // Of 2^63 = 9223372036854775808 the shortest digits are sixteen; zeros fill up.
  f(0x1p63, "9223372036854776000", "9.223372036854776e+18", "9223372036854776000");
  f(0x1p64, "18446744073709552000", "1.8446744073709552e+19", "18446744073709552000");
  f(1e23, "100000000000000000000000", "1e+23", "1e+23");
  f(1.5e300, "15" + std::string(299, '0'), "1.5e+300", "1.5e+300");
  f(1e100, "1" + std::string(100, '0'), "1e+100", "1e+100");
  f(5e-324, "0." + std::string(323, '0') + "5", "5e-324", "5e-324");
  f(1.7976931348623157e308, "17976931348623157" + std::string(292, '0'), "1.7976931348623157e+308",
    "1.7976931348623157e+308");
  f(kInf, "+Inf", "+Inf", "+Inf");
  f(-kInf, "-Inf", "-Inf", "-Inf");
  f(kNan, "NaN", "NaN", "NaN");
  f(-kNan, "NaN", "NaN", "NaN");
}

BOOST_AUTO_TEST_CASE(every_float_reads_back_exactly) {
  const auto seed = std::random_device{}();
  std::mt19937_64 random(seed);
  BOOST_TEST_CONTEXT("seed " << seed) {
    for (int i = 0; i < 200'000; ++i) {
      double v = std::bit_cast<double>(random());
      if (i % 3 == 1) v = static_cast<double>(static_cast<int64_t>(random()) >> (random() % 64));
      if (i % 3 == 2) v = std::round(std::ldexp(static_cast<double>(random()), -40)) / 1000;
      for (const std::string& text : {Plain(v), Shortest(v), Api(v)}) {
        const auto back = ParseFloat(text);
        BOOST_REQUIRE_MESSAGE(back.has_value(), text);
        if (std::isnan(v))
          BOOST_REQUIRE(std::isnan(*back));
        else
          BOOST_REQUIRE_MESSAGE(std::bit_cast<uint64_t>(*back) == std::bit_cast<uint64_t>(v), text);
      }
      BOOST_REQUIRE(Plain(v).find('e') == std::string::npos);
    }
  }
}

BOOST_AUTO_TEST_CASE(shortest_digits_are_the_c_librarys_shortest) {
  // An oracle without our code: the fewest digits with which printf's text reads back.
  const auto seed = std::random_device{}();
  std::mt19937_64 random(seed);
  BOOST_TEST_CONTEXT("seed " << seed) {
    for (int i = 0; i < 20'000; ++i) {
      const double v = std::bit_cast<double>(random());
      if (!std::isfinite(v)) continue;
      char text[64];
      int digits = 0;
      do {
        std::snprintf(text, sizeof text, "%.*e", digits++, v);
      } while (std::strtod(text, nullptr) != v);
      const std::string ours = Shortest(v);
      BOOST_REQUIRE_MESSAGE(ours.size() <= std::string_view(text).size(), ours << " " << text);
    }
  }
}

BOOST_AUTO_TEST_CASE(floats_are_read_as_go_reads_them) {
  auto f = [](std::string_view text, double want) {
    BOOST_TEST_CONTEXT(text) {
      const auto v = ParseFloat(text);
      BOOST_REQUIRE(v.has_value());
      if (std::isnan(want))
        BOOST_TEST(std::isnan(*v));
      else
        BOOST_TEST(std::bit_cast<uint64_t>(*v) == std::bit_cast<uint64_t>(want));
    }
  };
  f("0", 0);
  f("-0", -0.0);
  f("+1.5", 1.5);
  f(".5", 0.5);
  f("5.", 5);
  f("1e5", 1e5);
  f("1E+5", 1e5);
  f("1e-400", 0);
  f("00012", 12);
  f("123456789012345678901234567890", 123456789012345678901234567890.0);
  f("0x1p-2", 0.25);
  f("0X1.8P1", 3);
  f("-0x.8p0", -0.5);
  f("0x1p-2000", 0);
  f("inf", kInf);
  f("-Inf", -kInf);
  f("+INFINITY", kInf);
  f("nan", kNan);
  f("NaN", kNan);
  f("+nan", kNan);

  auto refused = [](std::string_view text) {
    BOOST_TEST_CONTEXT(text) { BOOST_TEST(!ParseFloat(text).has_value()); }
  };
  for (const char* text :
       {"",         " 1",   "1 ",     "1_000", "1e",    "1e+",    "e5",   ".",
        "-",        "+",    "--1",    "+-1",   "-+1",   "0x",     "0x1",  "0x1.8",
        "0xp1",     "0x1p", "0x-1p1", "1.2.3", "infin", "nan()",  "nano", "1e400",
        "0x1p5000", "1f",   "1,5",    "٣",     "0x1p+", "-0x-1p1"})
    refused(text);
  refused(std::string_view("1\0", 2));
}

BOOST_AUTO_TEST_CASE(integers) {
  BOOST_TEST(*ParseInt("-9223372036854775808") == std::numeric_limits<int64_t>::min());
  BOOST_TEST(*ParseInt("+7") == 7);
  BOOST_TEST(*ParseUint("18446744073709551615") == std::numeric_limits<uint64_t>::max());
  for (const char* text : {"", "-", "+", "+-1", "1.0", " 1", "1x", "9223372036854775808", "0x1"})
    BOOST_TEST(!ParseInt(text).has_value(), text);
  for (const char* text : {"", "-1", "+1", "18446744073709551616", "1 "})
    BOOST_TEST(!ParseUint(text).has_value(), text);
  std::string out = "x";
  AppendInt(out, std::numeric_limits<int64_t>::min());
  AppendUint(out, 42);
  BOOST_TEST(out == "x-922337203685477580842");
}

}  // namespace
}  // namespace canopy::base
