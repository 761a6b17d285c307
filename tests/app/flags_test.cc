#include "canopy/app/flags.h"

#include <boost/test/unit_test.hpp>
#include <set>

namespace canopy::app {
namespace {

using enum FlagKind;
using enum FlagRole;

constexpr FlagSpec kSpecs[] = {
    {"switch", kBool, "false", kActive, false, "A switch."},
    {"on", kBool, "true", kActive, false, ""},
    {"text", kText, "default", kActive, false, ""},
    {"int", kInt, "7", kActive, false, ""},
    {"wait", kDuration, "5m", kActive, false, ""},
    {"size", kSize, "", kActive, false, ""},
    {"list", kList, "a", kActive, false, ""},
    {"tuned", kInt, "1", kNoMeaning, false, ""},
    {"later", kText, "", kNotSupported, false, ""},
};

std::string Refusal(std::vector<std::string> args) {
  FlagSet flags(kSpecs);
  return flags.Parse(args).message();
}

BOOST_AUTO_TEST_CASE(flags_in_all_forms) {
  FlagSet flags(kSpecs);
  BOOST_TEST(
      flags
          .Parse(std::vector<std::string>{"--switch", "--no-on", "--text", "--x", "--int=-3",
                                          "--wait=1h30m", "--size=1KB", "--list=x", "--list", "y"})
          .ok());
  BOOST_TEST(flags.Bool("switch"));
  BOOST_TEST(!flags.Bool("on"));
  BOOST_TEST(flags.Text("text") == "--x");
  BOOST_TEST(flags.Int("int") == -3);
  BOOST_TEST(flags.Time("wait").count() == 5'400'000);
  BOOST_TEST(flags.Size("size") == 1024);
  BOOST_TEST((flags.List("list") == std::vector<std::string>{"x", "y"}));
  BOOST_TEST(flags.All().at("list") == "x,y");
}

BOOST_AUTO_TEST_CASE(flags_that_are_not_given_have_their_defaults) {
  FlagSet flags(kSpecs);
  BOOST_TEST(flags.Parse({}).ok());
  BOOST_TEST(flags.Text("text") == "default");
  BOOST_TEST((flags.List("list") == std::vector<std::string>{"a"}));
  BOOST_TEST(!flags.given("list"));
}

BOOST_AUTO_TEST_CASE(flags_that_cannot_be_understood) {
  BOOST_TEST(Refusal({"--nosuch=1"}) == "unknown long flag '--nosuch'");
  BOOST_TEST(Refusal({"--no-text"}) == "unknown long flag '--no-text'");
  BOOST_TEST(Refusal({"--text"}) == "expected argument for flag '--text'");
  BOOST_TEST(Refusal({"--int=x"}) == "--int: expected a whole number, got \"x\"");
  BOOST_TEST(Refusal({"--text=a", "--text=b"}) == "flag 'text' cannot be repeated");
  BOOST_TEST(Refusal({"word"}) == "unexpected argument \"word\"");
  BOOST_TEST(Refusal({"--later=x"}) == "--later: not supported yet");
}

BOOST_AUTO_TEST_CASE(words_between_flags) {
  FlagSet flags(kSpecs);
  std::vector<std::string> rest;
  BOOST_TEST(
      flags.Parse(std::vector<std::string>{"a", "--int=2", "b", "--", "--text=c"}, &rest).ok());
  BOOST_TEST((rest == std::vector<std::string>{"a", "b", "--text=c"}));
  BOOST_TEST(flags.Int("int") == 2);
  BOOST_TEST(!flags.given("text"));
}

BOOST_AUTO_TEST_CASE(flags_without_meaning_are_told) {
  FlagSet flags(kSpecs);
  BOOST_TEST(flags.Parse(std::vector<std::string>{"--tuned=5"}).ok());
  BOOST_TEST((flags.WithoutMeaning() == std::vector<std::string>{"tuned"}));
}

BOOST_AUTO_TEST_CASE(every_server_flag_has_a_default_that_fits_and_a_help) {
  std::set<std::string_view> names;
  for (const FlagSpec& spec : ServerFlags()) {
    BOOST_TEST(names.insert(spec.name).second, spec.name);
    if (spec.role == kActive && !spec.hidden) BOOST_TEST(!spec.help.empty(), spec.name);
    if (spec.role == kNotSupported || spec.kind == kList || spec.default_text.empty()) continue;
    FlagSet flags(ServerFlags());
    const std::string arg = "--" + std::string(spec.name) + "=" + std::string(spec.default_text);
    BOOST_TEST(flags.Parse(std::vector<std::string>{arg}).ok(), arg);
  }
}

}  // namespace
}  // namespace canopy::app
