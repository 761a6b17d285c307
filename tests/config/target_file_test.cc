#include "canopy/config/target_file.h"

#include <boost/test/unit_test.hpp>

namespace canopy::config {
namespace {

std::string Show(const Result<std::vector<StaticConfig>>& groups) {
  if (!groups.ok()) return groups.status().message();
  std::string out;
  for (const StaticConfig& group : *groups) {
    for (const std::string& target : group.targets) out += target + " ";
    out += group.labels.ToString() + "\n";
  }
  return out;
}

BOOST_AUTO_TEST_CASE(json_and_yaml_say_the_same) {
  const std::string want = "a:1 b:2 {zone=\"x\"}\nc:3 {}\n";
  BOOST_TEST(Show(ParseTargetFile("t.json", R"([
	{"targets": ["a:1", "b:2"], "labels": {"zone": "x"}},
	{"targets": ["c:3"]}
])")) == want);
  BOOST_TEST(Show(ParseTargetFile("t.yml",
                                  "- targets: [a:1, b:2]\n"
                                  "  labels: {zone: x}\n"
                                  "- targets: [c:3]\n")) == want);
  BOOST_TEST(Show(ParseTargetFile("t.yml", "")) == "");
  BOOST_TEST(Show(ParseTargetFile("t.json", "[]")) == "");
}

BOOST_AUTO_TEST_CASE(broken_files_say_what_is_wrong_and_where) {
  auto f = [](const std::string& path, const std::string& text, std::string_view want) {
    BOOST_TEST_CONTEXT(text) { BOOST_TEST(Show(ParseTargetFile(path, text)) == want); }
  };
  f("t.yml", "- targets: [a]\n  label: {}\n",
    "t.yml:2: [0].label: unknown key, did you mean labels?");
  f("t.yml", "targets: [a]", "t.yml:1: expected a list, got a map");
  f("t.yml", "- targets: a\n", "t.yml:1: [0].targets: expected a list, got a string");
  f("t.yml", "-\n- targets: []\n", "t.yml:1: [0]: nil target group item found");
  f("t.json", "", "t.json:1: unexpected end of JSON input");
  BOOST_TEST(!ParseTargetFile("t.json", "[{\"targets\": [").ok());
  BOOST_TEST(!ParseTargetFile("t.json", "[{\"targets\": [\"a\"]}").ok());
}

}  // namespace
}  // namespace canopy::config
