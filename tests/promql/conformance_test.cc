// Prometheus's own test scripts. They are not part of this tree: the folder is named by
// CANOPY_CONFORMANCE, or lies at ../shared/conformance.
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "canopy/promql/testscript.h"

namespace canopy::promql {
namespace {

std::filesystem::path Folder() {
  const char* named = std::getenv("CANOPY_CONFORMANCE");
  const std::filesystem::path root = named ? named : "../shared/conformance";
  return root / "promqltest";
}

std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

}  // namespace

BOOST_AUTO_TEST_CASE(scripts_of_prometheus_pass) {
  if (!std::filesystem::exists(Folder())) {
    std::cout << "SKIPPED: no " << Folder() << "; set CANOPY_CONFORMANCE to run its scripts\n";
    return;
  }
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(Folder()))
    if (entry.path().extension() == ".test") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  BOOST_TEST(!files.empty());
  for (const auto& file : files) {
    const std::string name = file.filename().string();
    const auto report = RunTestScript(ReadAll(file), ScriptEngineOptions(name), SystemClock());
    BOOST_REQUIRE_MESSAGE(report.ok(), name << ": " << report.status().message());
    for (const ScriptFailure& failure : report->failures)
      BOOST_ERROR(name << ":" << failure.line << ": " << failure.message);
    std::cout << name << ": " << report->passed << " passed, " << report->failures.size()
              << " failed\n";
  }
}

}  // namespace canopy::promql
