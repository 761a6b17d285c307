// Our own test scripts: tests/promql/scripts/*.test.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "canopy/promql/testscript.h"

namespace canopy::promql {
namespace {

std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

}  // namespace

BOOST_AUTO_TEST_CASE(our_scripts_pass) {
  // Beside this file, wherever the test runs.
  const auto folder = std::filesystem::path(__FILE__).parent_path() / "scripts";
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".test") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  BOOST_TEST(!files.empty());
  for (const auto& file : files) {
    const std::string name = file.filename().string();
    const auto report = RunTestScript(ReadAll(file), ScriptEngineOptions(name), SystemClock());
    BOOST_REQUIRE_MESSAGE(report.ok(), name << ": " << report.status().message());
    BOOST_TEST(report->passed > 0u);
    for (const ScriptFailure& failure : report->failures)
      BOOST_ERROR(name << ":" << failure.line << ": " << failure.message);
  }
}

}  // namespace canopy::promql
