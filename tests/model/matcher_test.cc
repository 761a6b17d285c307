#include "canopy/model/matcher.h"

#include <boost/test/unit_test.hpp>

namespace canopy::model {
namespace {

Matcher Make(MatchType type, std::string name, std::string value) {
  return Matcher::Create(type, std::move(name), std::move(value)).value();
}

std::string Joined(std::span<const std::string> texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ",") + text;
  return out;
}

BOOST_AUTO_TEST_CASE(matchers_match_the_whole_value) {
  auto f = [](MatchType type, std::string pattern, std::string_view value, bool want) {
    BOOST_TEST_CONTEXT(MatchTypeText(type) << pattern << " on " << value) {
      BOOST_TEST(Make(type, "l", pattern).Matches(value) == want);
    }
  };
  f(MatchType::kEqual, "a", "a", true);
  f(MatchType::kEqual, "a", "ab", false);
  f(MatchType::kEqual, "", "", true);
  f(MatchType::kNotEqual, "a", "a", false);
  f(MatchType::kNotEqual, "a", "", true);
  f(MatchType::kRegex, "a", "ab", false);
  f(MatchType::kRegex, "a|b", "b", true);
  f(MatchType::kRegex, "a|b", "ab", false);
  f(MatchType::kRegex, "a.*", "a\nb", true);
  f(MatchType::kRegex, ".+", "", false);
  f(MatchType::kRegex, ".*", "", true);
  f(MatchType::kRegex, "(?i)straße", "STRAßE", true);
  f(MatchType::kRegex, "[^/]+/[0-9]{2}", "x/42", true);
  f(MatchType::kRegex, "[^/]+/[0-9]{2}", "x/421", false);
  f(MatchType::kRegex, "a.c", "a€c", true);
  f(MatchType::kNotRegex, "a|b", "b", false);
  f(MatchType::kNotRegex, "a|b", "c", true);
}

BOOST_AUTO_TEST_CASE(an_absent_label_is_an_empty_value) {
  auto f = [](MatchType type, std::string pattern, bool want) {
    BOOST_TEST_CONTEXT(MatchTypeText(type) << pattern) {
      BOOST_TEST(Make(type, "l", pattern).MatchesEmpty() == want);
      const Matchers one = {Make(type, "l", pattern)};
      BOOST_TEST(MatchesAll(one, Labels{{"other", "x"}}) == want);
    }
  };
  f(MatchType::kEqual, "", true);
  f(MatchType::kEqual, "a", false);
  f(MatchType::kNotEqual, "", false);
  f(MatchType::kNotEqual, "a", true);
  f(MatchType::kRegex, ".*", true);
  f(MatchType::kRegex, "a?", true);
  f(MatchType::kRegex, "a|", true);
  f(MatchType::kRegex, ".+", false);
  f(MatchType::kNotRegex, ".+", true);
}

BOOST_AUTO_TEST_CASE(all_matchers_must_match) {
  const Labels labels{{"__name__", "up"}, {"job", "a"}};
  auto f = [&](std::vector<Matcher> matchers, bool want) {
    BOOST_TEST(MatchesAll(matchers, labels) == want);
  };
  f({}, true);
  f({Make(MatchType::kEqual, "job", "a")}, true);
  f({Make(MatchType::kEqual, "job", "a"), Make(MatchType::kEqual, "__name__", "down")}, false);
}

BOOST_AUTO_TEST_CASE(indexes_see_the_literals_and_the_prefix) {
  auto f = [](std::string pattern, std::string_view literals, std::string_view prefix) {
    const Matcher matcher = Make(MatchType::kRegex, "l", pattern);
    BOOST_TEST_CONTEXT(pattern) {
      BOOST_TEST(Joined(matcher.set_matches()) == literals);
      BOOST_TEST(matcher.prefix() == prefix);
    }
  };
  f("b|a|b", "a,b", "");
  f("fo(o|x)", "foo,fox", "fo");
  f("5..", "", "5");
  f("api.*", "", "api");
  f("(?i)a|b", "", "");
  f(".*", "", "");
  BOOST_TEST(Matcher::Literal(MatchType::kEqual, "l", "v").set_matches().empty());
  BOOST_TEST(Matcher::Literal(MatchType::kEqual, "l", "v").prefix() == "");
}

BOOST_AUTO_TEST_CASE(matchers_print_as_selectors_are_written) {
  auto f = [](MatchType type, std::string name, std::string value, std::string_view want) {
    BOOST_TEST(Make(type, std::move(name), std::move(value)).ToString() == want);
  };
  f(MatchType::kEqual, "job", "a", R"(job="a")");
  f(MatchType::kNotEqual, "job", "a\"b", R"(job!="a\"b")");
  f(MatchType::kRegex, "a.b", "x|y", R"("a.b"=~"x|y")");
  f(MatchType::kNotRegex, "_x", "\\d", R"(_x!~"\\d")");
}

BOOST_AUTO_TEST_CASE(a_regex_that_does_not_compile_says_why) {
  auto f = [](std::string pattern, std::string_view want) {
    const auto matcher = Matcher::Create(MatchType::kRegex, "l", pattern);
    BOOST_TEST_CONTEXT(pattern) {
      BOOST_REQUIRE(!matcher.ok());
      BOOST_CHECK(matcher.status().code() == Code::kInvalid);
      BOOST_TEST(matcher.status().message() == want);
    }
  };
  f("(a", "error parsing regexp: missing closing ): `(a`");
  f("a)|(b", "error parsing regexp: unexpected ): `a)|(b`");
  f("[a", "error parsing regexp: missing closing ]: `[a`");
  f("a**", "error parsing regexp: invalid nested repetition operator: `**`");
  f("*a", "error parsing regexp: missing argument to repetition operator: `*`");
  f("[z-a]", "error parsing regexp: invalid character class range: `z-a`");
  f("\\", "error parsing regexp: trailing backslash at end of expression: ``");
  f("(?=a)", "error parsing regexp: invalid or unsupported Perl syntax: `(?=`");
}

}  // namespace
}  // namespace canopy::model
