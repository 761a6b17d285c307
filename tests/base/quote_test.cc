#include "canopy/base/quote.h"

#include <boost/test/unit_test.hpp>

namespace canopy::base {
namespace {

using namespace std::string_literals;

BOOST_AUTO_TEST_CASE(text_is_quoted_as_go_quotes_it) {
  auto f = [](const std::string& text, std::string_view want) {
    BOOST_TEST_CONTEXT(text) { BOOST_TEST(Quoted(text) == want); }
  };
  f("", R"("")");
  f("plain text", R"("plain text")");
  f("a\"b'c\\", R"("a\"b'c\\")");
  f("\a\b\f\n\r\t\v", R"("\a\b\f\n\r\t\v")");
  f("\0\x1f\x7f"s, R"("\x00\x1f\x7f")");
  f("grün €", "\"grün €\"");
  f("\xc2\xad\xe2\x80\x8b", R"("\u00ad\u200b")");
  f("\xf0\x9f\x8c\xb3", "\"\xf0\x9f\x8c\xb3\"");
  f("\xff\xc3(", R"("\xff\xc3(")");
}

BOOST_AUTO_TEST_CASE(one_rune_is_quoted_as_go_quotes_it) {
  BOOST_TEST(QuotedRune('x') == "'x'");
  BOOST_TEST(QuotedRune('\'') == R"('\'')");
  BOOST_TEST(QuotedRune('"') == R"('"')");
  BOOST_TEST(QuotedRune('\n') == R"('\n')");
  BOOST_TEST(QuotedRune(0xfc) == "'ü'");
}

BOOST_AUTO_TEST_CASE(text_is_quoted_as_json) {
  auto f = [](const std::string& text, std::string_view want) {
    std::string out;
    AppendJsonQuoted(out, text);
    BOOST_TEST_CONTEXT(text) { BOOST_TEST(out == want); }
  };
  f("", R"("")");
  f("a\"b'c\\/", R"("a\"b'c\\/")");
  f("\a\b\n\t"s, R"("\u0007\b\n\t")");
  f("grün\xff!", "\"grün\\ufffd!\"");
}

BOOST_AUTO_TEST_CASE(runes_survive_the_way_there_and_back) {
  for (uint32_t code = 1; code < 0x110000; code += code < 0x1000 ? 1 : 97) {
    if (code >= 0xd800 && code < 0xe000) continue;
    std::string text;
    AppendRune(text, code);
    const Rune rune = FirstRune(text);
    BOOST_REQUIRE_EQUAL(rune.length, text.size());
    BOOST_REQUIRE_EQUAL(rune.code, code);
  }
}

}  // namespace
}  // namespace canopy::base
