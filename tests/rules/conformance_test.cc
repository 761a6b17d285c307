// Prometheus's own rule files, good and bad. They are not part of this tree: the folder is named by
// CANOPY_CONFORMANCE, or lies at ../shared/conformance.
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>

#include "canopy/config/rule_file.h"
#include "canopy/rules/manager.h"

namespace canopy::rules {
namespace {

std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

// Whether anything is wrong with the file, in form or content.
bool IsRefused(const std::filesystem::path& path) {
  const auto report = config::LoadRuleText(ReadAll(path), path.filename().string(), {});
  if (!report.file) return true;
  promql::Features all;
  all.experimental_functions = true;
  const auto problems = CheckRuleFiles({*report.file}, all);
  for (const std::string& problem : problems) BOOST_TEST_MESSAGE(problem);
  return !problems.empty();
}

}  // namespace

BOOST_AUTO_TEST_CASE(rule_files_of_prometheus_are_taken_or_refused_as_their_names_say) {
  const char* named = std::getenv("CANOPY_CONFORMANCE");
  const std::filesystem::path folder =
      std::filesystem::path(named ? named : "../shared/conformance") / "rules";
  if (!std::filesystem::exists(folder)) {
    std::cout << "SKIPPED: no " << folder << "; set CANOPY_CONFORMANCE to check its files\n";
    return;
  }
  // Refused under legacy names only; not a rule file of one valid group.
  const std::set<std::string> other = {"legacy_validation_annotation.bad.yaml",
                                       "invalid_rules.yaml"};
  size_t checked = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (other.contains(name)) continue;
    ++checked;
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(IsRefused(entry.path()) == (name.find(".bad.") != std::string::npos));
    }
  }
  BOOST_TEST(checked > 20u);
}

}  // namespace canopy::rules
