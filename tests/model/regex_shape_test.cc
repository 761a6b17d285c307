#include "model/regex_shape.h"

#include <re2/re2.h>

#include <boost/test/unit_test.hpp>
#include <random>
#include <sstream>

#include "canopy/base/status.h"
#include "canopy/model/regex.h"

namespace canopy::model {
namespace {

// "foo", "foo<*>bar<+>": the globs, separated by spaces, and what is known of the beginning.
std::string Show(std::string_view regex) {
  const RegexShape shape = ShapeOf(regex);
  std::ostringstream out;
  if (!shape.globs) {
    out << "?";
  } else {
    for (const Glob& glob : *shape.globs) {
      if (out.tellp() > 0) out << " ";
      out << "'" << glob.literals[0];
      for (size_t i = 0; i < glob.gaps.size(); ++i) {
        out << (glob.gaps[i].needs_char ? "<+>" : "<*>") << glob.literals[i + 1];
      }
      out << "'";
    }
  }
  if (!shape.prefix.empty()) out << " prefix " << shape.prefix;
  return out.str();
}

BOOST_AUTO_TEST_CASE(simple_regexes_are_seen_through) {
  auto f = [](std::string_view regex, std::string_view want) {
    BOOST_TEST_CONTEXT(regex) { BOOST_TEST(Show(regex) == want); }
  };
  f("", "''");
  f("foo", "'foo' prefix foo");
  f("a|b|c", "'a' 'b' 'c'");
  f("fo(o|x)", "'foo' 'fox' prefix fo");
  f("(?:a|b)(c|d)", "'ac' 'ad' 'bc' 'bd'");
  f("api-v[12]", "'api-v1' 'api-v2' prefix api-v");
  f("x\\d", "'x0' 'x1' 'x2' 'x3' 'x4' 'x5' 'x6' 'x7' 'x8' 'x9' prefix x");
  f("colou?r", "'colour' 'color' prefix colo");
  f("ab?", "'ab' 'a' prefix a");
  f("10\\.0\\.0\\.1:90", "'10.0.0.1:90' prefix 10.0.0.1:90");
  f("^foo$", "'foo' prefix foo");
  f("^a$|^b$", "'a' 'b'");
  f(".*", "'<*>'");
  f(".+", "'<+>'");
  f(".*.+", "'<+>'");
  f("foo.*", "'foo<*>' prefix foo");
  f(".*bar", "'<*>bar'");
  f(".+bar.*", "'<+>bar<*>'");
  f("a.*b.+c", "'a<*>b<+>c' prefix a");
  f("(foo|fig).*", "'foo<*>' 'fig<*>' prefix f");
  f("foo|bar.*", "'foo' 'bar<*>'");
  f("(a|)", "'a' ''");
  f("grün|grau", "'grün' 'grau' prefix gr");
  f("[äö]x", "'äx' 'öx'");
  f("a.*?", "'a<*>' prefix a");
}

BOOST_AUTO_TEST_CASE(of_others_the_beginning_is_known_or_nothing) {
  auto f = [](std::string_view regex, std::string_view want) {
    BOOST_TEST_CONTEXT(regex) { BOOST_TEST(Show(regex) == want); }
  };
  f("foo[^/]+", "? prefix foo");
  f("foo.bar", "? prefix foo");
  f("(ab)+c", "? prefix ab");
  f("(ab)*c", "?");
  f("foo\\w+", "? prefix foo");
  f("node-(a.c|abd)", "? prefix node-a");
  f(".+.+", "?");
  // Left to RE2, valid or not.
  f("(?i)foo", "?");
  f("a{2}", "?");
  f("foo)", "?");
  f("(foo", "?");
  f("a**", "?");
  f("*a", "?");
  f("[z-a]", "?");
  f("a\\", "?");
  f("\\pL", "?");
  f("a^b", "?");
  f("a$b", "?");
  f("\xff", "?");
}

BOOST_AUTO_TEST_CASE(products_are_bounded_but_lists_are_not) {
  BOOST_TEST(ShapeOf("[a-p][a-p]").globs->size() == 256u);
  BOOST_TEST(!ShapeOf("[a-p][a-q]").globs);
  std::string list = "value-0";
  for (int i = 1; i < 5000; ++i) list += "|value-" + std::to_string(i);
  BOOST_TEST(ShapeOf(list).globs->size() == 5000u);
  BOOST_TEST(ShapeOf("(" + list + ")-x").globs->size() == 5000u);
  BOOST_TEST(ShapeOf(list).prefix == "value-");
  // Nothing that is typed takes long: text, nesting, products one after the other.
  BOOST_TEST(ShapeOf(std::string(1000000, 'a')).globs->size() == 1u);
  BOOST_TEST(!ShapeOf(std::string(100000, '(') + std::string(100000, ')')).globs);
  std::string steps = "(" + list + ")";
  for (int i = 0; i < 10000; ++i) steps += "\\.";
  BOOST_TEST(!ShapeOf(steps).globs);
}

class RandomRegex {
 public:
  explicit RandomRegex(unsigned seed) : rng_(seed) {}

  std::string Regex(int depth) {
    std::string out;
    const size_t branches = 1 + Below(depth > 0 ? 3 : 1);
    for (size_t b = 0; b < branches; ++b) {
      if (b > 0) out += "|";
      const size_t atoms = Below(4);
      for (size_t i = 0; i < atoms; ++i) out += Atom(depth) + Pick(kQuantifiers);
    }
    return out;
  }

  std::string Text() {
    std::string out;
    const size_t n = Below(7);
    for (size_t i = 0; i < n; ++i) out += Pick({"a", "b", "ab", ".", "\n", "ü", "0", "-"});
    return out;
  }

  // Any bytes that mean something, in any order: mostly invalid.
  std::string Noise() {
    std::string out;
    const size_t n = Below(8);
    for (size_t i = 0; i < n; ++i) {
      out += Pick({"a",    "b",   "(",  ")", "[",    "]",     "|",   "*",  "+", "?",
                   "\\",   ".",   "^",  "$", "{",    "}",     "-",   "2",  ",", "(?:",
                   "(?i)", "\\d", "[^", "ü", "\xc3", "[a-b]", "\\.", "\\b"});
    }
    return out;
  }

 private:
  static inline const std::vector<std::string> kQuantifiers = {"",  "",  "",   "",   "",     "*",
                                                               "+", "?", "*?", "+?", "{1,2}"};
  size_t Below(size_t n) { return rng_() % n; }
  std::string Pick(const std::vector<std::string>& from) { return from[Below(from.size())]; }
  std::string Atom(int depth) {
    if (depth > 0 && Below(4) == 0) return Pick({"(", "(?:"}) + Regex(depth - 1) + ")";
    return Pick({"a",    "b",   "ab",  ".", ".*",  ".+",     "\\.", "\\n", "ü",    "[ab]", "[a-c0]",
                 "[^a]", "\\d", "\\w", "-", "\\-", "[a\\-]", "]",   "}",   ".*.*", "^",    "$"});
  }

  std::mt19937 rng_;
};

// RE2 without any shortcut.
struct Oracle {
  explicit Oracle(const std::string& regex) : re2(regex, Options()) {}
  static RE2::Options Options() {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_dot_nl(true);
    return options;
  }
  bool Matches(const std::string& text) const { return RE2::FullMatch(text, re2); }
  RE2 re2;
};

void CheckAgainstRe2(const std::string& regex, RandomRegex& random) {
  const Oracle oracle(regex);
  const auto compiled = AnchoredRegex::Compile(regex);
  BOOST_REQUIRE_EQUAL(compiled.ok(), oracle.re2.ok());
  if (!compiled.ok()) return;
  const AnchoredRegex& ours = **compiled;
  for (int i = 0; i < 30; ++i) {
    const std::string text = random.Text();
    const bool want = oracle.Matches(text);
    BOOST_TEST_CONTEXT("text '" << text << "'") {
      BOOST_REQUIRE_EQUAL(ours.Matches(text), want);
      if (want) BOOST_REQUIRE(text.starts_with(ours.prefix()));
    }
  }
  for (const std::string& literal : ours.literals()) BOOST_REQUIRE(oracle.Matches(literal));
}

BOOST_AUTO_TEST_CASE(shortcuts_answer_as_re2_does) {
  const unsigned seed = std::random_device{}();
  BOOST_TEST_MESSAGE("seed " << seed);
  RandomRegex random(seed);
  for (int i = 0; i < 4000; ++i) {
    const std::string regex = i % 4 == 0 ? random.Noise() : random.Regex(2);
    BOOST_TEST_CONTEXT("seed " << seed << " regex '" << regex << "'") {
      CheckAgainstRe2(regex, random);
    }
  }
}

}  // namespace
}  // namespace canopy::model
